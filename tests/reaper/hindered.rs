//! Drains one call of which fails: what is not known is not concluded.

use crate::common::call::Running;
use crate::common::user::User;
use crate::common::{program, seen, sweep};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A drain whose changes of the mount namespace are traced, and one of them fails.
fn drain(fails: Option<usize>, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("strace");
    command.args(["-qq", "-r", "-e", "trace=setns"]);
    if let Some(nth) = fails {
        command.args(["-e", &format!("inject=setns:error=ENOMEM:when={nth}")]);
    }
    let done = command.arg(program("reaper")).arg("-v").args(words).stdout(Stdio::null()).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

fn session(user: &User) -> Running {
    let running = user.call(&["sleep", "300"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    running
}

/// Neither the words nor the code say that the jail of a program that runs is down.
#[track_caller]
fn concludes_nothing(users: &[&User], nth: usize, (code, said): &(Option<i32>, String)) {
    assert!(matches!(code, Some(75 | 125)), "change {nth} fails: {code:?}\n{said}");
    for user in users {
        assert!(!said.contains(&format!("{}: drained", user.uid)), "change {nth} fails: {said}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_that_cannot_come_back_from_the_holder_concludes_nothing() {
    // A drain of all keeps everybody out, the users of other tests too.
    let _ours_alone = sweep::ours();
    let users = [User::new(), User::new()];
    let running = users.each_ref().map(session);
    let both = [&users[0], &users[1]];
    let (_, whole) = drain(None, &["--drain", "--all", "--wait", "0"]);
    let changes = whole.matches("setns(").count();
    assert!(changes >= 7, "{whole}");
    for nth in 1..=changes {
        concludes_nothing(&both, nth, &drain(Some(nth), &["--drain", "--all", "--wait", "0"]));
    }
    // After a second it is looked who is waited for; then the jail is asked again.
    let words = ["--drain", &users[0].name, "--wait", "2"];
    let (_, whole) = drain(None, &words);
    let mut at = 0.0;
    let late = whole.lines().filter_map(|line| line.trim().split_once(" setns("));
    let before = late.take_while(|(since, _)| {
        at += since.trim().parse::<f64>().unwrap();
        at < 1.0
    });
    let before = before.count();
    assert!(before >= 10, "{whole}");
    for nth in before - 2..before + 4 {
        concludes_nothing(&both, nth, &drain(Some(nth), &words));
    }
    println!("{} changes of the mount namespace failed, one in each drain", changes + 6);
    for running in running {
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().code(), 128 + libc::SIGTERM);
    }
}
