//! Every word the reaper says. No variable of the environment chooses what is said, not even RUST_LOG: root's output is
//! not the caller's. Only the journal's own, if it names this very standard error, makes each line one of the journal's.

use crate::outcome::Outcome;
use crate::process::Process;
use env_logger::{Builder, Target};
use jail::error::{Error, code};
use jail::report::escaped;
use jail::sys::images::advice::advised;
use jail::sys::streams;
use log::{Level, LevelFilter};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;
use std::time::Duration;

/// A sweep of ten thousand jails takes seconds; a process that is at it for so long hangs.
const OLD: Duration = Duration::from_secs(300);

/// Opens the log, on standard error: problems always; in the journal every change of a jail; everything if `verbose`.
pub fn open(verbose: bool) {
    let journal = is_journal();
    let level = match (verbose, journal) {
        (true, _) => LevelFilter::Debug,
        (false, true) => LevelFilter::Info,
        (false, false) => LevelFilter::Warn,
    };
    // Not `env_logger::init`: that one reads RUST_LOG.
    let mut log = Builder::new();
    log.filter_level(level).target(Target::Pipe(Box::new(Patient::default())));
    log.format(move |out, record| match record.level() {
        level if journal => writeln!(out, "<{}>{}", priority(level), advised(&record.args().to_string())),
        Level::Error | Level::Warn => writeln!(out, "reaper: {}", advised(&record.args().to_string())),
        _ => writeln!(out, "{}", record.args()),
    });
    log.init();
}

/// Standard error, as long as somebody reads it: we may have the turn, or a bar up, and keep neither for who stopped his pager.
#[derive(Default)]
struct Patient {
    is_unread: bool,
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.is_unread {
            self.is_unread = !streams::say(2, &String::from_utf8_lossy(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The number by which syslog and the journal call a level (sd-daemon(3)).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Whether standard error leads into the journal: systemd says to which file that is so, and a variable that was merely
/// inherited names another one (systemd.exec(5), JOURNAL_STREAM).
fn is_journal() -> bool {
    let Some(stream) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    let Ok(own) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    std::fs::File::from(own).metadata().is_ok_and(|own| format!("{}:{}", own.dev(), own.ino()) == stream)
}

/// Answers `--help`, `--version` and a wrong command line: that in one line, as the other programs do, for cron's mail has no
/// other sign of who complains.
pub fn about(answer: &clap::Error) -> ExitCode {
    if !answer.use_stderr() {
        // A reader who left is not our failure.
        answer.print().unwrap_or(());
        return ExitCode::SUCCESS;
    }
    writeln!(std::io::stderr(), "reaper: {}; see reaper --help", complaint(&answer.to_string())).unwrap_or(());
    ExitCode::from(code::USAGE)
}

/// Clap's message without its hints: up to the first empty line, in one line.
fn complaint(text: &str) -> String {
    let part = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = part.trim_start_matches("error: ").split_whitespace().collect();
    words.join(" ")
}

/// Says what became of one name.
pub fn outcome(name: &str, outcome: &Outcome) {
    log::log!(outcome.level(), "{}: {outcome}", escaped(name.as_bytes()));
}

/// Says why there was no sweep, or not all of one, and returns the exit code.
pub fn failure(error: &Error) -> u8 {
    log::error!("{error}");
    error.code()
}

/// Says that somebody else has the turn.
pub fn left_to(other: Option<&Process>) {
    let (level, text) = turn(other, other.and_then(Process::age));
    log::log!(level, "{text}");
}

/// Loudly, if he is at it for too long: no jail is unmounted meanwhile, and nobody else would say so.
fn turn(other: Option<&Process>, age: Option<Duration>) -> (Level, String) {
    let Some(other) = other else {
        return (Level::Warn, "another sweep is under way and does what this one would: nothing done".into());
    };
    let (who, pid) = (Process::list(std::slice::from_ref(other)), other.pid);
    match age.filter(|age| *age >= OLD) {
        None => (Level::Warn, format!("{who} is at work on the jails: nothing done, the next sweep will")),
        Some(age) => {
            let age = age.as_secs();
            let what = format!("no jail is unmounted: {who} keeps every sweep from its turn, was started {age} s ago");
            let mend = format!("look at /proc/{pid}/status and /proc/{pid}/stack, or end it with kill -9 {pid}");
            (Level::Error, format!("{what}, and hangs or is stopped; {mend}: nothing is lost by that"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_turn_for_minutes_is_an_alarm_that_says_how_to_end_it() {
        let other = Process { pid: 4711, uid: 0, command: "reaper".into() };
        let after = |seconds| turn(Some(&other), Some(Duration::from_secs(seconds)));
        assert_eq!(after(299).0, Level::Warn);
        assert_eq!(turn(Some(&other), None).0, Level::Warn);
        assert_eq!(turn(None, None).0, Level::Warn);
        let (level, text) = after(300);
        assert_eq!(level, Level::Error);
        for part in ["no jail is unmounted: pid 4711 (uid 0: reaper) ", "started 300 s ago", "kill -9 4711"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
