//! The supervisor: waits outside, without privilege, hands signals on, keeps the time, and returns what the session returned.

use crate::inside::status;
use jail::error::{Error, code};
use jail::state::Doing;
use jail::state::holder::Lease;
use jail::sys::init::{self, Pid, Signal};
use jail::sys::{await_signal, streams};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long a program has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);

/// The supervisor, as the caller.
pub struct Supervisor {
    pub(crate) init: Pid,
    pub(crate) _lease: Lease,
    pub(crate) orders: OwnedFd,
    pub(crate) timeout: Option<Duration>,
}

impl Supervisor {
    /// Waits for the end of the session.
    pub fn watch(self) -> Result<u8, Error> {
        let Self { init, _lease: lease, orders, timeout } = self;
        let awaited = await_signal::awaited();
        let mut deadline = timeout.map(|after| (Instant::now(), after, Signal::SIGTERM));
        let mut over = None;
        let code = loop {
            let left = deadline.map(|(start, after, _)| after.saturating_sub(start.elapsed()));
            match await_signal::wait(&awaited, left).doing("wait", "for the session")? {
                Some(Signal::SIGCHLD) => {
                    if let Some(ended) = init::reap_one(init).doing("reap", "the session")? {
                        break status(ended);
                    }
                }
                // The pipe is full only if init is stopped; what it cannot read it need not read.
                Some(other) => init::order(&orders, other).unwrap_or(()),
                None => match deadline {
                    Some((start, after, Signal::SIGTERM)) => {
                        init::order(&orders, Signal::SIGTERM).unwrap_or(());
                        deadline = Some((start, after.saturating_add(GRACE), Signal::SIGKILL));
                        over = Some(after);
                    }
                    _ => break code::SIGNAL.saturating_add(9),
                },
            }
        };
        // ORDER: closing the orders tells init to end, and the kernel ends the rest. Then it is said: the program writes to
        // the same standard error, and may have filled it.
        drop((orders, lease));
        if let Some(after) = over {
            streams::say(2, &format!("trampoline: the time of {} s is over\n", after.as_secs()));
        }
        Ok(code)
    }
}
