//! How long a jail lives.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{program, seen, sweep};
use std::process::Command;
use std::time::Duration;

/// Which jail it is: its ipc namespace lives as long as it does.
fn jail(user: &User) -> String {
    user.run(&["readlink", "/proc/self/ns/ipc"]).well()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_outlives_its_program_and_the_next_one_enters_the_same() {
    let user = User::new();
    let _quiet = sweep::none();
    assert!(!seen::is_pinned(user.uid));
    let first = jail(&user);
    assert!(seen::is_pinned(user.uid));
    user.shell("echo here > /dev/shm/x");
    assert_eq!(jail(&user), first);
    assert_eq!(user.shell("cat /dev/shm/x"), "here");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_idle_jail_goes_with_the_second_sweep() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.shell("echo here > /dev/shm/x");
    assert_eq!(sweeps.sweep(user.uid), "marked");
    assert!(seen::is_pinned(user.uid));
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
    assert!(!seen::has_place(user.uid));
    assert_eq!(sweeps.sweep(user.uid), "not mentioned");
    assert_eq!(user.shell("ls /dev/shm"), "", "a new jail");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_live_session_keeps_its_jail() {
    let user = User::new();
    let sweeps = sweep::ours();
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    for _ in 0..4 {
        assert_eq!(sweeps.sweep(user.uid), "in use");
    }
    running.signal(libc::SIGTERM);
    running.end();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_entry_between_two_sweeps_takes_the_mark_off() {
    let user = User::new();
    let sweeps = sweep::ours();
    let first = jail(&user);
    for _ in 0..3 {
        assert_eq!(sweeps.sweep(user.uid), "marked");
        assert_eq!(jail(&user), first);
    }
    user.ensure();
    assert_eq!(sweeps.sweep(user.uid), "marked", "--ensure is a use as well");
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn neither_df_nor_a_look_at_the_plan_nor_a_refused_call_keeps_a_jail() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.ensure();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    Command::new("df").arg("-a").output().unwrap();
    drop(Command::new("find").args(["/run", "-xdev"]).output().unwrap());
    Call::new(["--explain", &user.name]).run().well();
    Call::new([&user.name, "--", "id"]).by(34, 33).run().failed(77);
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn ensure_makes_the_jail_ready_and_runs_nothing() {
    let user = User::new();
    let _quiet = sweep::none();
    for word in [user.name.clone(), user.uid.to_string()] {
        assert_eq!(Call::new(["--ensure", &word]).run().well(), "");
        assert!(seen::is_pinned(user.uid));
        assert_eq!(seen::processes(user.uid), []);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn explain_changes_nothing() {
    let user = User::new();
    let mounts = seen::mount_count();
    let text = Call::new(["--explain", &user.name]).run().well();
    for line in [
        format!("user      {0} uid {1} gid {1} groups []", user.name, user.uid),
        "network   none".into(),
        "hostname  jail".into(),
        "domain    (cleared)".into(),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(&user.home) && text.lines().all(|l| l.len() < 140), "{text}");
    user.leaves_nothing();
    assert_eq!(seen::mount_count(), mounts);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_changed_spec_counts_for_the_program_at_once_and_for_the_mounts_with_the_next_jail() {
    let user = User::with(&["--open-files", "100", "--hostname", "old"]);
    let _quiet = sweep::none();
    assert_eq!(user.shell("ulimit -n; uname -n"), "100\nold");
    user.add(&["--open-files", "50", "--hostname", "new"]);
    assert_eq!(user.shell("ulimit -n; uname -n"), "50\nold");
    seen::take_down(user.uid);
    assert_eq!(user.shell("ulimit -n; uname -n"), "50\nnew");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_removed_user_is_refused_at_once_and_the_jail_is_gone() {
    let user = User::new();
    user.ensure();
    let remove = || Command::new(program("jailbase")).args(["user", "rm", &user.name, "--wait", "0"]).output().unwrap();
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    assert_eq!(remove().status.code(), Some(77), "programs run in the jail");
    running.signal(libc::SIGTERM);
    running.end();
    let done = remove();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    user.leaves_nothing();
    user.run(&["id"]).failed(77);
    user.leaves_nothing();
    assert!(user.in_home("").exists(), "the home is the user's");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_could_not_be_started_leaves_an_idle_jail_that_two_sweeps_take() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.run(&["no-such-program"]).failed(127);
    assert_eq!(seen::processes(user.uid), []);
    assert_eq!(sweeps.sweep(user.uid), "marked");
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_was_just_pinned_cannot_expire_before_its_maker_holds_it() {
    let user = User::new();
    let sweeps = sweep::ours();
    // Every look at the pin takes the maker so long that sweeps come between.
    let pin = format!("/pins/{}", user.uid);
    let mut slow = Command::new("strace");
    slow.args(["-f", "-o", "/dev/null", "-P", &pin, "-e", "inject=openat2:delay_enter=500000"]);
    let mut maker = slow.arg(program("trampoline")).args(["--ensure", &user.name]).spawn().unwrap();
    let mut last = String::new();
    while maker.try_wait().unwrap().is_none() {
        last = sweeps.sweep(user.uid);
    }
    assert!(maker.wait().unwrap().success(), "it lost the jail to the sweeps, of which the last said: {last}");
}
