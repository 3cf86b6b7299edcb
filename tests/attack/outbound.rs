//! What a hostile caller leaves in us, and what a hostile program tries on what keeps it: found by an attacker of ours.

use crate::common::call::Call;
use crate::common::knob::Knob;
use crate::common::user::User;
use crate::common::{process, program, seen};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whoever reads the caller's socket sees the caller's uid, although trampoline is setuid root.
const CREDENTIALS: &str = "
import os, socket, struct, sys
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
if os.fork() == 0:
    os.dup2(b.fileno(), 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, ancillary, _, _ = a.recvmsg(4096, 4096)
print([struct.unpack('3i', data)[1:] for _, _, data in ancillary])
os.wait()
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_message_to_the_caller_is_written_as_the_caller() {
    let trampoline = program("trampoline").to_str().unwrap().to_owned();
    for words in [&["--timeout", "any words"][..], &["nobody-of-this-name", "--", "id"], &["0", "--", "id"]] {
        let all = ["-c", CREDENTIALS, &trampoline].into_iter().chain(words.iter().copied());
        let done = Call::of("/usr/bin/python3", all).run();
        assert_eq!(done.well(), "[(33, 33)]", "{words:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_cannot_push_process_1_aside() {
    let user = User::new();
    let tries = "
import os, resource
def no(what, *words):
    try:
        what(*words)
        print('done:', what.__name__)
    except PermissionError:
        pass
no(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))
no(os.sched_setparam, 1, os.sched_param(0))
no(os.sched_setaffinity, 1, {0})
no(os.setpriority, os.PRIO_PROCESS, 1, 19)
no(os.setpriority, os.PRIO_USER, 0, 19)
no(resource.prlimit, 1, resource.RLIMIT_CPU, (1, 1))
os.sched_setaffinity(0, os.sched_getaffinity(0))
os.setpriority(os.PRIO_PROCESS, 0, 5)
resource.prlimit(os.getpid(), resource.RLIMIT_NOFILE, (100, 100))
";
    assert_eq!(user.run(&["python3", "-c", tries]).well(), "");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn children_that_end_without_pause_do_not_keep_an_end_from_process_1() {
    let user = User::new();
    let storm = "for i in 1 2 3 4; do (while :; do (exit 0) & done) & done; wait";
    let done = Call::new(["-t", "1", &user.name, "--", "bash", "-c", &format!("trap '' TERM; {storm}")]).run();
    assert_eq!(done.code(), 128 + libc::SIGKILL);
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).is_empty()), "the session outlived its time");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_scheduling_and_the_execution_domain_of_the_caller_stay_outside() {
    let user = User::new();
    let look = "python3 -c 'import os; print(os.sched_getscheduler(0), os.getpriority(0, 0), os.uname().release[:3])'";
    let usual = user.run(&["sh", "-c", look]).well();
    let trampoline = program("trampoline").to_str().unwrap().to_owned();
    let words = ["-f", "10", "nice", "-n", "-15", "setarch", "--uname-2.6", &trampoline, &user.name, "--", "sh", "-c", look];
    let mut command = Command::new("chrt");
    let done = command.args(words).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim_end(), usual, "{}", String::from_utf8_lossy(&done.stderr));
    assert!(usual.starts_with("0 0 "), "{usual}");
}

/// Whoever counts or turns the terminals of the machine is alone with them.
static TERMINALS: Mutex<()> = Mutex::new(());

/// Takes all terminals there are to have, and prints how many that was.
const TAKE: &str = "
import os
held = []
try:
    while True:
        held.append(os.openpty())
except OSError:
    print(len(held))
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn one_jail_cannot_take_all_terminals_of_the_host() {
    let _alone = TERMINALS.lock().unwrap_or_else(PoisonError::into_inner);
    let user = User::new();
    assert_eq!(user.run(&["python3", "-c", TAKE]).well(), "64");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn all_jails_together_leave_the_terminals_that_the_kernel_keeps_for_the_host() {
    let _alone = TERMINALS.lock().unwrap_or_else(PoisonError::into_inner);
    let user = User::new();
    // As if other jails had taken what there is: but for a handful, the rest is the host's.
    let (most, reserve) = (Knob::of("kernel/pty/max"), Knob::of("kernel/pty/reserve"));
    reserve.turn(most.before() - 10);
    let taken: u32 = user.run(&["python3", "-c", TAKE]).well().parse().unwrap();
    assert!(taken <= 10, "a jail took {taken} terminals, and 10 were not the host's");
    process::open("/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY).expect("the host itself gets one");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_lock_that_is_held_for_ever_is_waited_for_ten_seconds_only() {
    let user = User::new();
    let dir = format!("{}/jails/{}", crate::common::STATE, user.uid);
    let held = process::flock(&dir);
    let done = user.run(&["true"]);
    assert!(done.failed(125).contains("somebody holds it"), "{}", done.err);
    assert!((9..20).contains(&done.took.as_secs()), "{:?}", done.took);
    drop(held);
    user.run(&["true"]).well();
}
