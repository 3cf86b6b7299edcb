//! The holder: made, lost and made again. Its own program, because it takes the holder from under every jail there is.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

#[path = "holder/young.rs"]
mod young;

use common::user::User;
use common::{RUN, process, seen};

fn holder() -> String {
    format!("{RUN}/holder")
}

/// Takes the holder away, and with it every jail.
fn lose() {
    if seen::mounts().iter().any(|line| line.contains(&holder())) {
        process::unmount(&holder(), 0).unwrap();
    }
}

/// Users with jails that are not made yet.
fn users(count: usize) -> Vec<User> {
    (0..count).map(|_| User::new()).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_holder_that_was_unmounted_or_replaced_by_a_file_is_made_again() {
    let user = User::new();
    user.run(&["true"]).well();
    lose();
    user.run(&["true"]).well();
    lose();
    std::fs::remove_file(holder()).unwrap();
    std::fs::write(holder(), "no namespace").unwrap();
    user.run(&["true"]).well();
    assert_eq!(seen::mounts().iter().filter(|line| line.contains(RUN)).count(), 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_directory_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    lose();
    let mode = |mode| std::fs::set_permissions(RUN, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let done = user.run(&["true"]);
    mode(0o700);
    done.failed(77);
    user.run(&["true"]).well();
}
