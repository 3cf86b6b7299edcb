//! The kill sweep of a reaper that looks and waits: `--dry-run`, and a drain of a jail in which a program runs.
//!
//! It looks at every process of the machine, so no two runs of it make the same calls. Points are numbers here, and what is
//! there in the next run is killed, whatever it is.

use super::deeds::{Deed, Input, Point, Run, Victim};
use super::reaper::{Stage, State};
use super::remains;
use super::start::Order;
use super::trace::{keep_to, run};
use crate::common::{kernels, program};
use std::collections::BTreeSet;

use State::{Absent, Busy, Marked, Place, Used};

/// What such a reaper is told, and how it ends if nobody kills it.
struct Way {
    order: Order,
    states: &'static [[State; 2]],
    code: i32,
    /// After so many pauses more than one it does the same again.
    pauses: usize,
}

impl Way {
    /// The numbers of its calls. Of a row of one call, as when all descriptors of all processes are read, only the first and the
    /// last two.
    fn points(&self) -> Vec<usize> {
        let done = run(&self.order, Input::Ended, &[]);
        assert_eq!((done.code, done.hung), (self.code, false), "{:?}: {}", self.order.words, done.err);
        assert!(done.calls[1].is_empty(), "{:?} is more than one process", self.order.words);
        let names: Vec<&str> = done.calls[0].iter().map(|call| call.name()).collect();
        let mut pauses = names.iter().enumerate().filter(|(_, name)| **name == "clock_nanosleep").map(|(nth, _)| nth);
        let end = pauses.nth(self.pauses).map_or(names.len(), |last| last + 1);
        let in_a_row =
            |nth: &usize| *nth > 0 && [nth - 1, nth + 1, nth + 2].iter().all(|other| names.get(*other) == names.get(*nth));
        (0..end).filter(|nth| !in_a_row(nth)).collect()
    }

    /// Kills it at its call of that number, and says which that was; `None` if it ended before.
    #[track_caller]
    fn kill(&self, nth: usize, what: &str) -> Option<&'static str> {
        let deed = Deed::Kill { victim: Victim::All, after: false };
        let done = run(&self.order, Input::Ended, &[(Point { depth: 0, nth }, deed)]);
        let expected = if done.hit.is_some() { Run::KILLED } else { self.code };
        assert_eq!((done.code, done.hung), (expected, false), "{what}: {}", done.err);
        done.hit.map(|call| call.name())
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reaper_killed_while_it_looks_or_waits_holds_up_no_sweep_and_no_entry_after_it() {
    keep_to(0);
    let mut stage = Stage::new();
    let name = stage.scenes[1].user.name.clone();
    let reaper = |words: &[&str]| Order::new(program("reaper"), words);
    let ways = [
        Way { order: reaper(&["--dry-run"]), states: &[[Marked, Busy], [Used, Place]], code: 0, pauses: 0 },
        Way { order: reaper(&["--drain", &name, "--wait", "0"]), states: &[[Marked, Busy]], code: 75, pauses: 0 },
        // Those pauses are of 5, 10 and 20 ms.
        Way { order: reaper(&["--drain", &name, "--wait", "1"]), states: &[[Absent, Busy]], code: 75, pauses: 2 },
    ];
    let kernels = kernels::now();
    stage.set([Used, Used]);
    let rest = stage.at_rest();
    let (mut points, mut kills, mut survived, mut ended, mut met) = (0, 0, 0, 0, BTreeSet::new());
    for (way, states) in ways.iter().flat_map(|way| way.states.iter().map(move |states| (way, *states))) {
        stage.begin(states);
        stage.set(states);
        for nth in way.points() {
            points += 1;
            for entry_first in [true, false] {
                stage.set(states);
                let what = format!("{:?} killed at call {nth} over {states:?}", way.order.words);
                let hit = way.kill(nth, &what);
                met.extend(hit);
                kills += usize::from(hit.is_some());
                ended += usize::from(hit.is_none());
                stage.goes_on(states, entry_first, &what);
                assert_eq!(stage.at_rest(), rest, "{what}");
                survived += usize::from(hit.is_some());
            }
        }
        stage.end();
    }
    // Who looks at all processes was killed in all that this takes, and few runs were shorter than the one that was counted.
    for call in ["clock_nanosleep", "flock", "getdents64", "openat2", "readlink", "setns", "umount2"] {
        assert!(met.contains(call), "{call} was not met: {met:?}");
    }
    assert!(ended * 20 <= kills, "{ended} runs ended before, of {kills}");
    stage.leaves_nothing(&kernels);
    let again = remains::marked_again();
    assert!(again <= remains::MAY_BE_MARKED_AGAIN, "marks do not last: {again} of {kills}");
    println!(
        "kill sweep of a reaper that looks and waits: {points} points, {kills} kills, {ended} ended before, marked again: {again}, {survived} survived, failed = {}",
        kills - survived
    );
}
