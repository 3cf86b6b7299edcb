//! The reaper.

use crate::state::{Owner, Protocol, State, Sweep};
use crate::steps::{Next, Step};

impl State {
    /// The next step of the reaper.
    pub fn sweep(&self, protocol: Protocol, next: &mut Vec<Next>) {
        let mut to = *self;
        let step = match self.reaper.at {
            Sweep::Away => {
                to.reaper.is_alone = true;
                to.reaper.at = if self.place { Sweep::Ask } else { Sweep::End };
                Step::SweepBegins
            }
            Sweep::Ask => {
                if protocol == Protocol::SweepLooksBeforeItAsks {
                    to.mark = false;
                }
                to.reaper.at = Sweep::End;
                let spares = protocol != Protocol::SweepUnmountsWhatIsHeld && self.is_held();
                if self.pin.is_none() {
                    to.reaper.at = Sweep::Lock;
                } else if spares {
                    // EBUSY; the mark is as it was.
                } else if !to.mark {
                    to.mark = true;
                } else {
                    (to.pin, to.mark) = (None, false);
                    to.reaper.at = Sweep::Lock;
                }
                Step::SweepAsks
            }
            Sweep::Lock => {
                to.reaper.at = Sweep::RemovePlace;
                if protocol != Protocol::PlaceIsGivenBackWithoutTheLock {
                    if self.lock.is_some() {
                        to.reaper.at = Sweep::End;
                    } else {
                        to.lock = Some(Owner::Reaper);
                    }
                }
                Step::SweepLocks
            }
            Sweep::RemovePlace => {
                to.remove_place();
                to.reaper.at = Sweep::Unlock;
                Step::SweepRemovesPlace
            }
            Sweep::Unlock => {
                to.unlock(Owner::Reaper);
                to.reaper.at = Sweep::End;
                Step::SweepUnlocks
            }
            Sweep::End => {
                let counts = self.reaper.is_alone && self.is_quiet();
                to.reaper.quiet = if counts { (self.reaper.quiet + 1).min(2) } else { 0 };
                (to.reaper.at, to.reaper.is_alone) = (Sweep::Away, false);
                Step::SweepEnds
            }
        };
        next.push((step, Ok(to)));
        if self.reaper.at != Sweep::Away {
            let mut to = *self;
            to.dies(protocol, Owner::Reaper);
            to.unlock(Owner::Reaper);
            (to.reaper.at, to.reaper.is_alone) = (Sweep::Away, false);
            next.push((Step::KillReaper, Ok(to)));
        }
    }

    /// The file goes unless something is mounted on it; whoever has it open has an unnamed file open then.
    pub fn remove_place(&mut self) {
        if self.pin.is_none() {
            self.place = false;
            self.callers.iter_mut().for_each(|caller| caller.place = false);
        }
    }
}
