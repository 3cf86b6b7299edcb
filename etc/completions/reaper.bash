# Lets bash complete the words of reaper(8).
_reaper_users() {
    # Those who have a jail, for whoever may list them; else the accounts that can have one.
    local names
    names=$(jailbase user ls 2>/dev/null | awk 'NR > 1 && $1 != "-" { print $1 }')
    [[ -n $names ]] || names=$(getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }')
    compgen -W "$names" -- "$1"
}
_reaper() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $prev in
        --wait) ;;
        --metrics) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        *)
            if [[ $prev == --drain && $cur != -* ]]; then
                mapfile -t COMPREPLY < <(_reaper_users "$cur")
            else
                mapfile -t COMPREPLY < <(compgen -W "--dry-run --json --metrics --drain --all --wait --verbose --help --version" -- "$cur")
            fi
            ;;
    esac
}
complete -F _reaper reaper
