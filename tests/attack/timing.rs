//! Callers who strike in the middle: signals and kills at every instant of a cold entry.

use crate::common::attacker::rounds;
use crate::common::user::User;
use crate::common::{program, seen, sweep};
use std::time::Duration;

/// Microseconds to wait in each round: so many steps of that length, and in further turns the instants between them.
fn instants(steps: u32, length: u64) -> impl Iterator<Item = u64> {
    let all = rounds(steps);
    println!("{all} instants");
    (0..all).map(move |round| u64::from(round % steps) * length + u64::from(round / steps) * 7 % length)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_cold_entry_killed_at_any_instant_leaves_a_state_from_which_the_next_one_works() {
    let user = User::new();
    let sweeps = sweep::ours();
    for (round, instant) in instants(60, 60).enumerate() {
        let running = user.call(&["sleep", "5"]).start();
        std::thread::sleep(Duration::from_micros(instant));
        running.signal(libc::SIGKILL);
        running.end();
        assert!(
            seen::within(Duration::from_secs(10), || seen::processes(user.uid).is_empty()),
            "{:?}",
            seen::processes(user.uid)
        );
        if round % 3 == 0 {
            assert_eq!(user.run(&["id", "-u"]).well(), user.uid.to_string());
        }
        // Mounts of other tests may take a mark off, and on a busy machine a sweep takes its time.
        seen::within(Duration::from_secs(10), || {
            sweeps.sweep(user.uid);
            !seen::has_place(user.uid)
        });
        user.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_caller_cannot_stop_or_kill_it_while_it_has_privilege() {
    let user = User::new();
    for instant in instants(40, 50) {
        // The caller itself, and not root, sends the signals; it hits the privileged part or the supervisor.
        let running = user.call(&["sh", "-c", "exit 7"]).start();
        std::thread::sleep(Duration::from_micros(instant));
        let pid = running.pid().to_string();
        let line = format!("kill -STOP {pid}; kill -TSTP {pid}; kill -CONT {pid}");
        crate::common::call::Call::of("/bin/sh", ["-c", &line]).run();
        running.signal(libc::SIGCONT);
        assert_eq!(running.end().code(), 7);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_term_before_the_program_has_started_is_not_lost() {
    let user = User::new();
    user.ensure();
    for instant in instants(40, 50) {
        let running = user.call(&["sleep", "20"]).start();
        std::thread::sleep(Duration::from_micros(500 + instant));
        running.signal(libc::SIGTERM);
        let done = running.end();
        assert!(done.took < Duration::from_secs(10), "the signal was lost after {} us", 500 + instant);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sweep_killed_at_any_of_its_calls_takes_nothing_from_a_session_and_is_made_up_for_by_the_next() {
    let (busy, idle) = (User::new(), User::new());
    let sweeps = sweep::ours();
    let running = busy.call(&["sleep", "600"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(busy.uid).iter().any(|(_, c)| c == "sleep")));
    let mut killed = 0;
    for call in 1.. {
        idle.ensure();
        // Marked, so that this sweep is one that takes it down.
        assert_eq!(sweeps.sweep(idle.uid), "marked");
        let inject = format!("inject=all:signal=KILL:when={call}");
        let words = ["-qq", "-o", "/dev/null", "-e", "trace=all", "-e", &inject];
        let done = std::process::Command::new("/usr/bin/strace").args(words).arg(program("reaper")).output().unwrap();
        assert!(seen::is_pinned(busy.uid), "killed at call {call}, it took a jail from under a session");
        // Whatever it left, the jail is whole or not there.
        assert_eq!(idle.run(&["id", "-u"]).well(), idle.uid.to_string(), "call {call}");
        if done.status.success() {
            break;
        }
        killed += 1;
    }
    assert!(killed > 40, "{killed}");
    drop((sweeps.sweep(idle.uid), sweeps.sweep(idle.uid)));
    assert!(!seen::has_place(idle.uid));
    running.signal(libc::SIGTERM);
    running.end();
    println!("{killed} sweeps killed, one at each of its calls");
}
