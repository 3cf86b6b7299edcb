//! Seeing: what `jailbase ls`, `stat`, `ps`, `top`, `du`, `explain`, `log`, `enter` and `kill` say and do, and that looking at a
//! jail does not keep it.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "../common/mod.rs"]
mod common;

mod counting;
mod entering;
mod explaining;
mod hindered;
mod killing;
mod listing;
mod logs;
mod reach;
mod terminal;
mod top;
mod trouble;
mod used;

use common::call::Running;
use common::user::User;
use common::{program, seen};
use serde_json::Value;
use std::process::{Command, Output};
use std::time::Duration;

/// Runs jailbase with these words.
fn jailbase(words: &[&str]) -> Output {
    Command::new(program("jailbase")).args(words).env_clear().output().unwrap()
}

/// The same, which must end well and complain of nothing; what it printed.
#[track_caller]
fn well(words: &[&str]) -> String {
    let done = jailbase(words);
    let (out, err) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert_eq!((done.status.code(), err.as_str()), (Some(0), ""), "{words:?}: {out}");
    out
}

/// The array or object that it prints for programs.
#[track_caller]
fn json(words: &[&str]) -> Value {
    let said = well(&[words, &["--json"]].concat());
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{words:?}: {error}: {said}"))
}

/// What an array says of a user; `null` if nothing.
#[track_caller]
fn of(words: &[&str], user: &User) -> Value {
    let all = json(words);
    let rows = all.as_array().unwrap_or_else(|| panic!("{words:?}: {all}"));
    rows.iter().find(|row| row["uid"] == user.uid).cloned().unwrap_or(Value::Null)
}

/// A session of this user that runs a program, which is there when this returns.
#[track_caller]
fn session(user: &User, command: &[&str]) -> Running {
    let before = sessions(user);
    let running = user.call(command).patient(Duration::from_secs(60)).start();
    // A moment long the second process of a session is a copy of the first.
    let executed = |row: &Value| row["inside"] == 1 || !row["command"].as_str().unwrap().contains("bin/trampoline ");
    let begun = seen::within(Duration::from_secs(10), || {
        sessions(user) > before
            && of(&["stat"], user)["processes"].as_u64() >= Some(2 * (before + 1))
            && json(&["ps", &user.name]).as_array().unwrap().iter().all(executed)
    });
    assert!(begun, "the session does not begin: {}", of(&["ls"], user));
    running
}

/// Runs a shell's script on a machine of its own, as far as processes and mounts go; trampoline takes it for the host.
fn on_a_machine_apart(script: &str) -> Output {
    let words = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", script];
    Command::new("unshare").args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").output().unwrap()
}

/// How many sessions there are.
#[track_caller]
fn sessions(user: &User) -> u64 {
    of(&["ls"], user)["sessions"].as_u64().unwrap_or(0)
}

/// The process 1 of each session, in their order.
#[track_caller]
fn inits(user: &User) -> Vec<u32> {
    let all = json(&["stat", &user.name]);
    all.as_array().unwrap().iter().map(|row| row["session"].as_u64().unwrap().try_into().unwrap()).collect()
}

/// Ends all sessions of a user, and hears what each came to.
#[track_caller]
fn end(user: &User, running: Vec<Running>) {
    well(&["kill", &user.name]);
    for one in running {
        one.end();
    }
}
