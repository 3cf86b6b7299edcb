//! Outside, the last privileged phase: the process that will wait becomes the caller again.

use crate::outside::Supervisor;
use jail::error::Error;
use jail::state::Doing;
use jail::sys::drop::{Ids, User};
use jail::sys::log::Log;
use jail::sys::root::{CalledBy, Root};
use jail::sys::streams;

/// The supervisor, still privileged.
pub struct Armed(pub(crate) Supervisor);

impl Armed {
    /// Becomes the caller again, for good.
    pub fn disarm(self, root: Root, by: CalledBy, log: &mut Option<Log>) -> Result<Supervisor, Error> {
        *log = None;
        // An error ends this process, closes the orders, and so ends the session.
        let _user = caller(root, by)?;
        streams::hush(1);
        Ok(self.0)
    }
}

/// The caller again, for good.
pub fn caller(root: Root, by: CalledBy) -> Result<User, Error> {
    Ids::of_caller(by).become_user(root).doing("give up root's rights", "")
}
