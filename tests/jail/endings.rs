//! How a program ends, and what its caller learns of it.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{executable, seen};
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_exit_code_is_the_program_s() {
    let user = User::new();
    for code in [0, 1, 42, 64, 77, 125, 126, 127, 128, 200, 255] {
        let done = user.run(&["sh", "-c", &format!("exit {code}")]);
        assert_eq!((done.code(), done.err.as_str()), (code, ""));
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_ended_by_a_signal_gives_128_and_its_number() {
    let user = User::new();
    for signal in [1, 2, 3, 6, 9, 11, 13, 14, 15, 24, 31, 32, 34, 50, 64] {
        // Python ignores or catches some of them; that is not what this is about.
        let text = format!(
            "import os, signal, time\nfor s in (1, 2, 3, 13, 15): signal.signal(s, signal.SIG_DFL)\nos.kill(os.getpid(), {signal})\ntime.sleep(5)"
        );
        let done = user.run(&["python3", "-I", "-c", &text]);
        assert_eq!((done.code(), done.err.as_str()), (128 + signal, ""), "signal {signal}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_is_not_there_gives_127() {
    let user = User::new();
    assert_eq!(user.run(&["no-such-program"]).failed(127), "no-such-program: not found in the jail");
    assert_eq!(user.run(&["/usr/bin/no-such-program"]).failed(127), "/usr/bin/no-such-program: not found in the jail");
    assert_eq!(user.run(&["./nope"]).failed(127), "./nope: not found in the jail");
    assert_eq!(user.run(&["/etc/passwd/x"]).failed(127), "/etc/passwd/x: not found in the jail");
    assert_eq!(user.run(&["a\nb\x1b[2J"]).failed(127), "a\\nb\\x1b[2J: not found in the jail");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_cannot_be_executed_gives_126_and_says_why() {
    let user = User::new();
    let put = |name: &str, mode: u32, text: &[u8]| executable::written(text, user.in_home(name), (0, 0), mode);
    put("plain", 0o644, b"#!/bin/sh\necho ran\n");
    put("lost", 0o755, b"#!/no/such/interpreter\n");
    put("text", 0o755, b"echo ran\n");
    put("empty", 0o755, b"");
    put("half", 0o755, b"\x7fELF\x02\x01\x01");
    let cases = [
        ("./plain", "cannot execute ./plain: Permission denied (EACCES)"),
        ("./lost", "cannot execute ./lost: it is there, but its interpreter or loader is not"),
        ("./text", "cannot execute ./text: it is neither a binary of this machine nor a script with a #! line"),
        ("./empty", "cannot execute ./empty: it is neither a binary of this machine nor a script with a #! line"),
        ("./half", "cannot execute ./half: it is neither a binary of this machine nor a script with a #! line"),
        ("/tmp", "cannot execute /tmp: Permission denied (EACCES)"),
    ];
    for (program, message) in cases {
        assert_eq!(user.run(&[program]).failed(126), message);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_hears_the_timeout_s_term_gives_143() {
    let user = User::new();
    let done = Call::new(["-t", "1", &user.name, "--", "sleep", "60"]).run();
    assert_eq!((done.code(), done.err.as_str()), (143, "trampoline: the time of 1 s is over\n"));
    assert!((900..3000).contains(&done.took.as_millis()), "{:?}", done.took);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_ignores_the_timeout_s_term_is_killed_after_the_grace_and_gives_137() {
    let user = User::new();
    let done = Call::new(["-t", "1", &user.name, "--", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"]).run();
    assert_eq!(done.code(), 137);
    assert!((5900..8000).contains(&done.took.as_millis()), "{:?}", done.took);
    assert!(seen::within(Duration::from_secs(1), || seen::processes(user.uid).is_empty()), "{:?}", seen::processes(user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_is_done_in_time_is_not_held_up_by_a_timeout() {
    let user = User::new();
    let done = Call::new(["--timeout", "60", &user.name, "--", "sh", "-c", "exit 3"]).run();
    assert_eq!((done.code(), done.err.as_str()), (3, ""));
    assert!(done.took < Duration::from_secs(5));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn background_processes_end_with_the_program() {
    let user = User::new();
    let line =
        "(sleep 61 &) ; setsid sleep 62 & setsid nohup sh -c 'trap \"\" TERM HUP; sleep 63' >/dev/null 2>&1 & sleep 0.2; exit 5";
    let done = user.run(&["sh", "-c", line]);
    assert_eq!(done.code(), 5);
    assert!(done.took < Duration::from_secs(5), "it was waited for them: {:?}", done.took);
    assert_eq!(seen::processes(user.uid), []);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn orphans_are_reaped_while_the_program_runs() {
    let user = User::new();
    let line =
        "for i in 1 2 3 4 5; do (sh -c 'exit 3' &) ; done; sleep 0.5; cat /proc/[0-9]*/status | grep -c '^State:.Z' || true";
    assert_eq!(user.shell(line), "0");
}
