//! Who a program is in a jail, and what it has inherited: nothing.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{process, program};

fn status_line(status: &str, key: &str) -> String {
    let line = status.lines().find_map(|l| l.strip_prefix(&format!("{key}:")));
    line.unwrap_or_else(|| panic!("no {key} in {status}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn all_four_uids_and_gids_are_the_targets_and_the_groups_are_exactly_the_specs() {
    let user = User::with(&["--group", "29991", "--group", "29992"]);
    let caller_in_many_groups = Call::of("/usr/bin/setpriv", {
        let trampoline = program("trampoline").to_str().unwrap().to_owned();
        let words = ["--reuid", "33", "--regid", "33", "--groups", "33,4,27,0", "--"].map(str::to_owned);
        words.into_iter().chain([trampoline]).chain(user.words(&["cat", "/proc/self/status"]).into_iter().map(str::to_owned))
    });
    for call in [user.call(&["cat", "/proc/self/status"]), caller_in_many_groups.by(0, 0)] {
        let status = call.run().well();
        let four = vec![user.uid.to_string(); 4].join(" ");
        assert_eq!(status_line(&status, "Uid"), four);
        assert_eq!(status_line(&status, "Gid"), four);
        assert_eq!(status_line(&status, "Groups"), "29991 29992");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_without_groups_gives_none() {
    let status = User::new().run(&["cat", "/proc/self/status"]).well();
    assert_eq!(status_line(&status, "Groups"), "");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_capability_is_left_and_none_can_come_back() {
    let user = User::new();
    for caller in [33, 0] {
        let status = user.call(&["cat", "/proc/self/status"]).by(caller, 33).run().well();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status_line(&status, set), "0000000000000000", "{set} when {caller} calls");
        }
        assert_eq!(status_line(&status, "NoNewPrivs"), "1");
        assert_eq!(status_line(&status, "Seccomp"), "2");
        assert_eq!(status_line(&status, "Seccomp_filters"), "1");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_root_caller_s_inheritable_capabilities_do_not_come_in() {
    let user = User::new();
    let words =
        ["--inh-caps", "+net_raw,+net_admin,+sys_admin", "--ambient-caps", "+net_raw,+net_admin", "--"].map(str::to_owned);
    let trampoline = program("trampoline").to_str().unwrap().to_owned();
    let words =
        words.into_iter().chain([trampoline]).chain(user.words(&["cat", "/proc/self/status"]).into_iter().map(str::to_owned));
    let done = Call::of("/usr/bin/setpriv", words).by(0, 0).run();
    let status = done.well();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status_line(&status, set), "0000000000000000", "{set}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_descriptor_of_the_caller_s_is_inherited() {
    let user = User::new();
    let list = "import os; print(*sorted(map(int, os.listdir('/proc/self/fd'))))";
    for path in ["/etc/hostname", "/", "/dev/null"] {
        let done = user.call(&["python3", "-I", "-c", list]).after(move || process::leave_open(path, 3..=200)).run();
        // The fourth is the directory that is being listed.
        assert_eq!(done.well(), "0 1 2 3", "with {path} open at 3 to 200");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn signals_that_the_caller_ignores_and_blocks_are_not_ignored_and_not_blocked() {
    let user = User::new();
    let status = user.call(&["cat", "/proc/self/status"]).after(process::deaf_to_signals).run().well();
    for mask in ["SigIgn", "SigBlk", "SigPnd", "ShdPnd"] {
        assert_eq!(status_line(&status, mask), "0000000000000000", "{mask}");
    }
    let done = user.call(&["sh", "-c", "kill -TERM $$; sleep 9"]).after(process::deaf_to_signals).run();
    assert_eq!(done.code(), 128 + libc::SIGTERM);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_has_its_own_session_without_a_terminal_and_is_not_process_1() {
    let user = User::new();
    let ask = "import os; print(os.getpid(), os.getsid(0), os.getpgid(0), os.getppid(), os.getsid(1))";
    let said = user.python(ask);
    let numbers: Vec<u32> = said.split(' ').map(|n| n.parse().unwrap()).collect();
    let [pid, session, group, parent, of_init] = numbers[..] else { panic!("{said}") };
    assert_eq!((session, group, parent), (pid, pid, 1));
    assert_ne!(pid, 1);
    assert_ne!(of_init, session);
    let terminal = "import os\ntry:\n os.open('/dev/tty', os.O_RDWR)\nexcept OSError as e:\n print(e.errno)";
    assert_eq!(user.python(terminal), libc::ENXIO.to_string());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_session_keyring_is_new_and_no_key_of_the_caller_s_can_be_seen() {
    let user = User::new();
    let first = user.shell("cat /proc/keys");
    let second = user.shell("cat /proc/keys");
    for keys in [&first, &second] {
        assert!(keys.lines().all(|line| line.contains(" keyring   _ses: empty") || line.contains("keyring   _uid")), "{keys}");
    }
    assert_ne!(first, second, "two sessions share a keyring");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_umask_is_022_whatever_the_caller_s_is() {
    let user = User::new();
    for mask in [0, 0o777, 0o077] {
        let done = user
            .call(&["sh", "-c", "umask; umask -S"])
            .after(move || {
                process::umask(mask);
                Ok(())
            })
            .run();
        assert_eq!(done.well(), "0022\nu=rwx,g=rx,o=rx");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn passwd_and_group_name_the_user_and_hardly_anybody_else() {
    let user = User::new();
    let name = &user.name;
    assert_eq!(user.shell("id -un; id -gn; id -u"), format!("{name}\n{name}\n{}", user.uid));
    let ask = "import pwd, os; print(*pwd.getpwuid(os.getuid()), sep='|')";
    let said = user.python(ask);
    let fields: Vec<&str> = said.split('|').collect();
    assert_eq!((fields[0], fields[2], fields[3]), (name.as_str(), user.uid.to_string().as_str(), user.uid.to_string().as_str()));
    assert_eq!((fields[5], fields[6]), (user.home.as_str(), "/bin/sh"));
    assert_eq!(user.shell("echo ~; eval echo ~$USER"), format!("{0}\n{0}", user.home));
    let others = User::new();
    assert!(!user.shell("cat /etc/passwd /etc/group").contains(&others.name));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn setuid_programs_and_su_and_new_user_namespaces_lead_nowhere() {
    let user = User::new();
    let done = user.run(&["unshare", "--user", "--map-root-user", "id", "-u"]);
    assert_ne!(done.code(), 0, "{}", done.text());
    let done = user.run(&["python3", "-I", "-c", "import os; os.setuid(0)"]);
    assert_eq!(done.code(), 1);
    assert!(done.err.contains("PermissionError"), "{}", done.err);
    for call in ["os.setgroups([])", "os.setgid(0)", "os.chroot('/tmp')", "os.mknod('x', 0o20666, os.makedev(1, 1))"] {
        let done = user.run(&["python3", "-I", "-c", &format!("import os; {call}")]);
        assert!(done.err.contains("PermissionError"), "{call}: {}", done.err);
    }
}
