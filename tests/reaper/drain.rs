//! Drains: nobody comes in, who is inside may finish, and then the jail is gone.

use crate::common::call::{Call, Running};
use crate::common::user::User;
use crate::common::{log, process, program, reaped, seen, sweep};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A drain under way; its words go to a pipe.
pub fn start(words: &[&str]) -> Child {
    let mut command = Command::new(program("reaper"));
    command.env_clear().arg("-v").args(words).stderr(Stdio::piped()).spawn().unwrap()
}

/// The exit code of a drain, and what it said.
pub fn end(drain: Child) -> (i32, String) {
    let done = drain.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.stdout, b"", "{said}");
    (done.status.code().unwrap_or_else(|| panic!("{:?}: {said}", done.status)), said)
}

pub fn end_of_killed(drain: Child) {
    assert_eq!(drain.wait_with_output().unwrap().status.code(), None);
}

pub fn drain(words: &[&str]) -> (i32, String) {
    end(start(words))
}

/// A program in the jail that runs until it is sent a signal.
pub fn session(user: &User) -> Running {
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    running
}

pub fn finish(session: Running) {
    session.signal(libc::SIGTERM);
    assert_eq!(session.end().code(), 128 + libc::SIGTERM);
}

/// Whether a call is refused because of a drain; the only other thing it may be is let in.
#[track_caller]
pub fn is_refused(user: &User) -> bool {
    let done = user.run(&["true"]);
    match done.code() {
        0 => false,
        _ => {
            assert_eq!(done.failed(77), "not now: this jail is being drained; try again later");
            true
        }
    }
}

