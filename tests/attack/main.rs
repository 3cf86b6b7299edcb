//! Bad input and hostile callers: each gets its exit code, one plain line, a line in the system log, and leaves nothing.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout
)]

#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod between_jails;
mod callers;
mod cores;
mod descriptors;
mod environment;
mod exhaustion;
mod groups;
mod homes;
mod host_files;
mod identity;
mod images;
mod inheritance;
mod inherited;
mod inside;
mod kernel;
mod loading;
mod logs_and_locks;
mod mounts;
mod outbound;
mod planted;
mod races;
mod reach;
mod removal;
mod setuid_files;
mod siblings;
mod specs;
mod surface;
mod sweeps;
mod targets;
mod terminals;
mod thieves;
mod timing;
mod trace;
mod user_namespaces;

use common::call::{Call, Done};
use common::log;
use common::user::User;

/// A call was refused: 77, the plain line, the reason in the system log, and nothing is left.
#[track_caller]
fn refused(user: &User, done: &Done, reason: &str) {
    assert_eq!(done.failed(77), "refused (the system log has the reason)");
    let line = log::line_of(done);
    assert!(line.starts_with("<84> caller uid ") && line.contains(": refused: "), "{line}");
    assert!(line.contains(reason), "{reason:?} is not in {line:?}");
    user.leaves_nothing();
}

/// A call failed: 125, a line with the reason for the caller and for the system log, and nothing is left.
#[track_caller]
fn failed(user: &User, done: &Done, reason: &str) {
    let said = done.failed(125);
    assert!(said.contains(reason), "{reason:?} is not in {said:?}");
    assert_eq!(log::line_of(done).split_once(": ").unwrap().1, said);
    user.leaves_nothing();
}

/// All ways to ask for a user's jail; a bad one must fail on each.
fn asked(user: &User) -> Vec<Call> {
    let uid = user.uid.to_string();
    let ways: [&[&str]; 4] =
        [&[&user.name, "--", "id"], &[&uid, "--", "id"], &["--ensure", &user.name], &["--explain", &user.name]];
    ways.into_iter().map(Call::new).collect()
}
