//! Signals, while a supervisor waits: taken one by one, in the order they come.

use super::{Errno, Result};
pub use nix::sys::signal::{SigSet, Signal};
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
        Err(Errno::EAGAIN) if timeout.is_some() => Ok(None),
        // KERNEL: a stop and a continue end the wait with EINTR though the signal is not in the set.
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(Some(Signal::SIGCHLD)),
        Err(errno) => Err(errno),
    }
}
