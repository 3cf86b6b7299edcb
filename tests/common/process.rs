//! The few things that std cannot do: a look into another namespace, a word to a process, a change between fork and exec.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Whether we are root.
pub fn is_root() -> bool {
    // SAFETY: asks for a number.
    unsafe { libc::geteuid() == 0 }
}

/// Sends a signal; that the process is gone is no failure.
pub fn kill(pid: u32, signal: i32) {
    // SAFETY: two numbers; the pid is positive, so no group is meant.
    unsafe { libc::kill(i32::try_from(pid).unwrap(), signal) };
}

/// Kills a process group.
pub fn kill_group(leader: u32) {
    signal_group(leader, libc::SIGKILL);
}

/// Sends a signal to a process group, as a terminal does.
pub fn signal_group(leader: u32, signal: i32) {
    // SAFETY: two numbers; the pid is positive, so one group is meant.
    unsafe { libc::kill(-i32::try_from(leader).unwrap(), signal) };
}

/// Runs something in the new process, between fork and exec.
pub fn before_exec(command: &mut Command, what: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: what the tests do there is a handful of system calls; glibc keeps malloc usable after a fork.
    unsafe { command.pre_exec(what) };
}

/// Runs something in a forked copy of us, which may then be in any namespace, and returns its small answer.
pub fn apart(what: impl FnOnce() -> io::Result<u8>) -> u8 {
    // SAFETY: the child calls `what` and ends at once; glibc keeps malloc usable after a fork.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(what)).map_or(251, |done| done.unwrap_or(250));
        // SAFETY: ends this process without the parent's exit handlers.
        unsafe { libc::_exit(i32::from(code)) };
    }
    assert!(pid > 0, "cannot fork: {}", io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: our own child and a live integer.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 {
        assert_eq!(io::Error::last_os_error().kind(), io::ErrorKind::Interrupted);
    }
    u8::try_from(libc::WEXITSTATUS(status)).unwrap()
}

/// What a call of C's said.
pub fn said(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The errno of a failure.
pub fn errno(error: &io::Error) -> u8 {
    u8::try_from(error.raw_os_error().unwrap_or(0)).unwrap()
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// Opens a file, `flags` as C has them.
pub fn open(path: &str, flags: i32) -> io::Result<OwnedFd> {
    let path = c(path);
    // SAFETY: a C string; the new descriptor is nobody else's.
    unsafe { said(libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o600)).map(|fd| OwnedFd::from_raw_fd(fd)) }
}

/// Opens a file in an open directory, to be read.
pub fn open_at(dir: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let name = c(name);
    // SAFETY: a live descriptor and a C string; the new descriptor is nobody else's.
    unsafe { said(libc::openat(dir.as_raw_fd(), name.as_ptr(), libc::O_CLOEXEC)).map(|fd| OwnedFd::from_raw_fd(fd)) }
}

/// Joins the namespace that a file pins.
pub fn join(path: &str, kind: i32) -> io::Result<()> {
    let fd = open(path, libc::O_RDONLY)?;
    // SAFETY: a live descriptor and a number.
    said(unsafe { libc::setns(fd.as_raw_fd(), kind) }).map(|_| ())
}

/// Leaves for new namespaces.
pub fn unshare(kinds: i32) -> io::Result<()> {
    // SAFETY: a number.
    said(unsafe { libc::unshare(kinds) }).map(|_| ())
}

/// Mounts; an empty word is none.
pub fn mount(source: &str, target: &str, kind: &str, flags: u64, data: &str) -> io::Result<()> {
    let (source, target, kind, data) = (c(source), c(target), c(kind), c(data));
    // SAFETY: four C strings that outlive the call.
    said(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) }).map(|_| ())
}

/// Unmounts, `flags` as C has them.
pub fn unmount(target: &str, flags: i32) -> io::Result<()> {
    let target = c(target);
    // SAFETY: a C string.
    said(unsafe { libc::umount2(target.as_ptr(), flags) }).map(|_| ())
}

/// Hangs what is open on a path: a namespace on a file, for one.
pub fn hang(what: &OwnedFd, target: &str) -> io::Result<()> {
    let (target, empty) = (c(target), c"");
    let clone = libc::OPEN_TREE_CLONE as i32 | libc::AT_EMPTY_PATH;
    // SAFETY: a live descriptor, C strings and numbers; the new descriptor is nobody else's.
    unsafe {
        let tree = said(libc::syscall(libc::SYS_open_tree, what.as_raw_fd(), empty.as_ptr(), clone) as i32)?;
        let tree = OwnedFd::from_raw_fd(tree);
        let flags = libc::MOVE_MOUNT_F_EMPTY_PATH;
        let done = libc::syscall(libc::SYS_move_mount, tree.as_raw_fd(), empty.as_ptr(), libc::AT_FDCWD, target.as_ptr(), flags);
        said(done as i32).map(|_| ())
    }
}

