//! How a program gets under the tracer: forked by us, held until the tracer has it, then made a caller of the worst kind.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// What is to be run, by whom.
#[derive(Clone)]
pub struct Order {
    pub program: CString,
    pub words: Vec<CString>,
    /// The uid and gid of the caller.
    pub by: u32,
}

impl Order {
    /// This program with these words, called by root.
    pub fn new<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, words: impl IntoIterator<Item = S>) -> Self {
        let c = |text: &OsStr| CString::new(text.as_bytes()).unwrap();
        Self { program: c(program.as_ref()), words: words.into_iter().map(|w| c(w.as_ref())).collect(), by: 0 }
    }

    /// As another caller, who leaves behind what a caller can leave behind.
    pub fn by(self, uid: u32) -> Self {
        Self { by: uid, ..self }
    }
}

/// The keyring a caller has; no program in a jail may see it.
pub const KEYRING: &str = "outside";

/// The file a caller has open, and at which number; no program in a jail may have it.
pub const OPEN: (&str, i32) = ("/etc/shadow", 9);

/// Forks. The child waits for a byte of `go`, and then executes with these as 0, 1 and 2.
pub fn forked(order: &Order, streams: [&OwnedFd; 3], go: &OwnedFd) -> io::Result<i32> {
    // All is made before the fork: the child of a program with threads may allocate nothing.
    let words: Vec<_> =
        std::iter::once(&order.program).chain(&order.words).map(|w| w.as_ptr()).chain([std::ptr::null()]).collect();
    // A setuid program's loader must not hear the third.
    let end = if order.by == 0 { std::ptr::null() } else { c"LD_PRELOAD=/nope.so".as_ptr() };
    let environment = [c"TERM=xterm".as_ptr(), c"LANG=C.UTF-8".as_ptr(), end, std::ptr::null()];
    let keyring = CString::new(KEYRING).unwrap();
    let open = CString::new(OPEN.0).unwrap();
    let streams = streams.map(|fd| fd.as_raw_fd());
    let go = go.as_raw_fd();
    // SAFETY: the child makes system calls with what was made before the fork and is still there in its copy, and ends.
    unsafe {
        let pid = libc::fork();
        if pid != 0 {
            return crate::common::process::said(pid);
        }
        let mut byte = 0u8;
        let mut good = libc::read(go, (&raw mut byte).cast(), 1) == 1;
        for (number, fd) in (0..).zip(streams) {
            good &= libc::dup2(fd, number) == number;
        }
        if order.by != 0 {
            good &= leave_behind(&keyring, &open) && drop_to(order.by);
        }
        if good {
            libc::execve(order.program.as_ptr(), words.as_ptr(), environment.as_ptr());
        }
        libc::_exit(113)
    }
}

/// What a caller can leave behind in a process: in the forked child, by system calls alone.
fn leave_behind(keyring: &CString, open: &CString) -> bool {
    const JOIN_SESSION_KEYRING: i32 = 1;
    let every_other: u64 = 0x5555_5555_5555_5555;
    let few = libc::rlimit { rlim_cur: 64, rlim_max: 9999 };
    let hour = libc::timeval { tv_sec: 3600, tv_usec: 0 };
    let alarm = libc::itimerval { it_interval: hour, it_value: hour };
    let batch = libc::sched_param { sched_priority: 0 };
    // SAFETY: system calls with numbers, live values and C strings.
    unsafe {
        libc::umask(0o077);
        libc::chdir(c"/".as_ptr());
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const every_other, std::ptr::null_mut::<u64>(), 8);
        let fd = libc::open(open.as_ptr(), libc::O_RDONLY);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const few) == 0
            && libc::setitimer(libc::ITIMER_REAL as _, &raw const alarm, std::ptr::null_mut()) == 0
            && libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const batch) == 0
            && libc::setpriority(libc::PRIO_PROCESS, 0, -5) == 0
            && fd >= 0
            && libc::dup2(fd, OPEN.1) == OPEN.1
            && libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, keyring.as_ptr()) > 0
    }
}

/// Becomes another caller, with one supplementary group: in the forked child.
fn drop_to(uid: u32) -> bool {
    // SAFETY: numbers, and a list of one live group.
    unsafe {
        libc::setgroups(1, &raw const uid) == 0 && libc::setresgid(uid, uid, uid) == 0 && libc::setresuid(uid, uid, uid) == 0
    }
}
