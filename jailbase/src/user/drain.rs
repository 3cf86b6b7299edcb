//! Before a jail is taken away: nobody comes in any more, and who is inside may finish. As `reaper --drain` does it, with the
//! same bar of the kernel's, which falls with this process.

use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::Doing;
use jail::state::drain::{Found, until_down};
use jail::state::host::Host;
use jail::state::jails::Jails;
use jail::sys::expire::Bar;
use jail::sys::root::Root;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The jails that are down, and stay so while this value lives.
#[derive(Debug)]
#[must_use]
pub struct Drained {
    _bars: Vec<Bar>,
    /// Why a jail is not down.
    not: BTreeMap<Target, Error>,
}

impl Drained {
    /// Bars the entries to these jails, and waits so long for their sessions to end.
    pub fn of(root: &Root, host: &Host, jails: &Jails, targets: &[Target], patience: Duration) -> Result<Self, Error> {
        let start = Instant::now();
        // ORDER: before the first jail is asked. Whoever took a lease and looked for a bar before this is found by its
        // lease; whoever looks later is refused.
        let bars = targets.iter().map(|target| Bar::put(&jails.dir, Some(target.get())));
        let mut all = Self { _bars: bars.collect::<Result<_, _>>().doing("bar", layout::JAILS)?, not: BTreeMap::new() };
        let done = |target, ended: Result<Found, Error>| all.not.extend(ended.err().map(|error| (target, error)));
        let waiting = |left: &[Target]| {
            let uids: Vec<String> = left.iter().map(ToString::to_string).collect();
            log::warn!("waiting up to {} s for programs to end in the jail of uid {}", patience.as_secs(), uids.join(", "));
        };
        let left = until_down((root, host, jails), targets.to_vec(), (start, patience), done, waiting);
        let late = format!(
            "programs are running in the jail after {} s of waiting, and people are let in again; end them with jailbase kill, or give them longer with --wait",
            patience.as_secs()
        );
        all.not.extend(left.into_iter().map(|target| (target, Error::Refused(late.clone()))));
        Ok(all)
    }

    /// Whether a jail is down, or else why not.
    pub fn judge(&mut self, target: Target) -> Result<(), Error> {
        self.not.remove(&target).map_or(Ok(()), Err)
    }
}
