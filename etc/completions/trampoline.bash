# Lets bash complete the words of trampoline(8).
_trampoline_users() {
    # Those who have a jail, for whoever may list them; else the accounts that can have one.
    local names
    names=$(jailbase user ls 2>/dev/null | awk 'NR > 1 && $1 != "-" { print $1 }')
    [[ -n $names ]] || names=$(getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }')
    compgen -W "$names" -- "$1"
}
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
                mapfile -t COMPREPLY < <(_trampoline_users "$cur")
            fi
            ;;
    esac
}
complete -F _trampoline trampoline
