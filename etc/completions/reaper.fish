# Lets fish complete the words of reaper(8).
# Those who have a jail, for whoever may list them; else the accounts that can have one.
function __reaper_users
    set -f names (jailbase user ls 2>/dev/null | awk 'NR > 1 && $1 != "-" { print $1 }')
    test -n "$names"; or set names (getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }')
    printf '%s\n' $names
end
complete -c reaper -f
complete -c reaper -l dry-run -d 'Say what a sweep would find'
complete -c reaper -l json -d 'Say the outcome for programs'
complete -c reaper -l metrics -r -F -d 'Write the figures to this file'
complete -c reaper -l drain -x -a '(__reaper_users)' -d 'Keep people out of this jail and take it down'
complete -c reaper -l all -d 'With --drain: the jails of all users'
complete -c reaper -l wait -x -d 'With --drain: how many seconds to wait'
complete -c reaper -s v -l verbose -d 'Say what became of each jail'
complete -c reaper -s h -l help -d 'Show a summary'
complete -c reaper -s V -l version -d 'Show the version'
