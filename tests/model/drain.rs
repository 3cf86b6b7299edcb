//! A drain.

use crate::state::{Emptying, Owner, Protocol, State};
use crate::steps::{Next, Step};

impl State {
    fn lift_bar(&mut self) {
        self.bar = false;
        self.callers.iter_mut().for_each(|caller| caller.is_late = false);
    }

    /// The next step of the drain.
    pub fn emptying(&self, protocol: Protocol, next: &mut Vec<Next>) {
        let mut to = *self;
        let bars_last = protocol == Protocol::DrainPutsItsBarLast;
        let without_lock = protocol == Protocol::DrainConcludesWithoutTheLock;
        let step = match self.drain.at {
            Emptying::Away => {
                to.drain.at = if bars_last { Emptying::Lock } else { Emptying::Bar };
                Step::DrainBegins
            }
            Emptying::Bar => {
                to.bar = true;
                to.drain.at = if bars_last { Emptying::LiftBar } else { Emptying::Lock };
                Step::DrainBars
            }
            Emptying::Lock if self.lock.is_some() && !without_lock => {
                // It is tried again, and nothing happens meanwhile.
                to.drain.at = Emptying::LiftBar;
                next.push((Step::DrainGivesUp, Ok(to)));
                return self.drain_killed(protocol, next);
            }
            Emptying::Lock => {
                if !without_lock {
                    to.lock = Some(Owner::Drain);
                }
                to.drain.at = Emptying::Unmount;
                Step::DrainLocks
            }
            Emptying::Unmount => {
                to.drain.at = if self.is_held() { Emptying::UnlockAndTryAgain } else { Emptying::RemovePlace };
                if !self.is_held() {
                    (to.pin, to.mark) = (None, false);
                }
                Step::DrainUnmounts
            }
            Emptying::RemovePlace => {
                to.remove_place();
                to.drain.at = Emptying::UnlockAndConclude;
                to.drain.concluded = true;
                Step::DrainRemovesPlace
            }
            Emptying::UnlockAndTryAgain => {
                to.unlock(Owner::Drain);
                to.drain.at = Emptying::Lock;
                Step::DrainUnlocks
            }
            Emptying::UnlockAndConclude => {
                to.unlock(Owner::Drain);
                to.drain.at = if bars_last { Emptying::Bar } else { Emptying::LiftBar };
                Step::DrainUnlocks
            }
            Emptying::LiftBar => {
                to.lift_bar();
                to.drain = Default::default();
                Step::DrainLiftsBar
            }
        };
        next.push((step, Ok(to)));
        if self.drain.at == Emptying::Lock {
            let mut to = *self;
            to.drain.at = Emptying::LiftBar;
            next.push((Step::DrainGivesUp, Ok(to)));
        }
        self.drain_killed(protocol, next);
    }

    fn drain_killed(&self, protocol: Protocol, next: &mut Vec<Next>) {
        if self.drain.at != Emptying::Away {
            let mut to = *self;
            to.dies(protocol, Owner::Drain);
            to.unlock(Owner::Drain);
            if protocol != Protocol::BarOutlivesItsDrain {
                to.lift_bar();
            }
            to.drain = Default::default();
            next.push((Step::KillDrain, Ok(to)));
        }
    }
}
