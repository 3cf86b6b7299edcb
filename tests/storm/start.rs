//! A call made: a process that becomes what the call says, and then trampoline.

use crate::call::{Call, Stream};
use crate::common::process::{self, said};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// What the child says when it could not even execute trampoline.
pub const NOT_STARTED: i32 = 254;

/// What came of a call.
pub struct Done {
    /// The exit code, or the signal as a negative number.
    pub code: i32,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

/// What every call's streams are taken from.
pub struct Files {
    null: File,
    full: File,
    directory: File,
    path_only: OwnedFd,
    read_only: File,
    broken: io::PipeWriter,
}

impl Files {
    pub fn open() -> Self {
        let (_, broken) = io::pipe().unwrap();
        Self {
            null: File::options().read(true).write(true).open("/dev/null").unwrap(),
            full: File::options().write(true).open("/dev/full").unwrap(),
            directory: File::open("/").unwrap(),
            path_only: process::open("/etc", libc::O_PATH).unwrap(),
            read_only: File::open("/etc/passwd").unwrap(),
            broken,
        }
    }
}

fn in_memory() -> File {
    // SAFETY: a C string and a number; the descriptor is nobody else's.
    unsafe { File::from_raw_fd(said(libc::memfd_create(c"seen".as_ptr(), libc::MFD_CLOEXEC)).unwrap()) }
}

/// Makes the call and waits for its end.
pub fn run(call: &Call, program: &CString, files: &Files) -> Done {
    let (out, err) = (in_memory(), in_memory());
    let number = |stream: Stream, seen: &File| match stream {
        Stream::Seen => seen.as_raw_fd(),
        Stream::Closed => -1,
        Stream::Null => files.null.as_raw_fd(),
        Stream::Full => files.full.as_raw_fd(),
        Stream::BrokenPipe => files.broken.as_raw_fd(),
        Stream::Directory => files.directory.as_raw_fd(),
        Stream::PathOnly => files.path_only.as_raw_fd(),
        Stream::ReadOnly => files.read_only.as_raw_fd(),
    };
    let streams = [number(call.streams[0], &out), number(call.streams[1], &out), number(call.streams[2], &err)];
    let pointers = |all: &[CString]| all.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>();
    let (words, variables) = (pointers(&call.words), pointers(&call.variables));
    // SAFETY: the child makes system calls with what was prepared above, and executes or ends.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "cannot fork: {}", io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: arrays of C strings that end with a null pointer; _exit runs nobody's handlers.
        unsafe {
            if become_it(call, streams).is_ok() {
                libc::execve(program.as_ptr(), words.as_ptr(), variables.as_ptr());
            }
            libc::_exit(NOT_STARTED)
        }
    }
    let code = end(pid, call.killed);
    let text = |file: &File| {
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap().min(1 << 20);
        let mut bytes = vec![0; length];
        std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0).unwrap();
        bytes
    };
    Done { code, out: text(&out), err: text(&err) }
}

/// In the child. The order is that of what each step needs.
fn become_it(call: &Call, streams: [i32; 3]) -> io::Result<()> {
    // SAFETY: numbers, and structures that outlive their calls.
    unsafe {
        // Above the standard ones first, or one stream would overwrite the source of the next.
        let mut above = [-1; 3];
        for (to, from) in above.iter_mut().zip(streams) {
            if from >= 0 {
                *to = said(libc::fcntl(from, libc::F_DUPFD_CLOEXEC, 100))?;
            }
        }
        for (number, from) in (0..3).zip(above) {
            if from >= 0 {
                said(libc::dup2(from, number))?
            } else {
                libc::close(number)
            };
        }
        if call.gone_directory {
            let path = c"/dev/shm/storm-gone";
            libc::mkdir(path.as_ptr(), 0o777);
            said(libc::chdir(path.as_ptr()))?;
            said(libc::rmdir(path.as_ptr()))?;
        } else {
            said(libc::chdir(c"/".as_ptr()))?;
        }
        for number in &call.extra {
            let root = libc::open(c"/root".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
            libc::dup2(root, *number);
            libc::close(root);
        }
        libc::umask(call.umask);
        libc::setpriority(libc::PRIO_PROCESS, 0, call.nice);
        signals(call);
        process::become_user(call.uid, 33)?;
        if call.no_new_privs {
            process::no_new_privs()?;
        }
        for (resource, value) in &call.limits {
            let limit = libc::rlimit { rlim_cur: *value, rlim_max: *value };
            // The caller can only lower; what is above the own limit stays.
            libc::setrlimit(*resource as _, &raw const limit);
        }
        if let Some((which, microseconds)) = call.timer {
            let every = libc::timeval { tv_sec: 0, tv_usec: microseconds };
            let timer = libc::itimerval { it_interval: every, it_value: every };
            libc::setitimer(which as _, &raw const timer, std::ptr::null_mut());
        }
        Ok(())
    }
}

/// Default for all, then ignored or blocked as the call says, by the kernel's own calls.
unsafe fn signals(call: &Call) {
    for number in 1..=64u32 {
        let ignored = call.ignored >> (number - 1) & 1 == 1;
        let action: [usize; 4] = [if ignored { libc::SIG_IGN } else { libc::SIG_DFL }, 0, 0, 0];
        // SAFETY: the kernel's `struct sigaction`, of the size the call is told.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, number, action.as_ptr(), std::ptr::null_mut::<usize>(), 8) };
    }
    // SAFETY: a mask of 64 bits that outlives the call.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const call.blocked, std::ptr::null_mut::<u64>(), 8)
    };
}

/// Waits for the child, kills it after a while if the call says so, and never waits for ever.
fn end(pid: i32, killed: Option<u64>) -> i32 {
    // SAFETY: our own child; the descriptor is nobody else's.
    let gone = unsafe { OwnedFd::from_raw_fd(said(libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32).unwrap()) };
    let start = Instant::now();
    let wait = |patience: Duration| {
        let mut poll = libc::pollfd { fd: gone.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one live structure.
        unsafe { libc::poll(&raw mut poll, 1, i32::try_from(patience.as_millis()).unwrap()) == 1 }
    };
    if let Some(microseconds) = killed {
        std::thread::sleep(Duration::from_micros(microseconds));
        process::kill(u32::try_from(pid).unwrap(), libc::SIGKILL);
    }
    if !wait(Duration::from_secs(20)) {
        process::kill(u32::try_from(pid).unwrap(), libc::SIGKILL);
        panic!("the call hangs: {:?}", start.elapsed());
    }
    let mut status = 0;
    // SAFETY: our own child and a live integer.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
}
