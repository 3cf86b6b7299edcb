//! The protocol of leases, sweeps, makers and drains, as a model that is explored to its last state: every interleaving of
//! two callers, a reaper and a drain, step by step, and each of them killed anywhere.
//!
//! What the steps are, and which function of the programs each stands for, is in `steps.rs`; what must hold in
//! `holds.rs`. The last tests break one step after the other: a model that finds nothing wrong with a broken protocol
//! says nothing about a whole one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, clippy::as_conversions)]

mod drain;
mod entry;
mod explore;
mod holds;
mod session;
mod state;
mod steps;
mod sweep;

use explore::{Explored, explore};
use holds::{Broken, LookedFor};
use state::{Protocol, State};
use steps::Step;

/// Explores a protocol in which nothing may be wrong.
fn whole(protocol: Protocol) -> Explored {
    let explored = explore(protocol, |_| true);
    if let Some((broken, path)) = &explored.broken {
        panic!("{broken:?} after\n{}", path.join("\n"));
    }
    println!("{protocol:?}: {} states, {} steps between them, none wrong", explored.states.len(), explored.edges.len());
    explored
}

#[test]
fn no_interleaving_breaks_the_protocol_and_from_each_state_all_that_must_come_can_come() {
    let explored = whole(Protocol::Whole);
    let count = explored.states.len();
    let told = format!("{},{:03} states", count / 1000, count % 1000);
    assert!(include_str!("../../docs/DESIGN.md").contains(&told), "docs/DESIGN.md does not tell of {told}");
    // A model in which nothing happens holds everything.
    for (what, seen) in [
        ("two sessions at once", State::two_sessions as fn(&State) -> bool),
        ("a jail that waits for its second sweep", |state| state.pin.is_some() && state.mark && state.is_quiet()),
        ("a drain that concluded while a caller was about to come in", |state| state.drain.concluded && !state.is_quiet()),
    ] {
        assert!(explored.states.iter().any(seen), "never seen: {what}");
    }
    for (what, goal) in [
        ("everything is over and nothing is left", State::is_clean as fn(&State) -> bool),
        ("the first caller is let in", |state| state.callers[0].is_inside()),
        ("the drain concludes", |state| state.drain.concluded),
    ] {
        let stuck = explored.cannot_reach(goal);
        assert!(stuck.is_none(), "{what}: never again after\n{}", stuck.unwrap_or_default().join("\n"));
    }
}

/// Each protocol with one step broken, and what the exploration must find wrong with it.
const BROKEN: [(Protocol, LookedFor); 14] = [
    (Protocol::EntryDoesNotLookForTheBar, |broken| broken == Broken::LateEntry),
    (Protocol::MakerDoesNotLookForTheBar, |broken| broken == Broken::AliveAfterConclusion),
    (Protocol::MakerTakesNoLock, |broken| broken == Broken::TwoAlive),
    (Protocol::MakerDoesNotLookAgain, |broken| broken == Broken::TwoAlive),
    (Protocol::MakerLetsGoOfTheMountBeforeItsLease, |broken| broken == Broken::EntryFails),
    (Protocol::PlaceIsGivenBackWithoutTheLock, |broken| broken == Broken::EntryFails),
    (Protocol::SweepUnmountsWhatIsHeld, |broken| broken == Broken::SessionLosesItsJail),
    (Protocol::SweepLooksBeforeItAsks, |broken| broken == Broken::IdleJailStays),
    (Protocol::DrainConcludesWithoutTheLock, |broken| broken == Broken::AliveAfterConclusion),
    (Protocol::DrainPutsItsBarLast, |broken| broken == Broken::AliveAfterConclusion),
    (Protocol::InitLetsGoBeforeTheRestIsGone, |broken| broken == Broken::TwoAlive),
    (Protocol::BarOutlivesItsDrain, |broken| broken == Broken::RefusedWithoutADrain),
    (Protocol::LockOutlivesItsOwner, |broken| broken == Broken::IdleJailStays),
    (Protocol::SessionsAreKilledOnBothSides, |broken| broken == Broken::TwoAlive),
];

#[test]
fn each_broken_step_is_found() {
    for (protocol, expected) in BROKEN {
        let explored = explore(protocol, expected);
        let (broken, path) = explored.broken.unwrap_or_else(|| panic!("{protocol:?}: nothing was found wrong"));
        println!("{protocol:?}: {broken:?} after {}", path.join(", "));
    }
}

#[test]
fn a_state_from_which_there_is_no_way_on_is_found() {
    let explored = explore(Protocol::LockOutlivesItsOwner, |_| false);
    assert!(explored.cannot_reach(State::is_clean).is_some(), "a lock file is no worse than a lock");
    assert!(explored.cannot_reach(|state| state.reaper.at == state::Sweep::Away).is_none(), "the reaper waits for no lock");
}

#[test]
fn an_entry_may_look_for_the_bar_after_it_took_its_lease_as_well() {
    whole(Protocol::EntryLooksForTheBarAfterItsLease);
}

#[test]
fn every_step_of_the_model_stands_for_a_function_that_is_there() {
    for step in Step::ALL {
        let Some((file, function)) = step.stands_for() else { continue };
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{step:?}: {file}: {e}"));
        let is_there = ["(", "<"].iter().any(|next| text.contains(&format!("fn {function}{next}")));
        assert!(is_there, "{step:?} stands for {function} of {file}, and that is not there");
    }
}
