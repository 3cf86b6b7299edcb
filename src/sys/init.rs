//! What process 1 of a session asks of the kernel: its children, its orders, and when either has something to say.

use super::{Errno, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
pub use nix::sys::signal::Signal;
use nix::sys::signal::{SigSet, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
pub use nix::unistd::Pid;
use std::os::fd::{AsFd, OwnedFd};

/// Wakes when a child has ended.
#[derive(Debug)]
pub struct Children(SignalFd);

/// What woke us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Children may have ended.
    Child,
    /// This signal is to be handed on.
    Order(Signal),
    /// The supervisor is gone, or wants everything gone.
    End,
}

impl Children {
    /// ORDER: before the first child starts, or its end is missed; SIGCHLD is blocked by then.
    pub fn watch() -> Result<Self> {
        let set: SigSet = [Signal::SIGCHLD].into_iter().collect();
        SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map(Self)
    }

    /// Waits for the next event, or with `wait` false only looks; `orders` is the read end of the supervisor's pipe.
    pub fn next(&self, orders: &OwnedFd, wait: bool) -> Result<Option<Event>> {
        let timeout = if wait { PollTimeout::NONE } else { PollTimeout::ZERO };
        loop {
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN), PollFd::new(orders.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Err(Errno::EINTR) => continue,
                Ok(0) => return Ok(None),
                done => done?,
            };
            let [children, ordered] = &fds;
            // ORDER: orders first; a program that makes its children end without pause must not keep an end from us.
            if ordered.any() == Some(true) {
                let mut byte = [0u8];
                return match nix::unistd::read(orders, &mut byte) {
                    Ok(1) => Ok(Some(Signal::try_from(i32::from(byte[0])).map_or(Event::End, Event::Order))),
                    Err(Errno::EINTR | Errno::EAGAIN) => continue,
                    _ => Ok(Some(Event::End)),
                };
            }
            if children.any() == Some(true) {
                return match self.0.read_signal() {
                    Err(Errno::EINTR) => continue,
                    read => read.map(|_| Some(Event::Child)),
                };
            }
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// With this status.
    Exited(u8),
    /// By this signal.
    Signalled(u8),
}

/// Reaps one child that has ended, if there is one.
pub fn reap() -> Result<Option<(Pid, Ended)>> {
    wait(Pid::from_raw(-1))
}

/// Reaps this child if it has ended.
pub fn reap_one(pid: Pid) -> Result<Option<Ended>> {
    Ok(wait(pid)?.map(|(_, ended)| ended))
}

/// waitpid(2) itself: nix's knows no real-time signals and makes an error of a program that one of them ended.
///
/// Whoever asks has a child that was not reaped. To be told otherwise is an error: another answer would let him wait for ever.
fn wait(which: Pid) -> Result<Option<(Pid, Ended)>> {
    let mut status = 0;
    let pid = loop {
        // SAFETY: the status is a live integer.
        match Errno::result(unsafe { libc::waitpid(which.as_raw(), &raw mut status, libc::WNOHANG) }) {
            Ok(0) => return Ok(None),
            Err(Errno::EINTR) => {}
            pid => break Pid::from_raw(pid?),
        }
    };
    let byte = |n: i32| u8::try_from(n & 0xff).unwrap_or(u8::MAX);
    if libc::WIFEXITED(status) {
        return Ok(Some((pid, Ended::Exited(byte(libc::WEXITSTATUS(status))))));
    }
    Ok(libc::WIFSIGNALED(status).then(|| (pid, Ended::Signalled(byte(libc::WTERMSIG(status))))))
}

/// Kills whatever else is in this pid namespace, and returns when nothing of it is left. Usually nothing was.
pub fn end_the_rest() -> Result<()> {
    let mut how = libc::WNOHANG;
    loop {
        // SAFETY: a null status is allowed.
        match Errno::result(unsafe { libc::waitpid(-1, std::ptr::null_mut(), how) }) {
            Err(Errno::ECHILD) => return Ok(()),
            Err(Errno::EINTR) => {}
            Ok(0) => {
                // KERNEL: from process 1 it goes to every other process of the namespace (kill(2)), and a fork under way
                // does not escape it; an orphan becomes a child of process 1 before its parent can be reaped.
                kill(Pid::from_raw(-1), Signal::SIGKILL)?;
                how = 0;
            }
            reaped => drop(reaped?),
        }
    }
}

/// Sends a signal to a process, or with `group` to all of its process group. That it has just ended is no failure.
pub fn signal(pid: Pid, group: bool, signal: Signal) -> Result<()> {
    let to = if group { Pid::from_raw(-pid.as_raw()) } else { pid };
    match kill(to, signal) {
        Err(Errno::ESRCH) => Ok(()),
        done => done,
    }
}

/// Tells the other end of a pipe to hand on a signal.
pub fn order(orders: &OwnedFd, signal: Signal) -> Result<()> {
    nix::unistd::write(orders, &[number(signal)]).map(|_| ())
}

/// The number of a signal.
pub fn number(signal: Signal) -> u8 {
    // nix names signals by a C enumeration and offers no other way to its numbers, which lie between 1 and 31.
    #[allow(clippy::as_conversions)]
    u8::try_from(signal as i32).unwrap_or(0)
}
