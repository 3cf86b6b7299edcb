//! A process held by a descriptor, so that its number, once free, can mean no other. The setuid program needs none: it
//! knows no process but its own child.

use crate::sys::mount::owned;
use crate::sys::root::Root;
use crate::sys::{Errno, Result, raw};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
pub use nix::sys::signal::Signal;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;
use syscalls::{Sysno, syscall};

/// A process, running or ended.
#[derive(Debug)]
pub struct Held(OwnedFd);

impl Held {
    /// Holds the process that has this number now; `None` if there is none. Whoever looked it up looks once more after
    /// this, and then it is the one he saw.
    pub fn of(_: &Root, pid: u32) -> Result<Option<Self>> {
        // SAFETY: two numbers.
        match raw(unsafe { syscall!(Sysno::pidfd_open, pid, 0) }) {
            Err(Errno::ESRCH) => Ok(None),
            fd => owned(fd?).map(|fd| Some(Self(fd))),
        }
    }

    /// Sends it a signal; `false` if it has ended.
    pub fn signal(&self, _: &Root, signal: Signal) -> Result<bool> {
        let number = usize::from(crate::sys::init::number(signal));
        // SAFETY: a live descriptor, numbers, and a null pointer that says to fill in what kill(2) would.
        match raw(unsafe { syscall!(Sysno::pidfd_send_signal, self.0.as_raw_fd(), number, 0, 0) }) {
            Err(Errno::ESRCH) => Ok(false),
            sent => sent.map(|_| true),
        }
    }

    /// Waits for its end, so long and no longer; whether it came.
    pub fn ends_within(&self, patience: Duration) -> Result<bool> {
        let mut one = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut one, timeout) {
            // Somebody stopped and continued us: the caller's clock says whether to ask again.
            Err(Errno::EINTR) => Ok(false),
            ready => ready.map(|count| count > 0),
        }
    }
}
