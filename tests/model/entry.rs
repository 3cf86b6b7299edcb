//! A call, from its arrival until it is inside or has ended.

use crate::holds::Broken;
use crate::state::{Entry, Owner, Protocol, State};
use crate::steps::{Next, Step};

impl State {
    /// The next step of a call that is not inside yet.
    pub fn entry(&self, protocol: Protocol, number: usize, next: &mut Vec<Next>) {
        let own = Owner::Caller(number as u8);
        let mut to = *self;
        let at = |to: &mut Self, at: Entry| to.callers[number].at = at;
        let step = match self.callers[number].at {
            Entry::Away => {
                to.callers[number].is_late = self.bar;
                let later = [Protocol::EntryLooksForTheBarAfterItsLease, Protocol::EntryDoesNotLookForTheBar].contains(&protocol);
                at(&mut to, if later { Entry::Lease } else { Entry::Admit });
                Ok((Step::Arrive, to))
            }
            Entry::Admit => self.admit(number, Entry::Lease).map(|to| (Step::Admit(number), to)),
            Entry::Lease => {
                to.callers[number].lease = self.pin;
                let made = if protocol == Protocol::MakerTakesNoLock { Entry::LeaseAgain } else { Entry::Lock };
                at(&mut to, if self.pin.is_some() { self.held(protocol) } else { made });
                Ok((Step::Lease(number), to))
            }
            Entry::Lock if self.lock.is_some() => return self.killed(protocol, number, next),
            Entry::Lock => {
                to.lock = Some(own);
                let looks = protocol != Protocol::MakerDoesNotLookAgain;
                at(&mut to, if looks { Entry::LeaseAgain } else { Entry::AdmitUnderLock });
                Ok((Step::Lock(number), to))
            }
            Entry::LeaseAgain => {
                to.callers[number].lease = self.pin;
                let made = if protocol == Protocol::MakerDoesNotLookForTheBar { Entry::Unshare } else { Entry::AdmitUnderLock };
                at(&mut to, if self.pin.is_some() { Entry::Unlock } else { made });
                Ok((Step::LeaseAgain(number), to))
            }
            Entry::AdmitUnderLock => self.admit(number, Entry::Unshare).map(|to| (Step::AdmitUnderLock(number), to)),
            Entry::Unshare => {
                to.callers[number].own = Some(self.free());
                at(&mut to, Entry::TouchPlace);
                Ok((Step::Unshare(number), to))
            }
            Entry::TouchPlace => {
                to.place = true;
                at(&mut to, Entry::OpenPlace);
                Ok((Step::TouchPlace(number), to))
            }
            Entry::OpenPlace if !self.place => Err((Step::OpenPlace(number), Broken::EntryFails)),
            Entry::OpenPlace => {
                to.callers[number].place = true;
                at(&mut to, Entry::Attach);
                Ok((Step::OpenPlace(number), to))
            }
            Entry::Attach if !self.callers[number].place => Err((Step::Attach(number), Broken::EntryFails)),
            Entry::Attach => {
                (to.pin, to.mark) = (self.callers[number].own, false);
                let caller = &mut to.callers[number];
                if protocol != Protocol::MakerLetsGoOfTheMountBeforeItsLease {
                    caller.mount = caller.own;
                }
                // It left its namespace for the holder: what keeps that alive now is the pin.
                (caller.own, caller.place) = (None, false);
                at(&mut to, Entry::LeaseOfItsOwn);
                Ok((Step::Attach(number), to))
            }
            Entry::LeaseOfItsOwn if self.pin.is_none() => Err((Step::LeaseOfItsOwn(number), Broken::EntryFails)),
            Entry::LeaseOfItsOwn => {
                to.callers[number].lease = self.pin;
                to.callers[number].mount = None;
                at(&mut to, Entry::Unlock);
                Ok((Step::LeaseOfItsOwn(number), to))
            }
            Entry::Unlock => {
                to.unlock(own);
                at(&mut to, self.held(protocol));
                Ok((Step::Unlock(number), to))
            }
            Entry::AdmitLater => self.admit(number, Entry::Enter).map(|to| (Step::AdmitLater(number), to)),
            Entry::Enter if self.callers[number].is_late => Err((Step::Enter(number), Broken::LateEntry)),
            Entry::Enter if self.drain.concluded => Err((Step::Enter(number), Broken::EntryAfterConclusion)),
            Entry::Enter => {
                let caller = &mut to.callers[number];
                (caller.supervisor, caller.init, caller.rest) = (true, true, true);
                at(&mut to, Entry::Inside);
                Ok((Step::Enter(number), to))
            }
            Entry::Inside => return,
        };
        next.push(match step {
            Ok((step, to)) => (step, Ok(to)),
            Err((step, broken)) => (step, Err(broken)),
        });
        self.killed(protocol, number, next);
    }

    /// What a call does when it has its lease.
    fn held(&self, protocol: Protocol) -> Entry {
        match protocol {
            Protocol::EntryLooksForTheBarAfterItsLease => Entry::AdmitLater,
            _ => Entry::Enter,
        }
    }

    /// Goes on, or is told to come later.
    fn admit(&self, number: usize, on: Entry) -> Result<Self, (Step, Broken)> {
        let mut to = *self;
        if !self.bar {
            to.callers[number].at = on;
            return Ok(to);
        }
        if !self.is_drained() {
            return Err((Step::Admit(number), Broken::RefusedWithoutADrain));
        }
        to.leave(number);
        Ok(to)
    }

    /// A call ends: all it has is closed. Closing the pin, or the mount of one, takes the kernel's mark off.
    fn leave(&mut self, number: usize) {
        let caller = std::mem::take(&mut self.callers[number]);
        if self.pin.is_some() && (caller.lease == self.pin || caller.mount == self.pin) {
            self.mark = false;
        }
        self.unlock(Owner::Caller(number as u8));
    }

    pub fn unlock(&mut self, owner: Owner) {
        if self.lock == Some(owner) {
            self.lock = None;
        }
    }

    /// Whoever dies lets go of his lock; or not, where it is a file that says who has it.
    pub fn dies(&mut self, protocol: Protocol, owner: Owner) {
        if protocol == Protocol::LockOutlivesItsOwner && self.lock == Some(owner) {
            self.lock = Some(Owner::Nobody);
        }
    }

    fn killed(&self, protocol: Protocol, number: usize, next: &mut Vec<Next>) {
        if self.callers[number].at != Entry::Away {
            let mut to = *self;
            to.dies(protocol, Owner::Caller(number as u8));
            to.leave(number);
            next.push((Step::KillCaller(number), Ok(to)));
        }
    }
}
