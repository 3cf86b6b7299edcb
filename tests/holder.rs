//! The holder: made, lost and made again. Its own program, because it takes the holder from under every jail there is.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use common::user::User;
use common::{RUN, process, program, seen};
use std::process::Command;

const ROUNDS: usize = 30;

fn holder() -> String {
    format!("{RUN}/holder")
}

/// Takes the holder away, and with it every jail.
fn lose() {
    if seen::mounts().iter().any(|line| line.contains(&holder())) {
        process::unmount(&holder(), 0).unwrap();
    }
}

/// Lets trampoline make a jail on one processor, and says how often the kernel refused a pin.
fn ensured_on(processor: usize, user: &User) -> usize {
    let trace = format!("/home/{}.trace", user.name);
    let mut command = Command::new("strace");
    command.args(["-f", "-o", &trace, "-e", "trace=move_mount"]).arg(program("trampoline")).args(["--ensure", &user.name]);
    process::before_exec(&mut command, move || process::run_on(processor));
    let done = command.output().unwrap();
    let calls = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    assert!(done.status.success(), "{}\n{calls}", String::from_utf8_lossy(&done.stderr));
    calls.lines().filter(|line| line.contains("ELOOP") || line.contains("EINVAL")).count()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_young_holder_takes_every_jail_whichever_processor_makes_them() {
    let users = [User::new(), User::new()];
    let processors = std::thread::available_parallelism().unwrap().get();
    let mut refused = 0;
    for round in 0..ROUNDS {
        lose();
        refused += ensured_on(round % processors, &users[0]);
        refused += ensured_on((round + 1) % processors, &users[1]);
        assert!(users.iter().all(|user| seen::is_pinned(user.uid)), "round {round}");
    }
    println!("{ROUNDS} holders, {} jails, {refused} pins that the kernel refused and that were tried again", 2 * ROUNDS);
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
