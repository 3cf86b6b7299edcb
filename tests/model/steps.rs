//! What can happen: each step is one call to the kernel, or several whose order nobody else can see.
//!
//! A killed process is gone in one step. KERNEL: its files, and with them its locks and leases, are closed after it let go
//! of its namespaces (exit_task_namespaces before exit_task_work in do_exit, kernel/exit.c). Process 1 of a session is the
//! exception, because the rest of the session dies after that; the model takes it apart.

use crate::holds::Broken;
use crate::state::{Caller, Emptying, Entry, Owner, Protocol, State, Sweep};

/// One step; the number is the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Arrive,
    LookForTheBarFirst(usize),
    Lease(usize),
    Lock(usize),
    LeaseAgain(usize),
    AdmitUnderLock(usize),
    Unshare(usize),
    TouchPlace(usize),
    OpenPlace(usize),
    Attach(usize),
    LeaseOfItsOwn(usize),
    Unlock(usize),
    Admit(usize),
    Enter(usize),
    RestEnds(usize),
    InitEndsTheRest(usize),
    InitLetsGo(usize),
    SupervisorEnds(usize),
    KernelEndsTheRest(usize),
    KillCaller(usize),
    KillSupervisor(usize),
    KillInit(usize),
    SweepBegins,
    SweepAsks,
    SweepLocks,
    SweepRemovesPlace,
    SweepUnlocks,
    SweepEnds,
    KillReaper,
    DrainBegins,
    DrainBars,
    DrainLocks,
    DrainUnmounts,
    DrainRemovesPlace,
    DrainUnlocks,
    DrainGivesUp,
    DrainLiftsBar,
    KillDrain,
}

/// A step, and what comes of it.
type Next = (Step, Result<State, Broken>);

impl Step {
    /// Every kind of step once.
    pub const ALL: [Self; 38] = [
        Self::Arrive,
        Self::LookForTheBarFirst(0),
        Self::Lease(0),
        Self::Lock(0),
        Self::LeaseAgain(0),
        Self::AdmitUnderLock(0),
        Self::Unshare(0),
        Self::TouchPlace(0),
        Self::OpenPlace(0),
        Self::Attach(0),
        Self::LeaseOfItsOwn(0),
        Self::Unlock(0),
        Self::Admit(0),
        Self::Enter(0),
        Self::RestEnds(0),
        Self::InitEndsTheRest(0),
        Self::InitLetsGo(0),
        Self::SupervisorEnds(0),
        Self::KernelEndsTheRest(0),
        Self::KillCaller(0),
        Self::KillSupervisor(0),
        Self::KillInit(0),
        Self::SweepBegins,
        Self::SweepAsks,
        Self::SweepLocks,
        Self::SweepRemovesPlace,
        Self::SweepUnlocks,
        Self::SweepEnds,
        Self::KillReaper,
        Self::DrainBegins,
        Self::DrainBars,
        Self::DrainLocks,
        Self::DrainUnmounts,
        Self::DrainRemovesPlace,
        Self::DrainUnlocks,
        Self::DrainGivesUp,
        Self::DrainLiftsBar,
        Self::KillDrain,
    ];

    /// The file and the function that this step stands for; nothing, if it is a step of the kernel's or of somebody's will.
    pub fn stands_for(self) -> Option<(&'static str, &'static str)> {
        const HOLDER: &str = "src/state/holder.rs";
        const JAILS: &str = "src/state/jails.rs";
        const PINS: &str = "src/state/pins.rs";
        const DRAIN: &str = "reaper/src/drain.rs";
        const SWEEP: &str = "reaper/src/sweep.rs";
        Some(match self {
            Self::Arrive => ("trampoline/src/request.rs", "authorise"),
            Self::Lease(_) | Self::LeaseAgain(_) | Self::LeaseOfItsOwn(_) => (HOLDER, "lease"),
            Self::Lock(_) => (JAILS, "lock"),
            Self::AdmitUnderLock(_) | Self::Admit(_) => (JAILS, "admit"),
            Self::Unshare(_) => ("src/sys/ns.rs", "unshare"),
            Self::TouchPlace(_) => ("src/sys/files.rs", "touch"),
            Self::OpenPlace(_) => ("src/sys/mount.rs", "pin"),
            Self::Attach(_) => ("src/sys/mount.rs", "attach"),
            Self::Enter(_) => ("trampoline/src/enter.rs", "enter"),
            Self::InitEndsTheRest(_) => ("src/sys/init.rs", "end_the_rest"),
            Self::InitLetsGo(_) => ("trampoline/src/inside.rs", "attend"),
            Self::SupervisorEnds(_) => ("trampoline/src/outside.rs", "watch"),
            Self::SweepBegins => (SWEEP, "turn"),
            Self::SweepAsks => ("src/sys/expire.rs", "expire"),
            Self::SweepLocks => (SWEEP, "give_back"),
            Self::SweepRemovesPlace | Self::DrainRemovesPlace => (PINS, "remove_place"),
            Self::SweepEnds => ("reaper/src/report.rs", "end"),
            Self::DrainBegins => (DRAIN, "run"),
            Self::DrainBars => ("src/sys/expire.rs", "put"),
            Self::DrainLocks => ("src/state/drain.rs", "down"),
            Self::DrainUnmounts => (PINS, "unmount"),
            // A lock falls when its descriptor is closed.
            Self::Unlock(_)
            | Self::SweepUnlocks
            | Self::DrainUnlocks
            | Self::LookForTheBarFirst(_)
            | Self::RestEnds(_)
            | Self::KernelEndsTheRest(_)
            | Self::KillCaller(_)
            | Self::KillSupervisor(_)
            | Self::KillInit(_)
            | Self::KillReaper
            | Self::DrainGivesUp
            | Self::DrainLiftsBar
            | Self::KillDrain => return None,
        })
    }

