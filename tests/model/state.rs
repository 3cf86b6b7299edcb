//! What there is: one jail, two callers, a reaper, a drain, and what the kernel keeps for them.

/// The number of a namespace; one that nobody has any more is used again.
pub type Namespace = u8;

/// How many callers. Three are as well: 228,833 states, none of them wrong, and minutes instead of seconds.
const CALLERS: usize = 2;

/// The protocol as it is, and as it must not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Whole,
    /// As good as ours: found by the model, and kept so that it stays known.
    EntryLooksForTheBarAfterItsLease,
    EntryDoesNotLookForTheBar,
    MakerDoesNotLookForTheBar,
    MakerTakesNoLock,
    MakerDoesNotLookAgain,
    MakerLetsGoOfTheMountBeforeItsLease,
    PlaceIsGivenBackWithoutTheLock,
    SweepUnmountsWhatIsHeld,
    SweepLooksBeforeItAsks,
    DrainConcludesWithoutTheLock,
    DrainPutsItsBarLast,
    InitLetsGoBeforeTheRestIsGone,
    BarOutlivesItsDrain,
    LockOutlivesItsOwner,
    /// Not our step: somebody kills the supervisor and process 1 of one session. What is promised ends there.
    SessionsAreKilledOnBothSides,
}

/// Who holds the jail's lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    Caller(u8),
    Reaper,
    Drain,
    /// Somebody who is dead; only a broken protocol knows this one.
    Nobody,
}

/// Where a caller is: what it does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Entry {
    #[default]
    Away,
    Admit,
    Lease,
    Lock,
    LeaseAgain,
    AdmitUnderLock,
    Unshare,
    TouchPlace,
    OpenPlace,
    Attach,
    LeaseOfItsOwn,
    Unlock,
    AdmitLater,
    Enter,
    Inside,
}

/// One caller: one process until it is inside, a supervisor, process 1 and the rest of the session then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Caller {
    pub at: Entry,
    /// It came when the bar was put already, and that has not been lifted since.
    pub is_late: bool,
    /// The pin is open.
    pub lease: Option<Namespace>,
    /// The mount of a new pin is open.
    pub mount: Option<Namespace>,
    /// A namespace of its own making, in which it is.
    pub own: Option<Namespace>,
    /// The place of the pin is open, and is still the one that has the name.
    pub place: bool,
    /// Inside: the supervisor is there, and has the lease.
    pub supervisor: bool,
    /// Inside: process 1 is there, and has the lease.
    pub init: bool,
    /// Inside: another process of the session is there.
    pub rest: bool,
    /// Inside: somebody killed one of the two who hold the lease.
    pub killed: bool,
}

impl Caller {
    /// Whether somebody of this call has the jail open.
    pub fn holds(&self, pin: Namespace) -> bool {
        let leases = if self.at == Entry::Inside { self.supervisor || self.init } else { true };
        (leases && self.lease == Some(pin)) || self.mount == Some(pin)
    }

    /// Whether a session runs.
    pub fn is_inside(&self) -> bool {
        self.at == Entry::Inside
    }
}

/// Where the reaper is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Sweep {
    #[default]
    Away,
    Ask,
    Lock,
    RemovePlace,
    Unlock,
    End,
}

/// Where the drain is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Emptying {
    #[default]
    Away,
    Bar,
    Lock,
    Unmount,
    RemovePlace,
    UnlockAndTryAgain,
    UnlockAndConclude,
    LiftBar,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Reaper {
    pub at: Sweep,
    /// Nobody else did anything since this sweep began.
    pub is_alone: bool,
    /// So many whole sweeps were made since anybody did anything; two are enough to count.
    pub quiet: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Drain {
    pub at: Emptying,
    /// It found the jail down, and still keeps everybody out.
    pub concluded: bool,
}

/// All of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct State {
    /// The empty file on which the pin is mounted is there.
    pub place: bool,
    /// What is mounted on it.
    pub pin: Option<Namespace>,
    /// The kernel's mark on that mount.
    pub mark: bool,
    /// The flock on the jail's directory.
    pub lock: Option<Owner>,
    /// The record lock on the directory of jails.
    pub bar: bool,
    pub callers: [Caller; CALLERS],
    pub reaper: Reaper,
    pub drain: Drain,
}

impl State {
    /// The namespaces of the jail that are there: pinned, open, being made, or with a process in them.
    pub fn alive(&self) -> impl Iterator<Item = Namespace> {
        let of_calls = self.callers.into_iter().flat_map(|caller| {
            let lease = caller.lease.filter(|_| !caller.is_inside() || caller.supervisor || caller.init || caller.rest);
            [lease, caller.mount, caller.own]
        });
        let mut all: Vec<Namespace> = of_calls.chain([self.pin]).flatten().collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }

    /// A number that no live namespace has.
    pub fn free(&self) -> Namespace {
        (0..).find(|number| self.alive().all(|alive| alive != *number)).unwrap()
    }

    /// Whether somebody has the pin open.
    pub fn is_held(&self) -> bool {
        self.pin.is_some_and(|pin| self.callers.iter().any(|caller| caller.holds(pin)))
    }

    /// Whether nobody but the reaper is about.
    pub fn is_quiet(&self) -> bool {
        self.callers.iter().all(|caller| caller.at == Entry::Away) && self.drain.at == Emptying::Away
    }

    /// Whether nobody is about, and nothing of the jail is left.
    pub fn is_clean(&self) -> bool {
        self.is_quiet() && self.reaper.at == Sweep::Away && !self.place && self.pin.is_none() && self.lock.is_none() && !self.bar
    }

    /// Whether both callers run a program.
    pub fn two_sessions(&self) -> bool {
        self.callers.iter().all(Caller::is_inside)
    }
}
