//! From an authorised task to a live jail: found by its pin, or made.

use crate::make;
use crate::request::{Authorised, Run, Task};
use jail::error::Error;
use jail::spec::Spec;
use jail::state::holder::{Holder, Lease};
use jail::state::host::Host;
use jail::sys::log::Log;
use jail::sys::root::Root;

/// A live jail and the program to run in it. The lease keeps the reaper from the jail as long as this value lives.
#[derive(Debug)]
pub struct Jail {
    pub(crate) lease: Lease,
    pub(crate) spec: Spec,
    pub(crate) run: Run,
}

impl Authorised {
    /// Warm: the pin is there. Cold: it is made, under the jail's lock. Nothing is returned if nothing is to be run; what
    /// else was needed to get here is closed.
    pub fn open(self, root: &Root, host: Host, log: Option<&Log>) -> Result<Option<Jail>, Error> {
        // ORDER: before the lease and before any lock, so that who is barred is told at once, whoever makes the jail meanwhile. A
        // drain that bars after this look meets our lease, or leaves no pin, and then we look again under the jail's lock.
        self.jails.admit(self.spec.uid)?;
        let holder = Holder::find()?.map_or_else(|| Holder::make(root, &host), Ok)?;
        holder.enter(root)?;
        let lease = match holder.lease(self.spec.uid)? {
            Some(lease) => lease,
            None => make::jail(root, &host, &holder, &self)?,
        };
        let Task::Run(run) = self.task else { return Ok(None) };
        let program = run.command.first().map_or(&b""[..], |program| program.as_bytes());
        if let Some(log) = log {
            log.run(self.grant.caller().get(), self.grant.target().get(), program);
        }
        Ok(Some(Jail { lease, spec: self.spec, run }))
    }
}
