//! Outside, the last privileged phase: the process that will wait becomes the caller again.

use crate::outside::Supervisor;
use jail::error::Error;
use jail::state::Doing;
use jail::state::holder::Lease;
use jail::sys::drop::{Ids, User};
use jail::sys::init::Pid;
use jail::sys::log::Log;
use jail::sys::root::{CalledBy, Root};
use jail::sys::streams;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The supervisor, still privileged.
pub struct Armed {
    pub(crate) init: Pid,
    pub(crate) lease: Lease,
    pub(crate) orders: OwnedFd,
    pub(crate) timeout: Option<Duration>,
}

impl Armed {
    /// Becomes the caller again, for good.
    pub fn disarm(self, root: Root, by: CalledBy, log: &mut Log) -> Result<Supervisor, Error> {
        let Self { init, lease, orders, timeout } = self;
        log.close();
        // An error ends this process, closes the orders, and so ends the session.
        let _user = caller(root, by)?;
        streams::hush(1);
        Ok(Supervisor { init, _lease: lease, orders, timeout })
    }
}

/// The caller again, for good.
pub fn caller(root: Root, by: CalledBy) -> Result<User, Error> {
    Ids::of_caller(by).become_user(root).doing("give up root's rights", "")
}
