//! Ending sessions.

use crate::common::user::User;
use crate::common::{process, seen};
use crate::{inits, jailbase, json, of, session, sessions, well};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn one_session_is_ended_and_the_others_and_the_jail_stay() {
    let user = User::new();
    let name = user.name.as_str();
    let (first, second) = (session(&user, &["sleep", "60"]), session(&user, &["sleep", "61"]));
    let one = inits(&user)[1].to_string();
    let said = well(&["kill", name, "--session", &one, "--dry-run"]);
    assert_eq!(said, format!("would end {name}: session {one} (sleep 61)\n"));
    assert_eq!(sessions(&user), 2, "a dry run does nothing");
    well(&["kill", name, "--session", &one]);
    assert_eq!((second.end().code(), sessions(&user)), (143, 1));
    let refused = jailbase(&["kill", name, "--session", &one]);
    assert_eq!(refused.status.code(), Some(77), "{}", String::from_utf8_lossy(&refused.stderr));
    let said = well(&["kill", name, "--signal", "KILL"]);
    assert!(said.contains("(sleep 60): SIGKILL"), "{said}");
    assert_eq!(first.end().code(), 137);
    assert_eq!(of(&["ls"], &user)["idle"], true, "the jail is there");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_does_not_hear_term_is_killed_when_the_time_is_over() {
    let user = User::new();
    let deaf = session(&user, &["/bin/sh", "-c", "trap '' TERM; touch deaf; while :; do sleep 1; done"]);
    assert!(seen::within(Duration::from_secs(10), || user.in_home("deaf").exists()));
    let start = Instant::now();
    let said = well(&["kill", &user.name, "--wait", "1"]);
    assert!(start.elapsed() >= Duration::from_secs(1) && said.ends_with("still there after 1 s, KILL\n"), "{said}");
    assert_eq!((deaf.end().code(), sessions(&user)), (137, 0));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_session_whose_supervisor_was_stopped_ends_all_the_same() {
    let user = User::new();
    let running = session(&user, &["sleep", "60"]);
    process::kill(running.pid(), libc::SIGSTOP);
    well(&["kill", &user.name, "--wait", "0"]);
    assert_eq!(json(&["ps", &user.name]).as_array().unwrap().len(), 0);
    process::kill(running.pid(), libc::SIGCONT);
    running.end();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_signal_that_is_asked_for_is_handed_on_and_nothing_else() {
    let user = User::new();
    let line = "trap 'echo heard; exit 5' USR1; echo ready > ~/ready; while :; do sleep 0.1; done";
    let running = session(&user, &["/bin/sh", "-c", line]);
    assert!(crate::seen::within(Duration::from_secs(5), || user.in_home("ready").exists()));
    well(&["kill", &user.name, "--signal", "usr1"]);
    let done = running.end();
    assert_eq!((done.code(), done.text().as_str()), (5, "heard"));
}