/// A drain that waits for a session, with its bar put.
fn waiting(user: &User, seconds: &str) -> Child {
    let drain = start(&["--drain", &user.name, "--wait", seconds]);
    assert!(seen::within(Duration::from_secs(5), || is_refused(user)), "the drain keeps nobody out");
    drain
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_idle_jail_is_drained_at_once_by_name_and_by_uid_and_can_be_made_again() {
    let _ours_alone = sweep::none();
    let user = User::new();
    for whom in [user.name.clone(), user.uid.to_string()] {
        user.run(&["true"]).well();
        assert!(seen::is_pinned(user.uid));
        let (code, said) = drain(&["--drain", &whom]);
        assert!(code == 0 && said.starts_with(&format!("{}: drained\ndrain: 1 jail, ", user.uid)), "{code}: {said}");
        user.leaves_nothing();
    }
    user.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_is_not_up_is_drained_as_well_and_a_user_without_one_is_refused() {
    let _ours_alone = sweep::none();
    let user = User::new();
    assert_eq!(drain(&["--drain", &user.name]).0, 0);
    let none = User::without_jail();
    for whom in [none.name.clone(), none.uid.to_string()] {
        let (code, said) = drain(&["--drain", &whom]);
        assert_eq!(code, 77, "{said}");
        assert!(said.contains("jailbase user add"), "{said}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn while_a_drain_waits_entries_are_refused_plainly_at_once_and_the_session_is_left_to_finish() {
    let _ours_alone = sweep::none();
    let (user, other) = (User::new(), User::new());
    let running = session(&user);
    let drain = waiting(&user, "60");
    let start = Instant::now();
    let done = user.run(&["true"]);
    assert_eq!(done.failed(77), "not now: this jail is being drained; try again later");
    let line = log::line_of(&done);
    assert!(line.starts_with("<84> caller uid 33: not now: this jail is being drained"), "{line}");
    assert_eq!(Call::new(["--ensure", &user.name]).run().code(), 77);
    assert_eq!(Call::new(["--ensure", &user.name]).by(0, 0).run().code(), 77);
    assert!(start.elapsed() < Duration::from_secs(2), "a refusal is no hang");
    Call::new(["--explain", &user.name]).run().well();
    other.run(&["true"]).well();
    // Who may not enter at all learns nothing of a drain.
    let stranger = Call::new([&user.name, "--", "id"]).by(34, 33).run();
    assert_eq!(stranger.failed(77), "refused (the system log has the reason)");

    assert!(seen::processes(user.uid).iter().any(|(_, c)| c == "sleep"), "a drain ends nobody");
    finish(running);
    let (code, said) = end(drain);
    assert_eq!(code, 0, "{said}");
    user.leaves_nothing();
    assert!(!is_refused(&user), "the drain is over");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_whose_time_is_over_says_so_and_lets_people_in_again() {
    let _ours_alone = sweep::none();
    let user = User::new();
    let running = session(&user);
    let start = Instant::now();
    let (code, said) = drain(&["--drain", &user.name, "--wait", "2"]);
    assert_eq!(code, 75, "{said}");
    assert!((2..10).contains(&start.elapsed().as_secs()), "{said}");
    // Who runs is named by pid, uid and words: the supervisor as its caller, init as the user.
    for line in [format!("{}: waiting for ", user.uid), format!("{}: not drained, and people are let in again; ", user.uid)] {
        let line =
            said.lines().find_map(|said| said.strip_prefix(&format!("reaper: {line}"))).unwrap_or_else(|| panic!("{said}"));
        assert!(line.contains(&format!("pid {} (uid 33: ", running.pid())), "{line}");
        assert!(line.contains(&format!(" (uid {}: ", user.uid)) && line.contains("sleep 60)"), "{line}");
    }
    assert_eq!(drain(&["--drain", &user.name, "--wait", "0"]).0, 75);
    assert!(!is_refused(&user));
    finish(running);
}

/// Opens one inotify descriptor with as many watches as the image has files for, as often as it may, in forty processes.
const WATCHER: &str = "import ctypes, os, time
libc = ctypes.CDLL(None)
fd = libc.inotify_init()
for place, _, files in os.walk('/usr'):
    if any(libc.inotify_add_watch(fd, os.path.join(place, name).encode(), 1) > 16000 for name in files): break
try:
    while True: os.dup(fd)
except OSError: pass
for _ in range(39):
    if os.fork() == 0: break
else: os.close(fd); os.open('/tmp/ready', os.O_CREAT)
time.sleep(60)";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_who_has_much_open_holds_up_no_drain_of_anybody_else_s_jail() {
    let _ours_alone = sweep::none();
    let (user, other) = (User::new(), User::new());
    let watching = other.call(&["/usr/bin/python3", "-I", "-c", WATCHER]).start();
    assert!(seen::within(Duration::from_secs(20), || other.file("tmp/ready").exists()), "nobody watches");
    let running = session(&user);
    let start = Instant::now();
    let (code, said) = drain(&["--drain", &user.name, "--wait", "2"]);
    assert_eq!(code, 75, "{said}");
    // To read all that the kernel tells of those descriptors takes minutes.
    assert!((2..10).contains(&start.elapsed().as_secs()), "{:?}: {said}", start.elapsed());
    assert!(said.contains(&format!("pid {} (uid 33: ", running.pid())), "{said}");
    finish(running);
    finish(watching);
}

/// Takes as many locks of a file among names that look like pins as it may, has it open as often as it may, in twenty processes.
const LOCKER: &str = "
import fcntl, os, struct, time
os.makedirs(os.path.expanduser('~/pins'))
fd = os.open(os.path.expanduser('~/pins/x'), os.O_RDWR | os.O_CREAT)
F_OFD_SETLK = 37
for at in range(6000, 0, -1):
    fcntl.fcntl(fd, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, at * 2, 1, 0))
try:
    while True: last = os.dup(fd)
except OSError: os.close(last)
for _ in range(19):
    if os.fork() == 0: break
else: open('/tmp/ready', 'w')
time.sleep(600)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_who_holds_many_locks_holds_up_no_drain_and_no_look() {
    let _ours_alone = sweep::none();
    let (user, other) = (User::new(), User::new());
    let locking = other.call(&["/usr/bin/python3", "-I", "-c", LOCKER]).start();
    assert!(seen::within(Duration::from_secs(60), || other.file("tmp/ready").exists()), "nobody locks");
    let running = session(&user);
    let start = Instant::now();
    let (code, said) = drain(&["--drain", &user.name, "--wait", "1"]);
    assert_eq!(code, 75, "{said}");
    assert!(said.contains(&format!("pid {} (uid 33: ", running.pid())), "{said}");
    let looked = reaped::run(&["--dry-run", "--json"]);
    assert_eq!((looked.code, looked.outcome(user.uid).as_str()), (0, "in-use"), "{looked:?}");
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}: {said}", start.elapsed());
    finish(running);
    finish(locking);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_that_was_killed_or_stopped_leaves_nothing_to_clear_away() {
    let _ours_alone = sweep::none();
    let user = User::new();
    let running = session(&user);
    for _ in 0..3 {
        let drain = waiting(&user, "60");
        process::kill(drain.id(), libc::SIGSTOP);
        assert!(is_refused(&user), "a stopped drain is a drain");
        process::kill(drain.id(), libc::SIGKILL);
        end_of_killed(drain);
        assert!(!is_refused(&user), "the bar fell with the process");
    }
    finish(running);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_drains_of_one_jail_both_conclude_and_either_keeps_people_out() {
    let _ours_alone = sweep::none();
    let user = User::new();
    let running = session(&user);
    let first = waiting(&user, "60");
    let (code, said) = drain(&["--drain", &user.name, "--wait", "0"]);
    assert_eq!(code, 75, "{said}");
    assert!(is_refused(&user), "the first one still drains");
    let second = start(&["--drain", &user.uid.to_string(), "--wait", "60"]);
    finish(running);
    assert_eq!((end(first).0, end(second).0), (0, 0));
    user.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn drain_after_drain_concludes_while_callers_hammer_and_each_of_them_is_let_in_or_refused_plainly() {
    let _ours_alone = sweep::none();
    let user = User::new();
    let over = std::sync::atomic::AtomicBool::new(false);
    let going_on = || !over.load(std::sync::atomic::Ordering::SeqCst);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut refused = 0;
                    while going_on() {
                        refused += u32::from(is_refused(&user));
                    }
                    refused
                })
            })
            .collect();
        for _ in 0..30 {
            let (code, said) = drain(&["--drain", &user.name, "--wait", "20"]);
            assert_eq!(code, 0, "{said}");
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        let refused: u32 = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        assert!(refused > 0, "thirty drains refused nobody");
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_wrong_command_line_of_a_drain_is_refused_as_such() {
    let _ours_alone = sweep::none();
    let user = User::new();
    for words in [
        &["--drain"][..],
        &["--all"],
        &["--wait", "3"],
        &["--drain", "--wait", "3"],
        &["--drain", &user.name, "--all"],
        &["--drain", "0"],
        &["--drain", "4294967295"],
        &["--drain", "../x"],
        &["--drain", ""],
        &["--drain", &user.name, "--wait", "-1"],
        &["--drain", &user.name, "--wait", "soon"],
        &["--drain", &user.name, "--drain", &user.name],
    ] {
        let (code, said) = drain(words);
        assert_eq!(code, 64, "{words:?}: {said}");
    }
}
