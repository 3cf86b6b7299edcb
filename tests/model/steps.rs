//! What can happen: each step is one call to the kernel, or several whose order nobody else can see.
//!
//! A killed process is gone in one step. KERNEL: its files, and with them its locks and leases, are closed after it let go
//! of its namespaces (exit_task_namespaces before exit_task_work in do_exit, kernel/exit.c). Process 1 of a session is the
//! exception, because the rest of the session dies after that; the model takes it apart.

use crate::holds::Broken;
use crate::state::{Protocol, State};

/// One step; the number is the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Arrive,
    Admit(usize),
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
    AdmitLater(usize),
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
pub type Next = (Step, Result<State, Broken>);

impl Step {
    /// Every kind of step once.
    pub const ALL: [Self; 38] = [
        Self::Arrive,
        Self::Admit(0),
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
        Self::AdmitLater(0),
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
            Self::SweepBegins => ("reaper/src/turn.rs", "on"),
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
            | Self::AdmitLater(_)
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
}