/// A lock on a directory, held as long as this value lives.
pub struct Locked(OwnedFd);

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: a live descriptor and a number. By hand, because a process that was forked meanwhile has the descriptor too.
        unsafe { libc::flock(self.0.as_raw_fd(), libc::LOCK_UN) };
    }
}

/// Takes a lock on a directory as flock(2) has it.
pub fn flock(dir: &str) -> Locked {
    let dir = open(dir, libc::O_RDONLY | libc::O_DIRECTORY).unwrap();
    // SAFETY: a live descriptor and a number.
    said(unsafe { libc::flock(dir.as_raw_fd(), libc::LOCK_EX) }).unwrap();
    Locked(dir)
}

/// Makes a named pipe.
pub fn fifo(path: &str) -> io::Result<()> {
    let path = c(path);
    // SAFETY: a C string and a number.
    said(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }).map(|_| ())
}

/// Makes a directory the root of this process.
pub fn chroot(path: &str) -> io::Result<()> {
    let path = c(path);
    // SAFETY: a C string.
    said(unsafe { libc::chroot(path.as_ptr()) }).and_then(|_| std::env::set_current_dir("/"))
}

/// Sets a resource limit, soft and hard.
pub fn limit(resource: u32, value: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: a live limit.
    said(unsafe { libc::setrlimit(resource as _, &raw const limit) }).map(|_| ())
}

/// Sets a resource limit that may be raised again.
pub fn soft_limit(resource: u32, value: u64) -> io::Result<()> {
    let mut limit = limits(resource)?;
    limit.rlim_cur = value.min(limit.rlim_max);
    // SAFETY: a live limit.
    said(unsafe { libc::setrlimit(resource as _, &raw const limit) }).map(|_| ())
}

/// Sets a resource limit, soft and hard, to this or to the most there is.
pub fn lower_limit(resource: u32, value: u64) -> io::Result<()> {
    limit(resource, value.min(limits(resource)?.rlim_max))
}

fn limits(resource: u32) -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a live limit.
    said(unsafe { libc::getrlimit(resource as _, &raw mut limit) }).map(|_| limit)
}

/// Whether root here may raise a hard limit (CAP_SYS_RESOURCE); a container's may not.
pub fn may_raise_limits() -> bool {
    // SAFETY: numbers.
    unsafe { libc::prctl(libc::PR_CAPBSET_READ, 24, 0, 0, 0) == 1 }
}

/// In a child before its exec: the signals that want its end do what they usually do.
pub fn hear_signals() -> io::Result<()> {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        // SAFETY: two numbers; what follows is an exec.
        if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Ignores and blocks every signal there is, by the kernel's own calls: the C library keeps two signals to itself.
pub fn deaf_to_signals() -> io::Result<()> {
    // The kernel's `struct sigaction`: handler, flags, restorer, mask.
    let ignore: [usize; 4] = [libc::SIG_IGN, 0, 0, 0];
    let all = u64::MAX;
    // SAFETY: `ignore` and `all` are of the size the calls are told and outlive them. KILL and STOP are refused, which is right.
    unsafe {
        for number in 1..=64 {
            libc::syscall(libc::SYS_rt_sigaction, number, ignore.as_ptr(), std::ptr::null_mut::<usize>(), 8);
        }
        said(libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const all, std::ptr::null_mut::<u64>(), 8) as i32)
            .map(|_| ())
    }
}

/// Opens `path` at every number of a range, to be inherited.
pub fn leave_open(path: &str, numbers: std::ops::RangeInclusive<i32>) -> io::Result<()> {
    let path = c(path);
    // SAFETY: a C string and numbers.
    unsafe {
        let fd = said(libc::open(path.as_ptr(), libc::O_RDONLY))?;
        for number in numbers {
            if number != fd {
                said(libc::dup2(fd, number))?;
            }
        }
    }
    Ok(())
}

/// Opens `path` at a number without the right to read it, to be inherited.
pub fn leave_open_path(path: &str, number: i32) -> io::Result<()> {
    let path = c(path);
    // SAFETY: a C string and numbers.
    unsafe { said(libc::open(path.as_ptr(), libc::O_PATH)).and_then(|fd| said(libc::dup2(fd, number))).map(|_| ()) }
}

