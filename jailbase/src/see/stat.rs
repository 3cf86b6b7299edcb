//! `stat`: what each live jail uses, or each session of one.

use super::alive::{self, Ask, Jail, Session};
use super::used::{self, Used};
use super::{units, whom};
use crate::table::{bytes, table};
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::state::host::Host;
use jail::sys::root::Root;
use serde::Serialize;

/// The command line of `stat`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of a user: tell of each session of this one alone
    user: Option<String>,
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// One live jail or one session, as it is told.
#[derive(Serialize, Debug)]
struct Row {
    user: Option<String>,
    uid: u32,
    /// Process 1 of the session, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u32>,
    #[serde(flatten)]
    used: Used,
}

const HEAD: [&str; 11] = ["USER", "SESSION", "PROCESSES", "TASKS", "UTIME", "STIME", "RSS", "VSZ", "SHM", "READ", "WRITTEN"];

/// Tells what is used.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    let page = used::page();
    let rows: Vec<Row> = match &words.user {
        None => alive::all(root, host, Ask::Traffic)?.iter().map(|jail| row(jail, None, page)).collect(),
        Some(user) => {
            let jail = alive::of(root, host, whom::user(user)?.uid, Ask::Traffic)?;
            let one = |jail: &Jail| jail.sessions.iter().map(|session| row(jail, Some(session), page)).collect();
            jail.as_ref().map(one).unwrap_or_default()
        }
    };
    if words.json {
        return tell::json(&rows);
    }
    tell::say(&table(HEAD, &rows.iter().map(fields).collect::<Vec<_>>()))
}

fn row(jail: &Jail, session: Option<&Session>, page: u64) -> Row {
    Row {
        user: jail.name.as_ref().map(ToString::to_string),
        uid: jail.target.get(),
        session: session.map(|session| session.init.pid),
        used: session.map_or_else(|| Used::of_jail(jail, page), |session| Used::of_session(session, page)),
    }
}

fn fields(row: &Row) -> [String; 11] {
    let used = &row.used;
    [
        row.user.as_ref().map_or_else(|| row.uid.to_string(), Clone::clone),
        // Of a jail, how many there are; of one, which.
        row.session.map_or_else(|| format!("({})", used.sessions), |session| session.to_string()),
        used.processes.to_string(),
        used.tasks.to_string(),
        units::processor(used.user_ticks),
        units::processor(used.system_ticks),
        bytes(used.resident_bytes),
        bytes(used.virtual_bytes),
        bytes(used.shared_bytes),
        bytes(used.read_bytes),
        bytes(used.written_bytes),
    ]
}
