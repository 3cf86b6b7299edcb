//! What must hold, in every state and at every step.

use crate::state::{Emptying, State};

/// What does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// Two namespaces of one jail are there at once: with a root that is written to, two systems would write it.
    TwoAlive,
    /// A session runs in a jail that was unmounted.
    SessionLosesItsJail,
    /// A call that came after the bar was put was let in before it was lifted.
    LateEntry,
    /// A program was let in between the end of a drain's work and the end of its bar.
    EntryAfterConclusion,
    /// Something of the jail is there in that time.
    AliveAfterConclusion,
    /// An entry failed that nobody told to fail.
    EntryFails,
    /// An entry was told to come later, and nobody drained.
    RefusedWithoutADrain,
    /// The place of a pin went from under a mount.
    PlaceGoneUnderAPin,
    /// Nobody did anything during two whole sweeps, and something of the jail is left.
    IdleJailStays,
}

/// What an exploration looks for.
pub type LookedFor = fn(Broken) -> bool;

impl State {
    /// What is wrong with this state, of what is looked for.
    pub fn broken(&self, looked_for: LookedFor) -> Option<Broken> {
        let loses = |caller: &crate::state::Caller| caller.is_inside() && caller.supervisor && self.pin != caller.lease;
        let is_over = self.is_quiet() && self.reaper.quiet >= 2;
        [
            (self.callers.iter().any(loses), Broken::SessionLosesItsJail),
            (self.alive().count() > 1, Broken::TwoAlive),
            (self.drain.concluded && self.alive().count() > 0, Broken::AliveAfterConclusion),
            (self.pin.is_some() && !self.place, Broken::PlaceGoneUnderAPin),
            (is_over && (self.pin.is_some() || self.place), Broken::IdleJailStays),
        ]
        .into_iter()
        .find_map(|(is_so, broken)| (is_so && looked_for(broken)).then_some(broken))
    }

    /// Whether a drain is under way whose bar is put.
    pub fn is_drained(&self) -> bool {
        !matches!(self.drain.at, Emptying::Away | Emptying::Bar)
    }
}
