# Lets bash complete the words of reaper(8).
_reaper() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $prev in
        --wait) ;;
        --metrics) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        *)
            if [[ $prev == --drain && $cur != -* ]]; then
                mapfile -t COMPREPLY < <(compgen -u -- "$cur")
            else
                mapfile -t COMPREPLY < <(compgen -W "--dry-run --json --metrics --drain --all --wait --verbose --help --version" -- "$cur")
            fi
            ;;
    esac
}
complete -F _reaper reaper