/// Closes a descriptor that the new process would have.
pub fn close(number: i32) {
    // SAFETY: the new process has nothing else in mind with its standard streams.
    unsafe { libc::close(number) };
}

/// Sets the umask.
pub fn umask(mode: u32) {
    // SAFETY: a number.
    unsafe { libc::umask(mode) };
}

/// Sets no_new_privs.
pub fn no_new_privs() -> io::Result<()> {
    // SAFETY: numbers.
    said(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(|_| ())
}

/// Executes a program with exactly these arguments, which may be none, and no environment.
pub fn execute(path: &str, arguments: &[&str]) -> io::Error {
    execute_with(path, arguments, &[])
}

/// Executes a program with exactly these arguments and these entries of the environment, whatever they read.
pub fn execute_with(path: &str, arguments: &[&str], entries: &[Vec<u8>]) -> io::Error {
    let (path, words) = (c(path), arguments.iter().map(|a| c(a)).collect::<Vec<_>>());
    let entries: Vec<CString> = entries.iter().map(|e| CString::new(e.as_slice()).unwrap()).collect();
    let pointers = |all: &[CString]| all.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>();
    let (arguments, environment) = (pointers(&words), pointers(&entries));
    // SAFETY: arrays of C strings that end with a null pointer.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Becomes another user for good, without supplementary groups.
pub fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    become_member(uid, gid, &[])
}

/// Becomes another user for good, in these supplementary groups.
pub fn become_member(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    // SAFETY: numbers, and a live list of as many groups as is said.
    unsafe {
        said(libc::setgroups(groups.len(), groups.as_ptr()))?;
        said(libc::setresgid(gid, gid, gid))?;
        said(libc::setresuid(uid, uid, uid)).map(|_| ())
    }
}

/// Lets an interval timer run out after so many milliseconds, again and again.
pub fn timer(which: i32, milliseconds: i64) -> io::Result<()> {
    let every = libc::timeval { tv_sec: 0, tv_usec: milliseconds * 1000 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: a live timer; a null old value is allowed.
    said(unsafe { libc::setitimer(which as _, &raw const timer, std::ptr::null_mut()) }).map(|_| ())
}

/// Keeps this process on one processor.
pub fn run_on(processor: usize) -> io::Result<()> {
    // SAFETY: an all-zero set is a valid one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: CPU_SET checks the number against the size of the set.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: a live set of the size given.
    said(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) }).map(|_| ())
}

/// Runs a program and all it starts, and kills it when they have entered so many system calls; `true` if it ended before. What it
/// started is let go then, and returned from is only when that is not traced any more, or when it waits for something else.
pub fn killed_at_call(command: &mut Command, calls: u64) -> bool {
    // SAFETY: a number; the kernel stops the child at its exec.
    before_exec(command, || said(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } as i32).map(|_| ()));
    let child = i32::try_from(command.spawn().unwrap().id()).unwrap();
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_EXITKILL
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK;
    let (mut stops, mut status, mut killed, mut set) = (0_u64, 0, false, false);
    let mut ended = None;
    loop {
        // Every system call stops twice, on its way in and on its way out. Only children of this thread are waited for.
        let how = libc::__WALL | libc::__WNOTHREAD | if ended.is_some() { libc::WNOHANG } else { 0 };
        // SAFETY: a live integer.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, how) };
        let over = ended.is_some_and(|ended: std::time::Instant| ended.elapsed() > std::time::Duration::from_secs(5));
        if pid < 0 || (pid == 0 && over) {
            return !killed;
        }
        if pid == 0 {
            std::thread::sleep(std::time::Duration::from_millis(1));
            continue;
        }
        if pid == child && (libc::WIFEXITED(status) || libc::WIFSIGNALED(status)) {
            ended = Some(std::time::Instant::now());
        }
        if !libc::WIFSTOPPED(status) {
            continue;
        }
        let signal = libc::WSTOPSIG(status);
        let own = [libc::SIGTRAP, libc::SIGTRAP | 0x80, libc::SIGSTOP].contains(&signal);
        let pass = if own { 0 } else { signal };
        if ended.is_some() {
            // SAFETY: our own stopped child, and the signal it was about to get.
            unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, 0, pass) };
            continue;
        }
        if !set {
            // SAFETY: our own stopped child, and a number.
            unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) };
            set = true;
        }
        stops += u64::from(signal == libc::SIGTRAP | 0x80);
        if stops >= 2 * calls && !killed {
            // SAFETY: our own child.
            unsafe { libc::kill(child, libc::SIGKILL) };
            killed = true;
        }
        // SAFETY: as above.
        unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, pass) };
    }
}