    /// Whether somebody is killed, which nothing may wait for.
    pub fn is_a_kill(self) -> bool {
        matches!(self, Self::KillCaller(_) | Self::KillSupervisor(_) | Self::KillInit(_) | Self::KillReaper | Self::KillDrain)
    }

    fn is_the_reaper_s(self) -> bool {
        matches!(
            self,
            Self::SweepBegins
                | Self::SweepAsks
                | Self::SweepLocks
                | Self::SweepRemovesPlace
                | Self::SweepUnlocks
                | Self::SweepEnds
                | Self::KillReaper
        )
    }
}

impl State {
    /// Every step that can be taken here, and what comes of it.
    pub fn steps(&self, protocol: Protocol) -> Vec<Next> {
        let mut next = Vec::new();
        for number in 0..self.callers.len() {
            if self.callers[number].is_inside() {
                self.session(protocol, number, &mut next);
            } else {
                self.entry(protocol, number, &mut next);
            }
        }
        self.sweep(protocol, &mut next);
        self.emptying(protocol, &mut next);
        for (step, state) in &mut next {
            if let (false, Ok(state)) = (step.is_the_reaper_s(), state) {
                state.reaper.is_alone = false;
                state.reaper.quiet = 0;
            }
        }
        next
    }

    /// The next step of a call that is not inside yet.
    fn entry(&self, protocol: Protocol, number: usize, next: &mut Vec<Next>) {
        let own = Owner::Caller(number as u8);
        let mut to = *self;
        let at = |to: &mut Self, at: Entry| to.callers[number].at = at;
        let step = match self.callers[number].at {
            Entry::Away => {
                to.callers[number].is_late = self.bar;
                let first = protocol == Protocol::EntryLooksForTheBarBeforeItsLease;
                at(&mut to, if first { Entry::LookForTheBarFirst } else { Entry::Lease });
                Ok((Step::Arrive, to))
            }
            Entry::LookForTheBarFirst => self.admit(number, Entry::Lease).map(|to| (Step::LookForTheBarFirst(number), to)),
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
            Entry::Admit => self.admit(number, Entry::Enter).map(|to| (Step::Admit(number), to)),
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
            Protocol::EntryLooksForTheBarBeforeItsLease | Protocol::EntryDoesNotLookForTheBar => Entry::Enter,
            _ => Entry::Admit,
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

    fn unlock(&mut self, owner: Owner) {
        if self.lock == Some(owner) {
            self.lock = None;
        }
    }

    /// Whoever dies lets go of his lock; or not, where it is a file that says who has it.
    fn dies(&mut self, protocol: Protocol, owner: Owner) {
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

    /// The steps of a session.
    fn session(&self, protocol: Protocol, number: usize, next: &mut Vec<Next>) {
        let was = self.callers[number];
        let mut push = |step: Step, change: &dyn Fn(&mut Caller)| {
            let mut to = *self;
            change(&mut to.callers[number]);
            let is = to.callers[number];
            // The last who had the pin open closes it.
            if self.pin.is_some_and(|pin| was.holds(pin) && !is.holds(pin)) {
                to.mark = false;
            }
            if !(is.supervisor || is.init || is.rest) {
                to.callers[number] = Caller::default();
            }
            next.push((step, Ok(to)));
        };
        if was.rest {
            push(Step::RestEnds(number), &|caller| caller.rest = false);
        }
        if was.init {
            // It ends when its program did, or when the supervisor is gone; either may be so while others of it live.
            let ends_first = protocol == Protocol::InitLetsGoBeforeTheRestIsGone;
            if was.rest && !ends_first {
                push(Step::InitEndsTheRest(number), &|caller| caller.rest = false);
            }
            if !was.rest || ends_first {
                push(Step::InitLetsGo(number), &|caller| caller.init = false);
            }
        } else {
            // KERNEL: process 1 is reaped when the rest of its namespace is gone (zap_pid_ns_processes).
            if was.rest {
                push(Step::KernelEndsTheRest(number), &|caller| caller.rest = false);
            } else if was.supervisor {
                push(Step::SupervisorEnds(number), &|caller| caller.supervisor = false);
            }
        }
        let both = protocol == Protocol::SessionsAreKilledOnBothSides;
        if was.supervisor && (!was.killed || both) {
            push(Step::KillSupervisor(number), &|caller| (caller.supervisor, caller.killed) = (false, true));
        }
        if was.init && (!was.killed || both) {
            push(Step::KillInit(number), &|caller| (caller.init, caller.killed) = (false, true));
        }
    }

    /// The next step of the reaper.
    fn sweep(&self, protocol: Protocol, next: &mut Vec<Next>) {
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
    fn remove_place(&mut self) {
        if self.pin.is_none() {
            self.place = false;
            self.callers.iter_mut().for_each(|caller| caller.place = false);
        }
    }

    fn lift_bar(&mut self) {
        self.bar = false;
        self.callers.iter_mut().for_each(|caller| caller.is_late = false);
    }

    /// The next step of the drain.
    fn emptying(&self, protocol: Protocol, next: &mut Vec<Next>) {
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
