//! `log`: what trampoline and the reaper told the system log of one user.
//!
//! Anybody can send the log a line that says it is trampoline's. The journal knows who sent it, and only root's lines are taken;
//! a plain file does not know.

use super::journal;
use super::whom;
use crate::table::table;
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::report::escaped;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Where a system log without a journal keeps what authpriv says, the older file first.
const FILES: [[&str; 2]; 3] = [
    ["/var/log/auth.log.1", "/var/log/auth.log"],
    ["/var/log/secure.1", "/var/log/secure"],
    ["/var/log/messages.1", "/var/log/messages"],
];

/// The command line of `log`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// At most so many lines, the youngest
    #[arg(long, default_value_t = 50)]
    lines: usize,
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// One line of the log.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Line {
    /// As the log has it.
    pub time: String,
    /// Who says it was there.
    pub program: String,
    pub pid: Option<u32>,
    pub message: String,
}

/// Shows the lines about a user.
pub fn run(words: &Words) -> Result<(), Error> {
    let (uid, name) = whom::known(&words.user)?;
    let is_about = |line: &Line| is_about(&line.message, &uid, &name);
    let lines = match journal::lines(words.lines, &is_about)? {
        Some(lines) => lines,
        None => of_files(words.lines, &is_about)?,
    };
    if words.json {
        return tell::json(&lines);
    }
    let fields = lines.iter().map(|line| [line.time.clone(), line.program.clone(), line.message.clone()]);
    tell::say(&table(["TIME", "PROGRAM", "MESSAGE"], &fields.collect::<Vec<_>>()))
}

fn of_files(most: usize, is_about: &impl Fn(&Line) -> bool) -> Result<Vec<Line>, Error> {
    let there = FILES.iter().find(|pair| pair.iter().any(|path| Path::new(path).is_file()));
    let pair = there.ok_or_else(|| {
        let why = format!(
            "no journal runs, and neither auth.log, secure nor messages is in /var/log; trampoline writes to {}; start journald or rsyslog, which keep what comes there",
            jail::policy::LOG
        );
        Error::failed("find", "the system log", why)
    })?;
    let mut kept = VecDeque::new();
    for path in pair.iter().filter(|path| Path::new(path).is_file()) {
        let failed = |error| Error::failed("read", *path, error);
        for line in BufReader::new(File::open(path).map_err(failed)?).split(b'\n') {
            if let Some(line) = read(&line.map_err(failed)?).filter(|line| is_about(line)) {
                kept.push_back(line);
                while kept.len() > most {
                    kept.pop_front();
                }
            }
        }
    }
    Ok(kept.into())
}

/// Reads a line as syslog daemons write it: `TIME HOST PROGRAM[PID]: MESSAGE`. A line of any other program is none.
fn read(bytes: &[u8]) -> Option<Line> {
    let text = escaped_whole(bytes);
    let (program, at) = ["trampoline", "reaper"].iter().find_map(|name| Some((*name, text.find(&format!(" {name}["))?)))?;
    let (head, rest) = (text.get(..at)?, text.get(at..)?.trim_start().strip_prefix(program)?.strip_prefix('[')?);
    let (pid, message) = rest.split_once("]: ")?;
    // The host's name is the last word before the program's, and what is before it is the time.
    let (time, host) = head.rsplit_once(' ')?;
    let good = !host.is_empty() && time.starts_with(|c: char| c.is_ascii_alphanumeric()) && !head.contains(['[', ']']);
    good.then(|| Line { time: time.to_owned(), program: program.to_owned(), pid: pid.parse().ok(), message: message.to_owned() })
}

/// All of a line, made fit to be shown: in parts that are not cut, were each of their bytes spelled out.
pub fn escaped_whole(bytes: &[u8]) -> String {
    bytes.chunks(64).map(escaped).collect()
}

/// Whether a message is about a user. What a caller chose, the name of a program for one, is no part of what decides.
fn is_about(message: &str, uid: &str, name: &str) -> bool {
    if message.starts_with("uid ") && message.contains(" runs ") {
        return message.ends_with(&format!(" as uid {uid}"));
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    message.split(|c| !is_part(c)).map(|word| word.trim_end_matches('.')).any(|word| word == uid || word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_about_who_was_entered_whatever_the_program_was_called() {
        for about in [
            "uid 33 runs /bin/sh as uid 2001",
            "caller uid 33: refused: /x/jails/2001/spec is missing",
            "2001: unmounted",
            "caller uid 0: cannot open the home of alice: no",
        ] {
            assert!(is_about(about, "2001", "alice"), "{about}");
        }
        for other in [
            "uid 33 runs uid 2001 as uid 2002",
            "uid 33 runs alice as uid 20010",
            "caller uid 33: x alice2 y",
            "12001: unmounted",
        ] {
            assert!(!is_about(other, "2001", "alice"), "{other}");
        }
    }

    #[test]
    fn lines_of_both_forms_are_read_and_no_other_programs_line_passes_for_one() {
        let old = read(b"Nov 22 05:10:05 www trampoline[77]: uid 33 runs /bin/sh as uid 2001");
        let new = read(b"2026-11-22T05:10:05.123+00:00 www reaper[78]: 2001: \x1b[2J");
        let seen = |line: Option<Line>| line.map(|line| (line.time, line.program, line.pid, line.message)).unwrap_or_default();
        assert_eq!(
            seen(old),
            ("Nov 22 05:10:05".into(), "trampoline".into(), Some(77), "uid 33 runs /bin/sh as uid 2001".into())
        );
        assert_eq!(seen(new).3, "2001: \\x1b[2J");
        assert_eq!(escaped_whole(&[0xff; 1000]).len(), 4000, "nothing of a long line is cut");
        for other in
            ["Nov 22 05:10:05 www sshd[5]: trampoline[7]: uid 33 runs x as uid 2001", "x", "", "trampoline[7]: x", " trampoline["]
        {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }
}
