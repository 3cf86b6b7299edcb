//! What the soak did, counted, and its table.

use crate::walkers::NAMES;
use crate::{ADMINISTRATORS, CALLERS, REAPERS, USERS};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is counted, with its words in the table.
macro_rules! events {
    ($($name:ident => $text:literal,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Event { $($name),* }
        const EVENTS: [(Event, &str); [$(Event::$name),*].len()] = [$((Event::$name, $text)),*];
    };
}

events! {
    First => "programs run, the first in a new jail",
    Next => "programs run, in a jail that others had used",
    Ensured => "`--ensure`",
    Killed => "calls killed at some moment",
    Refused => "calls refused, because the user was being removed or was not there",
    ChangedMeanwhile => "calls refused, because the user's spec was changed in that moment",
    Drained => "calls refused, because the jail was being drained",
    Sweep => "sweeps",
    SweepLeftOut => "sweeps left out, because another took more than a second",
    Unmounted => "jails unmounted by a sweep",
    EmptyPlace => "empty places of pins that a sweep met",
    Added => "users added",
    Updated => "users changed",
    Removed => "users removed",
    NotRemoved => "removals refused, because programs ran in the jail",
    Drain => "drains of one user's jail",
    DrainOfAll => "drains of all jails",
    NothingToDrain => "drains refused, because the user was not there",
    NotDrained => "drains whose time was over, because programs ran on",
}

#[derive(Default)]
pub struct Figures {
    counts: [AtomicU64; EVENTS.len()],
    walks: [AtomicU64; NAMES.len()],
    /// In microseconds.
    longest: AtomicU64,
}

impl Figures {
    pub fn new() -> Self {
        Self::default()
    }

    fn counter(&self, event: Event) -> &AtomicU64 {
        let at = EVENTS.iter().position(|(one, _)| *one == event).unwrap();
        &self.counts[at]
    }

    pub fn add(&self, event: Event) {
        self.counter(event).fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self, event: Event) -> u64 {
        self.counter(event).load(Ordering::SeqCst)
    }

    pub fn walked(&self, number: usize) {
        self.walks[number].fetch_add(1, Ordering::SeqCst);
    }

    pub fn walks(&self) -> Vec<u64> {
        self.walks.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// Whether everybody has made a whole walk that began after that.
    pub fn walked_since(&self, then: &[u64]) -> bool {
        self.walks().iter().zip(then).all(|(now, then)| *now >= then + 2)
    }

    pub fn longest_call(&self, took: Duration) {
        self.longest.fetch_max(u64::try_from(took.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Everything that is to happen at once did happen.
    pub fn is_worth_its_name(&self) -> bool {
        use Event::{
            Added, Drain, DrainOfAll, Drained, Ensured, First, Killed, Next, Refused, Removed, Sweep, Unmounted, Updated,
        };
        let all = [First, Next, Ensured, Killed, Refused, Drained, Sweep, Unmounted, Added, Updated, Removed, Drain, DrainOfAll];
        all.iter().all(|event| self.count(*event) > 0) && self.walks().iter().all(|count| *count > 0)
    }

    /// The table, for people. Whoever reads it knows that nothing failed: a failure ends the soak without one.
    pub fn table(&self, rounds: usize, took: Duration, compared: usize, found: usize) -> String {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let processors = std::thread::available_parallelism().unwrap();
        let mut text = format!(
            "Linux {}, {processors} processors: {CALLERS} callers × {USERS} users, {REAPERS} reapers, {ADMINISTRATORS} administrators \
             and one who drains, {rounds} rounds in {} s.\n\n| what | how often |\n|---|---:|\n",
            kernel.trim(),
            took.as_secs()
        );
        for (event, words) in EVENTS {
            writeln!(text, "| {words} | {} |", self.count(event)).unwrap();
        }
        for (name, count) in NAMES.iter().zip(self.walks()) {
            writeln!(text, "| `{name}` meanwhile | {count} |").unwrap();
        }
        writeln!(text, "| pairs of sessions of one user at the same time, found in the same jail | {compared} |").unwrap();
        writeln!(text, "| records found in the homes, each once | {found} |").unwrap();
        writeln!(text, "| the longest call | {} ms |", self.longest.load(Ordering::SeqCst) / 1000).unwrap();
        for what in ["calls failed that were promised", "writes lost", "jails, pins, mounts, processes or files left"] {
            writeln!(text, "| **{what}** | **0** |").unwrap();
        }
        text
    }
}
