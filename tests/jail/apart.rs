//! What two users do not see of one another, nor of the host.

use crate::common::seen;
use crate::common::user::User;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn another_user_s_home_is_not_there_even_if_its_mode_would_let_everybody_in() {
    let (one, two) = (User::new(), User::new());
    fs::set_permissions(&one.home, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(one.in_home("secret"), "x").unwrap();
    assert_eq!(two.shell("ls /home"), two.name);
    assert_eq!(two.run(&["cat", one.in_home("secret").to_str().unwrap()]).code(), 1);
    assert_eq!(one.shell("ls /home"), one.name);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_of_the_host_shows_but_what_the_image_shows() {
    let user = User::new();
    for dir in ["/root", "/run", "/var/lib", "/var/log", "/srv", "/mnt", "/sys"] {
        let text = user.run(&["ls", "-A", dir]).text();
        assert!(!text.contains("trampoline") && !text.contains("check"), "{dir}: {text}");
    }
    assert_ne!(user.run(&["cat", "/etc/shadow"]).code(), 0);
    assert_ne!(user.run(&["ls", "/pins"]).code(), 0);
    assert_ne!(user.run(&["ls", "/ns"]).code(), 0);
    assert_eq!(user.shell("ls -di /.. / | sort -u | awk '{print $1}' | uniq | wc -l"), "1");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_host_s_processes_and_another_jail_s_cannot_be_signalled() {
    let (one, two) = (User::new(), User::new());
    let sleeping = one.call(&["sleep", "60"]).start();
    let there = || seen::processes(one.uid).iter().any(|(_, c)| c == "sleep");
    assert!(seen::within(Duration::from_secs(5), there));
    two.shell("kill -KILL -1 2>/dev/null; for p in $(seq 1 200); do [ $p = $$ ] || kill -KILL $p 2>/dev/null; done; true");
    // The same user in another session neither: another pid namespace.
    one.shell("for p in $(seq 1 200); do [ $p = $$ ] || kill -KILL $p 2>/dev/null; done; true");
    assert!(there());
    sleeping.signal(libc::SIGTERM);
    assert_eq!(sleeping.end().code(), 128 + libc::SIGTERM);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn tmp_is_one_directory_under_two_names_and_each_user_has_another() {
    let (one, two) = (User::new(), User::new());
    one.shell("echo 1 > /tmp/x");
    assert_eq!(one.shell("cat /var/tmp/x"), "1");
    assert_eq!(two.shell("ls -A /tmp /var/tmp"), "/tmp:\n\n/var/tmp:");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn shared_memory_is_the_jail_s_own_and_stays_between_sessions() {
    let (one, two) = (User::new(), User::new());
    let _quiet = crate::common::sweep::none();
    one.shell("echo 1 > /dev/shm/x");
    assert_eq!(one.shell("cat /dev/shm/x"), "1");
    assert_eq!(two.shell("ls -A /dev/shm"), "");
    assert!(!fs::exists("/dev/shm/x").unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn system_v_ipc_and_message_queues_are_the_jail_s_own() {
    let (one, two) = (User::new(), User::new());
    let _quiet = crate::common::sweep::none();
    let host = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    one.shell("ipcmk -M 64 -p 0666 > /dev/null; ipcmk -Q -p 0666 > /dev/null; ipcmk -S 2 -p 0666 > /dev/null");
    assert_eq!(one.shell("ipcs -mqs | grep -c ^0x"), "3");
    assert_eq!(two.shell("ipcs -mqs | grep -c ^0x || true"), "0");
    assert_eq!(fs::read_to_string("/proc/sysvipc/shm").unwrap(), host);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_sessions_of_one_user_share_all_namespaces_but_pids_and_mounts_and_two_users_share_none() {
    let (one, two) = (User::new(), User::new());
    let _quiet = crate::common::sweep::none();
    let mut sessions: Vec<_> = [(&one, "first"), (&one, "again"), (&two, "other")]
        .map(|(user, name)| {
            let ask = "(cd /proc/self/ns; for n in mnt pid ipc uts net user; do readlink $n; done)";
            (user.in_home(name), user.call(&["sh", "-c", &format!("{ask} > {name}; exec sleep 60")]).start())
        })
        .into();
    // All three live while they are compared: the inode of a namespace that is gone may be given again.
    let told =
        |path: &PathBuf| -> Vec<String> { fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect() };
    assert!(seen::within(Duration::from_secs(10), || sessions.iter().all(|(path, _)| told(path).len() == 6)));
    let [first, again, other] = [0, 1, 2].map(|n| told(&sessions[n].0));
    assert!(sessions.iter_mut().all(|(_, session)| !session.has_ended()));
    for (i, kind) in ["mnt", "pid", "ipc", "uts", "net", "user"].iter().enumerate() {
        let host = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().to_str().unwrap().to_owned();
        assert_eq!(first[i] == host, *kind == "user", "{kind} and the host");
        assert_eq!(first[i] == other[i], *kind == "user", "{kind} and another user");
        assert_eq!(first[i] == again[i], !["mnt", "pid"].contains(kind), "{kind} and another session");
    }
    for (_, session) in sessions {
        session.signal(libc::SIGTERM);
        assert_eq!(session.end().code(), 128 + libc::SIGTERM);
    }
}
