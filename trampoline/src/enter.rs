//! From a live jail to a session in it: four namespaces joined, one process split in two.

use crate::disarm::Armed;
use crate::inside::Session;
use crate::open::Jail;
use crate::outside::Supervisor;
use jail::error::Error;
use jail::layout;
use jail::state::Doing;
use jail::sys::fd::{self, How};
use jail::sys::ns::{self, Kind};
use jail::sys::processors;
use jail::sys::root::Root;

/// In all namespaces of the jail but a pid namespace.
#[derive(Debug)]
pub struct Entered(Jail);

/// Which of the two processes this one is.
pub enum Side {
    /// The one that waits.
    Outside(Armed),
    /// Process 1 of the session.
    Inside(Box<Session>),
}

impl Jail {
    /// Joins the namespaces. Those beside the mount namespace are pinned in it.
    pub fn enter(self, root: &Root) -> Result<Entered, Error> {
        ns::join(root, self.lease.namespace(), Kind::Mount).doing("join", "the jail")?;
        for kind in Kind::BESIDE_MOUNT {
            let pin = format!("/{}/{}", layout::NS, kind.name());
            let joined = fd::open(&pin, How::Read).and_then(|pin| ns::join(root, &pin, kind));
            joined.doing("join the jail's namespace", kind.name())?;
        }
        Ok(Entered(self))
    }
}

impl Entered {
    /// Starts the session: from here on two processes share what was opened so far, and each closes what it does not need.
    pub fn begin(self, root: &Root) -> Result<Side, Error> {
        let (read, write) = fd::pipe().doing("make", "a pipe")?;
        let Jail { lease, spec, run } = self.0;
        // ORDER: before the first process, which inherits it. Each process of an entry waits for the next, and to wake another
        // processor takes longer than what is done there. Where it cannot be done, nothing is changed.
        let processors = processors::stay_for_now().ok();
        match ns::first_process(root).doing("start", "the session")? {
            Some(init) => Ok(Side::Outside(Armed(Supervisor { init, _lease: lease, orders: write, timeout: run.timeout }))),
            None => Ok(Side::Inside(Box::new(Session { lease, spec, run, orders: read, processors }))),
        }
    }
}
