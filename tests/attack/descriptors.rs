//! What a caller leaves open, shares or fills: descriptors above 2, a directory shared between processes, streams nobody reads.

use crate::common::call::{Call, Done};
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{process, program, seen};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn directories_of_the_host_open_at_every_number_and_as_the_current_one_lead_nowhere() {
    let user = User::new();
    let hidden = Scratch::new(&user.name);
    std::fs::write(hidden.0.join("witness"), "").unwrap();
    let look = "
import os
print(*sorted(map(int, os.listdir('/proc/self/fd'))))
print(os.getcwd(), os.readlink('/proc/self/cwd'), os.path.exists('witness'))
print([n for n in range(3, 2000) if os.path.exists('/proc/self/fd/%d/witness' % n) or os.path.exists('/proc/self/fd/%d/etc' % n)])
";
    for _cold_then_warm in 0..2 {
        let at = hidden.0.to_str().unwrap().to_owned();
        let done = user
            .call(&["python3", "-I", "-c", look])
            .by(0, 0)
            .after(move || {
                process::leave_open(&at, 3..=600)?;
                process::leave_open("/", 601..=1023)?;
                std::env::set_current_dir("/proc/self/fd/7")?;
                process::become_user(33, 33)
            })
            .run();
        // The fourth number is the directory that is being listed.
        assert_eq!(done.well(), format!("0 1 2 3\n{0} {0} False\n[]", user.home));
    }
}

/// Runs trampoline in a process that shares its root and current directory with its caller, who stays and says where he is.
const SHARED: &str = "
import ctypes, os, sys
CLONE_FS, SIGCHLD = 0x200, 17
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
CLONE = {'x86_64': 56, 'aarch64': 220}[os.uname().machine]
here = os.stat('/')
os.chdir('/usr')
sys.stdout.flush()
pid = libc.syscall(CLONE, ctypes.c_long(CLONE_FS | SIGCHLD), None, None, None, None)
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status), os.getcwd(), os.path.samestat(here, os.stat('/')))
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_shares_root_and_directory_with_it_gets_no_privilege_and_is_not_moved() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let words = |path: &str| ["-I", "-c", SHARED, path, &user.name, "--", "id"].map(str::to_owned);
    let done = Call::of("/usr/bin/python3", words(&path)).run();
    // KERNEL: a setuid bit has no effect on a program that shares its fs_struct (check_unsafe_exec, fs/exec.c).
    assert_eq!(done.text(), "125 /usr True");
    assert!(done.err.contains("it does not run as root"), "{}", done.err);
    user.leaves_nothing();
    // Root's own call is refused by setns, and root stays where it was.
    let done = Call::of("/usr/bin/python3", words(&path)).by(0, 0).run();
    assert_eq!(done.text(), "125 /usr True", "{}", done.err);
    user.leaves_nothing();
}

/// Sets up standard error so that a write to it would wait for ever; the reading end stays open and unread.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (read, write) = io::pipe().unwrap();
    let (read, write) = (OwnedFd::from(read), OwnedFd::from(write));
    // SAFETY: live descriptors and numbers; the flag belongs to the open file, which the program gets without it again.
    unsafe {
        libc::fcntl(write.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK);
        let bytes = [b'x'; 4096];
        while libc::write(write.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) > 0 {}
        while libc::write(write.as_raw_fd(), bytes.as_ptr().cast(), 1) > 0 {}
        libc::fcntl(write.as_raw_fd(), libc::F_SETFL, 0);
    }
    (read, write)
}

/// Runs it as uid 33 with this as standard error; how it ended and how long it took, or nothing if it did not end in ten seconds.
fn with_standard_error(words: &[&str], err: OwnedFd) -> Option<(Option<i32>, Duration)> {
    let mut command = Command::new(program("trampoline"));
    command.args(words).env_clear().current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(err);
    std::os::unix::process::CommandExt::uid(&mut command, 33);
    std::os::unix::process::CommandExt::gid(&mut command, 33);
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut status = None;
    seen::within(Duration::from_secs(10), || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if status.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    status.map(|status| (status.code(), start.elapsed()))
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_message_that_nobody_reads_holds_up_no_call_for_longer_than_a_moment() {
    let user = User::new();
    for (words, code) in [
        (vec!["--nope"], 64),
        (vec!["no-such-user", "--", "id"], 77),
        (vec![&user.name, "--", "no-such-program"], 127),
        (vec![&user.name, "--", "/etc/passwd"], 126),
        (vec!["-C", "/nope", &user.name, "--", "id"], 125),
    ] {
        let (read, write) = full_pipe();
        let ended = with_standard_error(&words, write);
        let (status, took) = ended.unwrap_or_else(|| panic!("{words:?} hangs"));
        assert_eq!(status, Some(code), "{words:?}");
        assert!(took < Duration::from_secs(4), "{words:?} took {took:?}");
        assert!(seen::within(Duration::from_secs(2), || seen::processes(user.uid).is_empty()), "{words:?} left a process");
        drop(read);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_fills_standard_error_does_not_escape_its_timeout() {
    let user = User::new();
    let (read, write) = io::pipe().unwrap();
    let line = "trap '' TERM; while :; do echo more >&2; done";
    let ended = with_standard_error(&["-t", "1", &user.name, "--", "sh", "-c", line], write.into());
    let left = !seen::within(Duration::from_secs(2), || seen::processes(user.uid).is_empty());
    drop(read);
    let (status, took) = ended.expect("the supervisor waits for a reader of its message, and nobody ends the program");
    assert_eq!((status, left), (Some(128 + libc::SIGKILL), false));
    assert!(took < Duration::from_secs(9), "{took:?}");
}

fn ends_well(done: &Done, codes: &[i32]) {
    assert!(done.status.code().is_some_and(|code| codes.contains(&code)), "{:?} {}", done.status, done.err);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn streams_that_are_full_broken_or_turned_the_wrong_way_change_no_exit_code() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let name = &user.name;
    for streams in [
        "> /dev/full 2> /dev/full",
        "2> /dev/full",
        "< /dev/null > /dev/null 2> /dev/null",
        "0> /dev/null 1< /dev/null 2< /dev/null",
        "2>&1 | true",
        "<&- >&- 2>&-",
        "< /dev/full > /dev/zero 2> /dev/urandom",
    ] {
        for (words, code) in [
            ("--nope".to_owned(), 64),
            ("no-such-user -- id".into(), 77),
            (format!("{name} -- no-such-program"), 127),
            (format!("{name} -- sh -c 'exit 5'"), 5),
        ] {
            let line = format!("set -o pipefail; {path} {words} {streams}");
            ends_well(&Call::of("/bin/bash", ["-c", &line]).run(), &[code]);
        }
    }
    // A named pipe that nobody else has open, both ways.
    let fifo = user.in_home("fifo").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").args(["-m", "666", &fifo]).status().unwrap().success());
    std::fs::set_permissions(&user.home, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let line = format!("exec 9<>{fifo}; {path} {name} -- sh -c 'exit 5' <&9 >&9 2>&9; exit $?");
    ends_well(&Call::of("/bin/bash", ["-c", &line]).run(), &[5]);
}
