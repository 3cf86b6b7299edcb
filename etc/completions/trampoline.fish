# Lets fish complete the words of trampoline(8).
# Those who have a jail, for whoever may list them; else the accounts that can have one.
function __trampoline_users
    set -f names (jailbase user ls 2>/dev/null | awk 'NR > 1 && $1 != "-" { print $1 }')
    test -n "$names"; or set names (getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }')
    printf '%s\n' $names
end
complete -c trampoline -f
complete -c trampoline -s C -l chdir -x -a '(__fish_complete_directories)' -d 'Run the program in this directory of the jail'
complete -c trampoline -s e -l env -x -d 'Set a variable: NAME=VALUE'
complete -c trampoline -s t -l timeout -x -d 'End the program after so many seconds'
complete -c trampoline -l ensure -x -a '(__trampoline_users)' -d 'Make the jail ready and run nothing'
complete -c trampoline -l explain -x -a '(__trampoline_users)' -d 'Show the plan of the jail and do nothing'
complete -c trampoline -l policy -d 'Show what was compiled in'
complete -c trampoline -s h -l help -d 'Show a summary'
complete -c trampoline -s V -l version -d 'Show the version'
complete -c trampoline -n '__fish_is_first_token' -a '(__trampoline_users)'
