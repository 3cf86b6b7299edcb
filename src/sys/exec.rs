//! The launch: the program starts as a child of init, without a copy of init's page tables.

use super::{Errno, Result};
use crate::sys::drop::User;
use crate::sys::processors::CpuSet;
use nix::sched::sched_setaffinity;
use nix::unistd::Pid;
use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

/// What to execute: the paths to try, in order, and what the program is given.
#[derive(Debug)]
pub struct Program {
    /// The paths to try.
    pub candidates: Vec<CString>,
    /// Its arguments, its own name first.
    pub arguments: Vec<CString>,
    /// Its environment.
    pub environment: Vec<CString>,
    /// What to ask for so that it may use its caller's processors, if this process stays on one.
    pub processors: Option<CpuSet>,
}

/// The child's stack, in bytes: it makes eight library calls, each a thin wrapper of a system call. In the most
/// talkative build they were seen to take 2.5 KiB.
const STACK: usize = 4 * 1024;

/// What the child needs and nothing that allocates; it lives on the parent's stack while the parent is suspended.
struct Order {
    candidates: Vec<*const c_char>,
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    processors: Option<CpuSet>,
    errno: AtomicI32,
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Starts the program in its own session, with no signal blocked and nothing open above 2.
///
/// The error is the first one that is not "no such file", or ENOENT.
pub fn start(_: &User, program: &Program) -> Result<Pid> {
    let order = Order {
        candidates: pointers(&program.candidates),
        arguments: pointers(&program.arguments),
        environment: pointers(&program.environment),
        processors: program.processors,
        errno: AtomicI32::new(0),
    };
    let mut stack: Vec<u8> = Vec::with_capacity(STACK);
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let argument = std::ptr::from_ref(&order).cast_mut().cast::<c_void>();
    // SAFETY: the stack is ours and big enough for calls into libc; it grows down from its end, which is within the
    // allocation's bounds. CLONE_VFORK suspends us until the child executes or exits, so `order`, `stack` and the strings
    // outlive its use of them; the child calls only what a signal handler may call, and does not return.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK).map_addr(|a| a & !15);
        libc::clone(child, top.cast::<c_void>(), flags, argument)
    };
    let pid = Errno::result(pid)?;
    match order.errno.load(Ordering::SeqCst) {
        0 => Ok(Pid::from_raw(pid)),
        errno => {
            nix::sys::wait::waitpid(Pid::from_raw(pid), None)?;
            Err(Errno::from_raw(errno))
        }
    }
}

extern "C" fn child(order: *mut c_void) -> c_int {
    // SAFETY: `start` passes a pointer to its own `Order`, which nobody changes but through the atomic.
    let order = unsafe { &*order.cast::<Order>() };
    // SAFETY: an empty signal set is made in place; every call here is async-signal-safe, takes pointers to what `start`
    // keeps alive, and the arrays end with a null pointer as execve wants.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        let ready = order.processors.as_ref().is_none_or(|caller_s| spread(caller_s).is_ok())
            && libc::setsid() > 0
            && libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) == 0
            && libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) == 0;
        if ready {
            let mut worst = libc::ENOENT;
            for path in order.candidates.iter().take_while(|p| !p.is_null()) {
                libc::execve(*path, order.arguments.as_ptr(), order.environment.as_ptr());
                let errno = Errno::last_raw();
                if errno != libc::ENOENT && errno != libc::ENOTDIR && worst == libc::ENOENT {
                    worst = errno;
                }
            }
            order.errno.store(worst, Ordering::SeqCst);
        } else {
            order.errno.store(libc::EIO, Ordering::SeqCst);
        }
        libc::_exit(127)
    }
}

/// Lets this process use its caller's processors again.
///
/// KERNEL: EINVAL says that the cpuset has none of them any more. Whoever asked for such runs on what the cpuset has
/// (`__set_cpus_allowed_ptr`, kernel/sched/core.c), this process by now too.
fn spread(caller_s: &CpuSet) -> Result<()> {
    match sched_setaffinity(Pid::from_raw(0), caller_s) {
        Err(Errno::EINVAL) => Ok(()),
        done => done,
    }
}

/// Changes to a directory, with the user's rights.
pub fn change_directory(_: &User, path: &std::ffi::CStr) -> Result<()> {
    nix::unistd::chdir(path)
}

/// Whether the user can see this file at all.
pub fn exists(_: &User, path: &std::ffi::CStr) -> bool {
    nix::sys::stat::stat(path).is_ok()
}

/// Gives the program the scheduling of an ordinary process: not the real-time class, the negative nice value, the
/// input and output class or the execution domain of its caller. A caller's positive nice value stays, and so does the class
/// for idle time.
pub fn usual_scheduling(_: &User) -> Result<()> {
    // The calls themselves, because musl's wrappers say ENOSYS whatever one asks; `struct sched_param` is the priority alone.
    let ordinary: libc::c_int = 0;
    // SAFETY: a live parameter; 0 is this process.
    let set = unsafe { syscalls::syscall!(syscalls::Sysno::sched_setscheduler, 0, libc::SCHED_OTHER, &raw const ordinary) };
    match super::raw(set) {
        // KERNEL: to leave SCHED_IDLE is a rise that RLIMIT_NICE must allow (user_check_sched_setscheduler,
        // kernel/sched/syscalls.c; 2.6.39). It gives a program less than an ordinary one has, so it may stay.
        Err(Errno::EPERM) => {
            // SAFETY: a number; 0 is this process.
            let class = super::raw(unsafe { syscalls::syscall!(syscalls::Sysno::sched_getscheduler, 0) })?;
            if i32::try_from(class) != Ok(libc::SCHED_IDLE) {
                return Err(Errno::EPERM);
            }
        }
        done => drop(done?),
    }
    // SAFETY: three numbers. KERNEL: the raw call answers 20 - nice, so that no answer looks like an error.
    let nice = super::raw(unsafe { syscalls::syscall!(syscalls::Sysno::getpriority, libc::PRIO_PROCESS, 0) })?;
    if nice > 20 {
        // SAFETY: three numbers.
        super::raw(unsafe { syscalls::syscall!(syscalls::Sysno::setpriority, libc::PRIO_PROCESS, 0, 0) })?;
    }
    const WHO_PROCESS: usize = 1;
    // SAFETY: three numbers; 0 is "none set".
    super::raw(unsafe { syscalls::syscall!(syscalls::Sysno::ioprio_set, WHO_PROCESS, 0, 0) })?;
    // SAFETY: a number; 0 is PER_LINUX.
    Errno::result(unsafe { libc::personality(0) }).map(|_| ())
}
