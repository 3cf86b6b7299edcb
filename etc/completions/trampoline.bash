# Lets bash complete the words of trampoline(8).
_trampoline() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} at
    COMPREPLY=()
    for ((at = 1; at < COMP_CWORD; at++)); do
        [[ ${COMP_WORDS[at]} == -- ]] || continue
        # The program, and what it is given.
        if ((at + 1 == COMP_CWORD)); then mapfile -t COMPREPLY < <(compgen -c -- "$cur"); else mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi
        return
    done
    case $prev in
        -C | --chdir) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        -e | --env | -t | --timeout) ;;
        *)
            if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "--chdir --env --timeout --ensure --explain --policy --help --version --" -- "$cur")
            else
                mapfile -t COMPREPLY < <(compgen -u -- "$cur")
            fi
            ;;
    esac
}
complete -F _trampoline trampoline
