//! `top`: what the live jails use, again and again.

use super::alive::{self, Ask, Jail, Session};
use super::frame::{self, Look, Row, Sort};
use super::screen::{Event, Screen};
use super::used::{self, Used};
use clap::Args;
use jail::error::{Error, code};
use jail::state::Doing;
use jail::state::host::Host;
use jail::sys::init::number;
use jail::sys::root::Root;
use jail::sys::{self, Errno};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The command line of `top`.
#[derive(Args, Debug)]
pub struct Words {
    /// How many seconds there are between two looks, 0.1 at the least
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    interval: f64,
    /// By what the jails are sorted at first
    #[arg(long, value_enum, default_value_t = Sort::Cpu)]
    sort: Sort,
}

fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || "a time between two looks is a number of seconds from 0.1 to 3600".to_owned();
    text.parse().ok().filter(|seconds| (0.1..=3600.0).contains(seconds)).ok_or_else(wrong)
}

/// What a session had used, by its process 1 and when that began.
type Before = BTreeMap<(u32, u64), Used>;

/// Shows it until somebody wants the end; 0 if by a key, else 128 and the number of the signal.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<u8, Error> {
    let screen = Screen::take()?;
    let interval = Duration::from_secs_f64(words.interval);
    let mut look = Look { sort: words.sort, turned: false, since: None, interval };
    let (mut before, mut last) = (Before::new(), None::<Instant>);
    loop {
        let now = Instant::now();
        look.since = last.map(|last| now.duration_since(last));
        let rows = rows(&alive::all(root, host, Ask::Traffic)?, &mut before, last.is_some());
        last = Some(now);
        let next = now.checked_add(interval).unwrap_or(now);
        // Until the next look the same rows, drawn anew when something changed.
        loop {
            let lines = frame::lines(rows.clone(), &look, usize::from(screen.size().lines));
            if let Err(errno) = screen.draw(&lines) {
                return gone(errno);
            }
            match screen.next(next.saturating_duration_since(Instant::now())).doing("wait for", "a key")? {
                Event::Tick => break,
                Event::Changed => {}
                Event::Key(b'q') => return Ok(0),
                Event::Key(b' ') => break,
                Event::Key(b'r') => look.turned = !look.turned,
                Event::Key(key) => look.sort = Sort::of_key(key).unwrap_or(look.sort),
                Event::End(signal) => return Ok(code::SIGNAL.saturating_add(number(signal))),
                Event::Gone => return gone(Errno::EIO),
            }
        }
    }
}

/// A terminal that was closed wants no more of us, and nobody is there to be told.
fn gone(errno: Errno) -> Result<u8, Error> {
    match errno {
        Errno::EIO | Errno::EPIPE => Ok(code::SIGNAL.saturating_add(number(sys::init::Signal::SIGHUP))),
        errno => Err(errno).doing("draw on", "the terminal"),
    }
}

/// What each jail uses, and what it used since the last look. A session that began after it used all it has since then.
fn rows(jails: &[Jail], before: &mut Before, again: bool) -> Vec<Row> {
    let (page, mut now) = (used::page(), Before::new());
    let mut rows = Vec::with_capacity(jails.len());
    for jail in jails {
        let mut row = Row { name: jail.shown(), used: Used::of_jail(jail, page), ..Row::default() };
        for session in &jail.sessions {
            let used = Used::of_session(session, page);
            if again {
                let old = before.get(&key(session)).copied().unwrap_or_default();
                row.ticks = row.ticks.saturating_add(used.ticks().saturating_sub(old.ticks()));
                row.traffic.0 = row.traffic.0.saturating_add(used.read_bytes.saturating_sub(old.read_bytes));
                row.traffic.1 = row.traffic.1.saturating_add(used.written_bytes.saturating_sub(old.written_bytes));
            }
            now.insert(key(session), used);
        }
        rows.push(row);
    }
    *before = now;
    rows
}

fn key(session: &Session) -> (u32, u64) {
    (session.init.pid, session.init.start)
}

#[cfg(test)]
mod tests {
    use super::super::alive::Mark;
    use super::super::process::Process;
    use super::*;
    use jail::id::Target;

    fn jail(sessions: &[(u32, u64)]) -> Option<Jail> {
        let session = |(pid, ticks): &(u32, u64)| Session {
            init: Process { pid: *pid, start: 7, ..Process::default() },
            processes: vec![Process { pid: u32::MAX, user: *ticks, ..Process::default() }],
            ..Session::default()
        };
        let sessions = sessions.iter().map(session).collect();
        Some(Jail { target: Target::new(2001)?, name: None, kept: None, sessions, mark: Mark::Unknown })
    }

    #[test]
    fn processor_time_is_that_since_the_last_look_and_never_less_than_none() {
        let mut before = Before::new();
        let mut look = |sessions: &[(u32, u64)], again| {
            let jails: Vec<Jail> = jail(sessions).into_iter().collect();
            rows(&jails, &mut before, again).iter().map(|row| row.ticks).collect::<Vec<_>>()
        };
        assert_eq!(look(&[(5, 100)], false), [0], "the first look knows of no time between two");
        assert_eq!(look(&[(5, 130), (6, 20)], true), [50], "a new session used all it has");
        assert_eq!(look(&[(5, 120)], true), [0], "one that ended takes nothing away");
    }

    #[test]
    fn a_time_between_two_looks_is_no_busy_loop() {
        for bad in ["0", "0.05", "-1", "x", "nan", "inf", "3601", ""] {
            assert!(seconds(bad).is_err(), "{bad:?}");
        }
        assert_eq!(seconds("0.5"), Ok(0.5));
    }
}
