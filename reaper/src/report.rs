//! Every word the reaper says, on standard error. The environment has no say in it: root's output is not the caller's.

use crate::sweep::Outcome;
use env_logger::{Builder, Target};
use jail::error::{Error, code};
use jail::report::escaped;
use log::{Level, LevelFilter};
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// Opens the log: problems always, what became of each jail if `verbose`.
pub fn open(verbose: bool) {
    let level = if verbose { LevelFilter::Info } else { LevelFilter::Warn };
    // Not `env_logger::init`: that one reads RUST_LOG.
    Builder::new()
        .filter_level(level)
        .target(Target::Stderr)
        .format(|out, record| match record.level() {
            Level::Error | Level::Warn => writeln!(out, "reaper: {}", record.args()),
            _ => writeln!(out, "{}", record.args()),
        })
        .init();
}

/// Answers `--help`, `--version` and a wrong command line.
pub fn about(answer: &clap::Error) -> ExitCode {
    // A reader who left is not our failure.
    answer.print().unwrap_or(());
    ExitCode::from(if answer.use_stderr() { code::USAGE } else { 0 })
}

/// Says why there was no sweep, or not all of one, and returns the exit code.
pub fn failure(error: &Error) -> u8 {
    log::error!("{error}");
    error.code()
}

/// How many came to which end.
#[derive(Default, Debug)]
pub struct Tally {
    marked: u64,
    in_use: u64,
    unmounted: u64,
    failed: u64,
    in_making: u64,
    cleared: u64,
    foreign: u64,
}

impl Tally {
    /// Counts one outcome, and says it.
    pub fn note(&mut self, name: &str, outcome: &Outcome) {
        let name = escaped(name.as_bytes());
        let counter = match outcome {
            Outcome::Marked => &mut self.marked,
            Outcome::InUse => &mut self.in_use,
            Outcome::Unmounted => &mut self.unmounted,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::InMaking => &mut self.in_making,
            Outcome::Cleared => &mut self.cleared,
            Outcome::Foreign => &mut self.foreign,
        };
        *counter = counter.saturating_add(1);
        match outcome {
            Outcome::Marked => log::info!("{name}: marked"),
            Outcome::InUse => log::info!("{name}: in use"),
            Outcome::Unmounted => log::info!("{name}: unmounted"),
            Outcome::InMaking => log::info!("{name}: in making"),
            Outcome::Cleared => log::info!("{name}: empty place removed"),
            Outcome::Foreign => log::warn!("{name}: no pin of a jail, left alone; look who put it among the pins"),
            Outcome::Failed(error) => log::error!("{name}: {error}"),
        }
    }

    /// The exit code of the sweep.
    pub fn code(&self) -> u8 {
        if self.failed == 0 { 0 } else { code::FAILED }
    }
}

impl fmt::Display for Tally {
    /// The usual five always, so that a script can rely on them; what is rare only when there was some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { marked, in_use, unmounted, failed, in_making, cleared, foreign } = self;
        let jails: u64 = [marked, in_use, unmounted, failed, in_making].into_iter().sum();
        let noun = if jails == 1 { "jail" } else { "jails" };
        write!(f, "sweep: {jails} {noun}, {unmounted} unmounted, {marked} marked, {in_use} in use, {failed} failed")?;
        for (count, what) in [(in_making, "in making"), (cleared, "empty places removed"), (foreign, "left alone")] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(outcomes: &[Outcome]) -> Tally {
        let mut tally = Tally::default();
        for outcome in outcomes {
            tally.note("2001", outcome);
        }
        tally
    }

    #[test]
    fn the_summary_counts_each_jail_once() {
        use Outcome::{InUse, Marked, Unmounted};
        assert_eq!(tally(&[]).to_string(), "sweep: 0 jails, 0 unmounted, 0 marked, 0 in use, 0 failed");
        let three = tally(&[Marked, Unmounted, InUse]);
        assert_eq!(three.to_string(), "sweep: 3 jails, 1 unmounted, 1 marked, 1 in use, 0 failed");
        assert_eq!(three.code(), 0);
    }

    #[test]
    fn what_is_rare_is_said_when_it_happens_and_what_is_no_jail_is_not_counted_as_one() {
        use Outcome::{Cleared, Foreign, InMaking, Marked};
        let text = tally(&[Marked, Cleared, Foreign, Foreign]).to_string();
        assert_eq!(text, "sweep: 1 jail, 0 unmounted, 1 marked, 0 in use, 0 failed, 1 empty places removed, 2 left alone");
        assert!(tally(&[InMaking]).to_string().ends_with("1 jail, 0 unmounted, 0 marked, 0 in use, 0 failed, 1 in making"));
    }

    #[test]
    fn one_failed_jail_fails_the_sweep_and_nothing_else_does() {
        use Outcome::{Cleared, Failed, Foreign, InMaking, InUse, Marked, Unmounted};
        assert_eq!(tally(&[Marked, InUse, Unmounted, InMaking, Cleared, Foreign]).code(), 0);
        assert_eq!(tally(&[Marked, Failed(Error::failed("unmount the pin", "2001", "no"))]).code(), code::FAILED);
    }
}
