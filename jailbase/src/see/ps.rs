//! `ps`: the processes of one user's jail.

use super::alive::{self, Ask, Session};
use super::process::{self, Identity, Process, TICKS};
use super::{units, used, whom};
use crate::table::{bytes, table};
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::report::escaped;
use jail::state::host::Host;
use jail::sys::root::Root;
use serde::Serialize;

/// The command line of `ps`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// One process, as it is told.
#[derive(Serialize, Debug)]
struct Row {
    /// Process 1 of its session, as the host counts.
    session: u32,
    pid: u32,
    /// Its number in the jail.
    inside: u32,
    uid: u32,
    state: char,
    tasks: u64,
    processor_seconds: f64,
    resident_bytes: u64,
    age_seconds: u64,
    /// What it was started with: any bytes, made fit to be shown.
    command: String,
    #[serde(skip)]
    ticks: u64,
}

const HEAD: [&str; 9] = ["SESSION", "PID", "INSIDE", "STATE", "TASKS", "TIME", "RSS", "AGE", "COMMAND"];

/// Lists them.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    let jail = alive::of(root, host, whom::user(&words.user)?.uid, Ask::Uses)?;
    let (page, now) = (used::page(), process::uptime());
    let sessions = jail.map(|jail| jail.sessions).unwrap_or_default();
    let of = |session: &Session| -> Vec<Row> {
        let init = session.init.pid;
        // One that has ended meanwhile is not there.
        session.processes.iter().filter_map(|p| Some(row(init, p, &Identity::of(p.pid)?, page, now))).collect()
    };
    let rows: Vec<Row> = sessions.iter().flat_map(of).collect();
    if words.json {
        return tell::json(&rows);
    }
    tell::say(&table(HEAD, &rows.iter().map(fields).collect::<Vec<_>>()))
}

fn row(session: u32, process: &Process, who: &Identity, page: u64, now: u64) -> Row {
    let ticks = process.user.saturating_add(process.system);
    Row {
        session,
        pid: process.pid,
        inside: who.inside(),
        uid: who.uid,
        state: process.state,
        tasks: process.tasks,
        processor_seconds: seconds(ticks),
        resident_bytes: process.pages.saturating_mul(page),
        age_seconds: now.saturating_sub(process.start) / TICKS,
        command: escaped(&process.command()),
        ticks,
    }
}

/// Hundredths as a number with a point; none of the machine's times is too large for it.
fn seconds(ticks: u64) -> f64 {
    u32::try_from(ticks).map_or(f64::INFINITY, |ticks| f64::from(ticks) / 100.0)
}

fn fields(row: &Row) -> [String; 9] {
    [
        row.session.to_string(),
        row.pid.to_string(),
        row.inside.to_string(),
        row.state.to_string(),
        row.tasks.to_string(),
        units::processor(row.ticks),
        bytes(row.resident_bytes),
        units::time(row.age_seconds),
        row.command.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_process_calls_itself_is_one_line_of_plain_letters() {
        let hostile =
            Process { name: b"\x1b[2J\x1b]0;root\x07\n\xe2\x80\xae%s".to_vec(), pid: u32::MAX, state: 'S', ..Process::default() };
        let said = fields(&row(7, &hostile, &Identity::default(), 4096, 0)).join(" ");
        assert!(said.bytes().all(|b| (b' '..=b'~').contains(&b)), "{said:?}");
    }
}
