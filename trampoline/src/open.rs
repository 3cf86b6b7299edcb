//! From an authorised task to a live jail: found by its pin, or made.

use crate::make;
use crate::request::{Authorised, Run, Task};
use jail::error::Error;
use jail::spec::Spec;
use jail::state::holder::{Holder, Lease};
use jail::state::host::Host;
use jail::sys::log::Log;
use jail::sys::root::Root;

/// A live jail that we hold: the lease keeps the reaper from it as long as this value lives.
#[derive(Debug)]
pub struct Jail {
    authorised: Authorised,
    lease: Lease,
}

/// A live jail and the program to run in it.
#[derive(Debug)]
pub struct Ready {
    pub(crate) lease: Lease,
    pub(crate) spec: Spec,
    pub(crate) run: Run,
}

impl Authorised {
    /// Warm: the pin is there. Cold: it is made, under the jail's lock.
    pub fn open(self, root: &Root, host: Host) -> Result<Jail, Error> {
        let holder = Holder::find_or_make(root, &host)?;
        holder.enter(root)?;
        let lease = match holder.lease(self.spec.uid)? {
            Some(lease) => lease,
            None => make::jail(root, &host, &holder, &self)?,
        };
        Ok(Jail { authorised: self, lease })
    }
}

impl Jail {
    /// What is to be run, if anything is; the rest of what was needed to get here is closed.
    pub fn into_ready(self, log: &Log) -> Option<Ready> {
        let Authorised { grant, spec, task, dir: _ } = self.authorised;
        match task {
            Task::Run(run) => {
                let program = run.command.first().map_or(&b""[..], |p| p.as_bytes());
                log.run(grant.caller().get(), grant.target().get(), program);
                Some(Ready { lease: self.lease, spec, run })
            }
            Task::Ensure | Task::Explain => None,
        }
    }
}
