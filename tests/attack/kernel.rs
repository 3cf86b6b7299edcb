//! Kernels that lack a call, or say no in the middle.

use crate::common::call::{Call, Done};
use crate::common::trace::Trace;
use crate::common::user::User;
use crate::common::{log, program, seen};

/// Runs trampoline as root under strace, which lets a call fail.
fn injected(user: &User, inject: &str) -> Done {
    injected_into(user, inject, &["id"])
}

fn injected_into(user: &User, inject: &str, command: &[&str]) -> Done {
    let path = program("trampoline").to_str().unwrap().to_owned();
    let traced = inject.split(':').next().unwrap();
    let trace = format!("trace={traced}");
    let inject = format!("inject={inject}");
    let words = ["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, &path];
    Call::of("/usr/bin/strace", words.into_iter().chain(user.words(command))).by(0, 0).run()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_kernel_without_a_call_we_need_gets_125_and_the_version_that_has_it() {
    for call in ["openat2", "open_tree", "fsopen", "fsconfig", "fsmount", "move_mount", "mount_setattr", "clone3", "close_range"]
    {
        let (user, before) = (User::new(), log::count());
        let done = injected(&user, &format!("{call}:error=ENOSYS"));
        let said = done.failed(125);
        assert!(said.contains("(ENOSYS)") && said.contains("Linux 5.14 or newer has it"), "{call}: {said}");
        let line = format!("caller uid 0: {said}");
        let logged = || log::all()[before..].iter().any(|logged| logged.ends_with(&line));
        assert!(seen::within(std::time::Duration::from_secs(2), logged), "{call}: {line:?} is not in the log");
        if call == "clone3" {
            // Only the last step needs it: the jail itself was made, and is idle.
            seen::take_down(user.uid);
        }
        user.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_step_that_fails_leaves_nothing_of_the_steps_before() {
    // Which of the calls fails is the step: the first, one in the middle, a late one.
    for call in [
        "open_tree",
        "mount_setattr",
        "move_mount",
        "fsopen",
        "fsmount",
        "unshare",
        "setns",
        "mkdirat",
        "mknodat",
        "symlinkat",
        "pivot_root",
        "umount2",
    ] {
        for when in [1, 2, 4, 7, 10] {
            let user = User::new();
            let done = injected(&user, &format!("{call}:error=EIO:when={when}"));
            if done.code() == 0 {
                // It is not called so often, or the kernel's own no does not matter there.
                seen::take_down(user.uid);
            } else {
                let said = done.failed(125);
                assert!(said.contains("(EIO)"), "{call} {when}: {said}");
                if seen::is_pinned(user.uid) {
                    // It failed after the jail was made: that must be whole.
                    assert_eq!(user.run(&["id", "-u"]).well(), user.uid.to_string(), "{call} {when}");
                    seen::take_down(user.uid);
                }
            }
            user.leaves_nothing();
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drop_that_fails_or_lies_runs_nothing_with_a_privilege() {
    let user = User::with(&["--group", "29991"]);
    for inject in [
        "setgroups:retval=0",
        "setresgid:retval=0",
        "setresuid:retval=0",
        "capset:retval=0",
        "seccomp:retval=0",
        "setgroups:error=EPERM:when=2+",
        "setresgid:error=EPERM:when=2+",
        "setresuid:error=EPERM:when=2+",
        "capset:error=EPERM",
        "prctl:error=EPERM",
        "seccomp:error=EINVAL",
        "setrlimit,prlimit64:error=EIO:when=4+",
        "keyctl:error=EDQUOT",
        "chroot:error=EPERM",
        "chroot:retval=0",
        "umask:retval=0",
    ] {
        for _cold_then_warm in 0..2 {
            let done = injected_into(&user, inject, &["cat", "/proc/self/status"]);
            if done.out.is_empty() {
                // The supervisor and init may both have a word to say.
                assert_eq!(done.code(), 125, "{inject}: {}", done.err);
            } else {
                // What failed or lied was not needed, or it was the supervisor's: then the program ran as it should.
                let (status, uid) = (done.text(), user.uid);
                for line in [
                    format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}"),
                    format!("Gid:\t{uid}\t{uid}\t{uid}\t{uid}"),
                    "Groups:\t29991 ".into(),
                    "CapPrm:\t0000000000000000".into(),
                    "CapBnd:\t0000000000000000".into(),
                    "NoNewPrivs:\t1".into(),
                    "Seccomp:\t2".into(),
                ] {
                    assert!(status.lines().any(|l| l == line), "{inject}: {line} is not in {status}");
                }
            }
        }
        seen::take_down(user.uid);
        user.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_failure_of_the_kernel_s_is_in_the_system_log() {
    let user = User::new();
    let before = log::all().len();
    injected(&user, "mount_setattr:error=ENOSYS").failed(125);
    let wanted = |line: &String| line.contains("caller uid 0: cannot ") && line.contains("(ENOSYS)");
    assert!(seen::within(std::time::Duration::from_secs(2), || log::all()[before..].iter().any(wanted)));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_pin_that_the_kernel_refuses_again_and_again_leaves_no_place_behind() {
    let user = User::new();
    let trace = Trace::entry(&user, true, &[]);
    let hung: Vec<bool> =
        trace.supervisor().calls.iter().filter(|c| c.name == "move_mount").map(|c| c.arguments.contains("</pins/")).collect();
    let pin = 1 + hung.iter().position(|is_pin| *is_pin).unwrap();
    seen::take_down(user.uid);
    let done = injected(&user, &format!("move_mount:error=ELOOP:when={pin}+"));
    assert!(done.failed(125).contains("the kernel refused 48 of them in a row"), "{}", done.err);
    user.leaves_nothing();
    // And one that it refuses once is tried again.
    injected_into(&user, &format!("move_mount:error=EINVAL:when={pin}"), &["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_room_for_another_process_is_a_failure_and_no_program_runs_elsewhere() {
    let user = User::new();
    for call in ["clone3", "clone"] {
        for errno in ["EAGAIN", "ENOMEM", "ENOSPC"] {
            for _cold_then_warm in 0..2 {
                let done = injected(&user, &format!("{call}:error={errno}"));
                assert!([125, 126].contains(&done.code()) && done.out.is_empty(), "{call} {errno}: {} {}", done.text(), done.err);
            }
            seen::take_down(user.uid);
            user.leaves_nothing();
        }
    }
}
