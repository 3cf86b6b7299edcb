//! `ls`: the jails that live, whether anything runs in them or not.

use super::alive::{self, Ask, Jail};
use super::units;
use crate::table::table;
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::state::host::Host;
use jail::sys::root::Root;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// The command line of `ls`.
#[derive(Args, Debug)]
pub struct Words {
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// One live jail, as it is told.
#[derive(Serialize, Debug)]
struct Row {
    user: Option<String>,
    uid: u32,
    /// `image@generation`; `null` where the kernel cannot tell, or if there is no such generation any more.
    image: Option<String>,
    sessions: usize,
    processes: usize,
    /// `null` where the kernel cannot tell.
    age_seconds: Option<u64>,
    /// Whether no session holds it.
    idle: bool,
    /// Whether the next sweep takes it: never while it is used, and else the kernel tells nobody.
    marked: Option<bool>,
}

const HEAD: [&str; 8] = ["USER", "UID", "IMAGE", "SESSIONS", "PROCESSES", "AGE", "IDLE", "MARKED"];

/// Lists the live jails.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    let jails = alive::all(root, host, Ask::Numbers)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let rows: Vec<Row> = jails.iter().map(|jail| row(jail, now)).collect();
    if words.json { tell::json(&rows) } else { tell::say(&table(HEAD, &rows.iter().map(fields).collect::<Vec<_>>())) }
}

fn row(jail: &Jail, now: u64) -> Row {
    let kept = jail.kept.as_ref();
    let idle = jail.sessions.is_empty();
    Row {
        user: jail.name.as_ref().map(ToString::to_string),
        uid: jail.target.get(),
        image: kept.and_then(|kept| kept.image.clone()),
        sessions: jail.sessions.len(),
        processes: jail.processes().count(),
        // A clock that was set back since makes nothing younger than now.
        age_seconds: kept.map(|kept| now.saturating_sub(u64::try_from(kept.made).unwrap_or(0))),
        idle,
        marked: if idle { None } else { Some(false) },
    }
}

fn fields(row: &Row) -> [String; 8] {
    let unknown = || "?".to_owned();
    let user = row.user.clone().unwrap_or_else(|| "-".to_owned());
    let image = row.image.clone().unwrap_or_else(unknown);
    [
        user,
        row.uid.to_string(),
        image,
        row.sessions.to_string(),
        row.processes.to_string(),
        row.age_seconds.map_or_else(unknown, units::time),
        if row.idle { "yes" } else { "no" }.to_owned(),
        row.marked.map_or_else(unknown, |marked| if marked { "yes" } else { "no" }.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::alive::{Kept, Session};
    use super::*;
    use jail::id::Target;

    fn jail(sessions: Vec<Session>, kept: Option<Kept>) -> Option<Jail> {
        Some(Jail { target: Target::new(2001)?, name: None, kept, sessions })
    }

    #[test]
    fn what_cannot_be_told_is_a_question_mark_and_never_a_guess() {
        let said = jail(Vec::new(), None).map(|jail| fields(&row(&jail, 1000))).unwrap_or_default();
        assert_eq!(said, ["-", "2001", "?", "0", "0", "?", "yes", "?"]);
        let kept = Kept { image: Some("host@3".into()), made: 2000, shared: 0 };
        let used = jail(vec![Session::default()], Some(kept)).map(|jail| fields(&row(&jail, 1000))).unwrap_or_default();
        assert_eq!(used, ["-", "2001", "host@3", "1", "0", "0s", "no", "no"]);
    }
}
