//! Callers who took something away from trampoline before they ran it.

use super::planted::Planted;
use super::{asked, failed};
use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{executable, log, process, program, seen};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_with_no_new_privs_is_told_so() {
    let user = User::new();
    for call in asked(&user) {
        failed(
            &user,
            &call.after(process::no_new_privs).run(),
            "the caller runs with no_new_privs, so the setuid bit has no effect",
        );
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_the_setuid_bit_it_says_how_to_install_it() {
    let user = User::new();
    let copy = format!("{}/trampoline", user.home);
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    executable::copied(program("trampoline"), &copy, (0, 0), 0o755);
    let done = Call::of(&copy, user.words(&["id"])).run();
    failed(&user, &done, "it does not run as root; install it with make install (mode 4750, owner root, no nosuid mount)");
    // A bit that does not make it root is none.
    chown(&copy, Some(user.uid), None).unwrap();
    fs::set_permissions(&copy, Permissions::from_mode(0o4755)).unwrap();
    failed(&user, &Call::of(&copy, user.words(&["id"])).run(), "it does not run as root");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn on_a_mount_that_takes_the_setuid_bit_away_it_says_so_and_does_nothing() {
    let user = User::new();
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    let place = user.in_home("nosuid");
    let planted = Planted::with(&place, libc::MS_NOSUID);
    let copy = place.join("trampoline");
    executable::copied(program("trampoline"), &copy, (0, 33), 0o4755);
    let done = Call::of(&copy, user.words(&["id"])).run();
    drop(planted);
    failed(&user, &done, "it does not run as root; install it with make install (mode 4750, owner root, no nosuid mount)");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_in_a_user_namespace_of_its_own_is_told_that_this_is_why() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let ways =
        [vec!["--user", "--map-root-user"], vec!["--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"]];
    for (caller, way) in [(33, 0), (33, 1), (0, 0), (0, 1)] {
        let words = ways[way].iter().copied().chain(["--", path.as_str()]).chain(user.words(&["id"]));
        let before = log::all().len();
        let done = Call::of("/usr/bin/unshare", words).by(caller, 33).run();
        user.leaves_nothing();
        let said = done.failed(if done.code() == 77 { 77 } else { 125 }).to_owned();
        let wanted = |line: &String| line.contains("user namespace");
        let logged = seen::within(std::time::Duration::from_millis(500), || log::all()[before..].iter().any(wanted));
        assert!(logged && (done.code() == 77 || said.contains("user namespace")), "{:?}: {said}; logged: {logged}", ways[way]);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_in_a_user_namespace_that_maps_nobody_gets_no_root() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    for caller in [0, 33] {
        let words = ["--user", "--", path.as_str()].into_iter().chain(user.words(&["id"]));
        let done = Call::of("/usr/bin/unshare", words).by(caller, 33).run();
        assert!([77, 125].contains(&done.code()), "{}", done.err);
        done.failed(done.code());
        user.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_hides_proc_behind_a_directory_of_its_own_gets_nowhere() {
    let user = User::new();
    for fake in ["tmpfs", "bind"] {
        let home = user.home.clone();
        let done = user
            .call(&["id"])
            .by(0, 0)
            .after(move || {
                process::unshare(libc::CLONE_NEWNS)?;
                process::mount("", "/", "", libc::MS_REC | libc::MS_PRIVATE, "")?;
                if fake == "tmpfs" {
                    process::mount("none", "/proc", "tmpfs", 0, "size=64k")?;
                } else {
                    process::mount(&home, "/proc", "", libc::MS_BIND, "")?;
                }
                process::become_user(33, 33)
            })
            .run();
        failed(&user, &done, "");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_in_a_pid_namespace_of_its_own_leaves_nothing() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let setpriv =
        ["--pid", "--fork", "--mount-proc", "--kill-child", "setpriv", "--reuid", "33", "--regid", "33", "--clear-groups", &path];
    let done = Call::of("/usr/bin/unshare", setpriv.into_iter().chain(user.words(&["id", "-u"]))).by(0, 0).run();
    assert!([0, 77, 125].contains(&done.code()), "{}", done.err);
    if done.code() == 0 {
        assert_eq!(done.well(), user.uid.to_string());
        seen::take_down(user.uid);
    } else {
        done.failed(done.code());
    }
    user.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_traces_gets_no_privilege() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let done = Call::of("/usr/bin/strace", ["-o", "/dev/null", &path].into_iter().chain(user.words(&["id"]))).run();
    failed_without_log(&done.err, "it does not run as root");
    assert_eq!(done.code(), 125);
    user.leaves_nothing();
}

/// The tracer's words may stand beside ours.
fn failed_without_log(err: &str, reason: &str) {
    assert!(err.lines().any(|line| line.starts_with("trampoline: ") && line.contains(reason)), "{err}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_a_log_daemon_everything_goes_on() {
    let user = User::new();
    let without = || {
        process::unshare(libc::CLONE_NEWNS)?;
        process::mount("", "/", "", libc::MS_REC | libc::MS_PRIVATE, "")
    };
    // The log is looked for in the host's namespace, so hiding it from the caller changes nothing.
    let done = user.call(&["id", "-u"]).by(0, 0).after(without).run();
    assert_eq!(done.well(), user.uid.to_string());
    assert!(log::line_of(&done).contains("runs id as uid"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_s_timers_do_not_end_it() {
    let user = User::new();
    for which in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        // Long enough for a busy machine to start trampoline, short enough to run out twice while the program sleeps.
        let done = user.call(&["sleep", "0.5"]).after(move || process::timer(which, 150)).run();
        assert_eq!((done.code(), done.err.as_str()), (0, ""), "timer {which}");
    }
}
