//! The supervisor: waits outside, without privilege, hands signals on, keeps the time, and returns what the session returned.

use crate::inside::status;
use jail::error::{Error, code};
use jail::state::Doing;
use jail::state::holder::Lease;
use jail::sys::drop::Ids;
use jail::sys::init::{self, Pid, Signal};
use jail::sys::log::Log;
use jail::sys::root::{CalledBy, Root};
use jail::sys::{fd, signal};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long a program has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);

/// The supervisor, still privileged.
pub struct Armed {
    pub(crate) init: Pid,
    pub(crate) lease: Lease,
    pub(crate) orders: OwnedFd,
    pub(crate) timeout: Option<Duration>,
}

/// The supervisor, as the caller.
pub struct Supervisor {
    init: Pid,
    _lease: Lease,
    orders: OwnedFd,
    timeout: Option<Duration>,
}

impl Armed {
    /// Becomes the caller again, for good.
    pub fn disarm(self, root: Root, by: CalledBy, log: &mut Log) -> Result<Supervisor, Error> {
        let Self { init, lease, orders, timeout } = self;
        log.close();
        // An error ends this process, closes the orders, and so ends the session.
        let _user = Ids::of_caller(by).become_user(root).doing("give up root's rights", "")?;
        fd::hush(1);
        Ok(Supervisor { init, _lease: lease, orders, timeout })
    }
}

impl Supervisor {
    /// Waits for the end of the session.
    pub fn watch(self) -> Result<u8, Error> {
        let awaited = signal::awaited();
        let start = Instant::now();
        let mut deadline = self.timeout.map(|after| (after, Signal::SIGTERM));
        loop {
            let left = deadline.map(|(after, _)| after.saturating_sub(start.elapsed()));
            match signal::wait(&awaited, left).doing("wait", "for the session")? {
                Some(Signal::SIGCHLD) => {
                    if let Some(ended) = init::reap_one(self.init).doing("reap", "the session")? {
                        return Ok(status(ended));
                    }
                }
                // The pipe is full only if init is stopped; what it cannot read it need not read.
                Some(other) => init::order(&self.orders, other).unwrap_or(()),
                None => match deadline {
                    Some((after, Signal::SIGTERM)) => {
                        fd::say(2, &format!("trampoline: the time of {} seconds is over\n", after.as_secs()));
                        init::order(&self.orders, Signal::SIGTERM).unwrap_or(());
                        deadline = Some((after.saturating_add(GRACE), Signal::SIGKILL));
                    }
                    _ => {
                        // Closing the orders tells init to end, and the kernel ends the rest.
                        return Ok(code::SIGNAL.saturating_add(9));
                    }
                },
            }
        }
    }
}
