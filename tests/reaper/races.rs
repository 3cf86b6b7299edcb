//! Sweeps between two steps of an entry, which strace keeps apart for as long as that takes.

use crate::common::sweep::Sweeps;
use crate::common::user::User;
use crate::common::{program, reaped, seen, sweep};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The options of strace that record these calls of a maker, and what else is to be done to them.
fn ensure(user: &User, calls: &str, inject: Option<&str>) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", &trace(user), "-e", &format!("trace={calls}")]);
    if let Some(inject) = inject {
        command.args(["-e", &format!("inject={inject}")]);
    }
    command.arg(program("trampoline")).args(["--ensure", &user.name]).stderr(Stdio::piped());
    command
}

fn trace(user: &User) -> String {
    format!("/home/{}.trace", user.name)
}

/// Whether its maker, held up before the open of the pin, was still there after three sweeps, all of which found it in use. While the
/// holder is young a pin may be refused and tried again, and then the call has another number.
fn is_held_while_its_maker_waits(user: &User, sweeps: &Sweeps) -> bool {
    let done = ensure(user, "openat2,move_mount", None).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let calls = fs::read_to_string(trace(user)).unwrap();
    // The last of all is the lease, and right before it the pin was mounted.
    let tail: Vec<&str> = calls.lines().rev().filter(|line| !line.contains("+++")).take(2).collect();
    assert!(tail[0].contains(&format!("/pins/{}", user.uid)) && tail[1].contains("move_mount"), "{tail:?}");
    let number = calls.lines().filter(|line| line.contains("openat2(")).count();
    seen::take_down(user.uid);

    let delay = format!("openat2:delay_enter=3000000:when={number}");
    let mut maker = ensure(user, "openat2", Some(&delay)).spawn().unwrap();
    assert!(seen::within(Duration::from_secs(8), || seen::is_pinned(user.uid)));
    let said = [(); 3].map(|()| sweeps.sweep(user.uid));
    let waited = maker.try_wait().unwrap().is_none();
    let done = maker.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    fs::remove_file(trace(user)).unwrap();
    if waited {
        assert_eq!(said, ["in use"; 3]);
        return true;
    }
    seen::take_down(user.uid);
    false
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_was_pinned_this_instant_is_held_before_its_maker_has_opened_the_pin() {
    let user = User::new();
    let sweeps = sweep::ours();
    let held = (0..8).any(|_| is_held_while_its_maker_waits(&user, &sweeps));
    assert!(held, "no maker waited where it was to wait");
    assert!(seen::is_pinned(user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_is_in_use_until_the_last_process_of_a_session_is_gone_however_long_that_takes() {
    let user = User::new();
    let _ours_alone = sweep::none();
    for _ in 0..3 {
        // So much memory takes a while to give back, and that is when the process is on its way out.
        let text = "import time; a = bytearray(1 << 29); print(len(a), flush=True); time.sleep(60)";
        let running = user.call(&["python3", "-I", "-c", &format!("import os\nos.fork()\n{text}")]).start();
        // Process 1 holds the lease itself, and may be about to end when it has let go of it.
        let left = || seen::processes(user.uid).iter().filter(|(_, command)| command == "python3").count();
        assert!(seen::within(Duration::from_secs(20), || left() == 2));
        std::thread::sleep(Duration::from_secs(1));
        running.signal(libc::SIGKILL);
        let mut drained = reaped::run(&["--drain", &user.name, "--wait", "0"]);
        while drained.code == 75 {
            drained = reaped::run(&["--drain", &user.name, "--wait", "0"]);
        }
        assert_eq!((drained.code, left()), (0, 0), "{drained:?}");
        running.end();
    }
}
