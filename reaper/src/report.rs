//! What a run came to: every name with its outcome, and how many came to which end.

use crate::outcome::Outcome;
use crate::process::Process;
use crate::tell;
use jail::error::code;
use jail::id::Target;
use jail::state::pins;
use jail::sys::lock::Lock;
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

/// The exit code of a drain whose time was over; EX_TEMPFAIL of sysexits.h.
const LATER: u8 = 75;

/// One run.
#[derive(Debug)]
pub struct Report {
    what: &'static str,
    start: Instant,
    /// How long it took.
    pub took: Duration,
    /// Every name that was asked about, in order.
    pub names: Vec<(String, Outcome)>,
    /// Nothing was done, because somebody else had the turn; who, if he was seen.
    pub left_to: Option<Option<Process>>,
    /// Sessions kept a drain from its end.
    pub is_late: bool,
    /// The holder was unmounted, and with it went what would tell who is there.
    pub is_blind: bool,
    /// Of a sweep: bytes that went with the jails, if the kernel can tell.
    pub returned: Option<u64>,
    /// The turn of this sweep: until its figures are written no other sweeps, whose they could be taken for.
    pub turn: Option<Lock>,
}

impl Report {
    /// The run begins. Its time is that of a clock that nobody can set.
    pub fn begin(what: &'static str) -> Self {
        let (names, took) = (Vec::new(), Duration::ZERO);
        let start = Instant::now();
        Self { what, start, took, names, left_to: None, is_late: false, is_blind: false, returned: None, turn: None }
    }

    /// Takes one outcome in, and says it.
    pub fn note(&mut self, name: impl Into<String>, outcome: Outcome) {
        let name = name.into();
        tell::outcome(&name, &outcome);
        self.names.push((name, outcome));
    }

    /// The run ends; its summary is said.
    pub fn end(&mut self) {
        self.took = self.start.elapsed();
        log::debug!("{self}");
    }

    /// Whose jails were marked.
    pub fn marked(&self) -> BTreeSet<Target> {
        let marked = self.names.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Marked));
        marked.filter_map(|(name, _)| pins::target_of(name)).collect()
    }

    /// How many outcomes are such.
    pub fn count(&self, such: impl Fn(&Outcome) -> bool) -> usize {
        self.names.iter().filter(|(_, outcome)| such(outcome)).count()
    }

    /// How many came to this end.
    pub fn count_of(&self, word: &str) -> usize {
        self.count(|outcome| outcome.word() == word)
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self.count_of("failed") {
            0 if self.is_late => LATER,
            0 => 0,
            _ => code::FAILED,
        }
    }
}

impl fmt::Display for Report {
    /// The usual five always, so that a script can rely on them; what is rare only when there was some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [unmounted, marked, in_use, failed] = ["unmounted", "marked", "in-use", "failed"].map(|word| self.count_of(word));
        let jails = self.names.len() - self.count_of("cleared") - self.count_of("empty") - self.count_of("left-alone");
        let noun = if jails == 1 { "jail" } else { "jails" };
        write!(f, "{}: {jails} {noun}, {unmounted} unmounted, {marked} marked, {in_use} in use, {failed} failed", self.what)?;
        let rare = [
            ("idle", "idle"),
            ("drained", "drained"),
            ("in-making", "in making"),
            ("cleared", "empty places removed"),
            ("empty", "empty places"),
            ("left-alone", "left alone"),
        ];
        for (count, what) in rare.map(|(word, what)| (self.count_of(word), what)) {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jail::error::Error;

    fn report(outcomes: Vec<Outcome>) -> Report {
        let mut report = Report::begin("sweep");
        for outcome in outcomes {
            report.note("2001", outcome);
        }
        report
    }

    #[test]
    fn the_summary_counts_each_jail_once() {
        use Outcome::{InUse, Marked, Unmounted};
        assert_eq!(report(vec![]).to_string(), "sweep: 0 jails, 0 unmounted, 0 marked, 0 in use, 0 failed");
        let three = report(vec![Marked, Unmounted, InUse(Vec::new())]);
        assert_eq!(three.to_string(), "sweep: 3 jails, 1 unmounted, 1 marked, 1 in use, 0 failed");
        assert_eq!(three.code(), 0);
    }

    #[test]
    fn what_is_rare_is_said_when_it_happens_and_what_is_no_jail_is_not_counted_as_one() {
        use Outcome::{Cleared, Foreign, InMaking, Marked};
        let text = report(vec![Marked, Cleared, Foreign(String::new()), Foreign(String::new())]).to_string();
        assert_eq!(text, "sweep: 1 jail, 0 unmounted, 1 marked, 0 in use, 0 failed, 1 empty places removed, 2 left alone");
        assert!(report(vec![InMaking]).to_string().ends_with("1 jail, 0 unmounted, 0 marked, 0 in use, 0 failed, 1 in making"));
    }

    #[test]
    fn one_failed_jail_fails_the_run_and_nothing_else_does() {
        use Outcome::{Cleared, Failed, Foreign, InMaking, InUse, Marked, Unmounted};
        let foreign = || Foreign(String::new());
        assert_eq!(report(vec![Marked, InUse(Vec::new()), Unmounted, InMaking, Cleared, foreign()]).code(), 0);
        let failed = || Failed(Error::failed("unmount the pin", "2001", "no"));
        assert_eq!(report(vec![Marked, failed()]).code(), code::FAILED);
        let mut late = report(vec![InUse(Vec::new())]);
        late.is_late = true;
        assert_eq!(late.code(), LATER);
        late.note("2002", failed());
        assert_eq!(late.code(), code::FAILED, "a fault is worse than a wait");
    }
}
