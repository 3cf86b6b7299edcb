//! Signals: blocked while a jail is made, default in the program, handed on by the supervisor.

use super::{Errno, Result};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use std::time::Duration;

/// The signals a supervisor hands on to the session.
pub const FORWARDED: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGCONT,
    Signal::SIGWINCH,
];

/// Holds every signal back that can be held back; the terminal's signals ask nobody's uid.
pub fn block_all() -> Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
}

/// Gives every signal its default disposition: one that a caller ignored would stay ignored in the program.
pub fn defaults() -> Result<()> {
    // SAFETY: an all-zero sigaction is a valid one: SIG_DFL, no flags, an empty mask.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for number in (1..=libc::SIGRTMAX()).filter(|n| ![libc::SIGKILL, libc::SIGSTOP].contains(n)) {
        // SAFETY: `default` outlives the call and installs no handler.
        let done = unsafe { libc::sigaction(number, &raw const default, std::ptr::null_mut()) };
        // KERNEL: glibc answers EINVAL for the two real-time signals it keeps to itself (32 and 33).
        if done < 0 && !(32..=33).contains(&number) {
            return Err(Errno::last());
        }
    }
    Ok(())
}

/// The signals a supervisor waits for: the end of the session, and those it hands on.
pub fn awaited() -> SigSet {
    FORWARDED.into_iter().chain([Signal::SIGCHLD]).collect()
}

/// Waits for one of the signals; `None` when `timeout` has passed.
pub fn wait(set: &SigSet, timeout: Option<Duration>) -> Result<Option<Signal>> {
    let spec = timeout.map(nix::sys::time::TimeSpec::from_duration);
    let pointer = spec.as_ref().map_or(std::ptr::null(), |t| std::ptr::from_ref(t.as_ref()));
    // SAFETY: the set and the time outlive the call; a null siginfo and a null time are allowed.
    let number = unsafe { libc::sigtimedwait(set.as_ref(), std::ptr::null_mut(), pointer) };
    match Errno::result(number) {
        Ok(number) => Signal::try_from(number).map(Some),
        Err(Errno::EAGAIN) => Ok(None),
        // KERNEL: a stop and a continue end the wait with EINTR though the signal is not in the set.
        Err(Errno::EINTR) => Ok(Some(Signal::SIGCHLD)),
        Err(errno) => Err(errno),
    }
}
