//! `ls`: the jails that live, whether anything runs in them or not.

use super::alive::{self, Ask, Jail, Mark};
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
    /// Whether the last sweep marked it; never while it is used. `null` where that cannot be told.
    marked: Option<bool>,
    /// How long ago it did, if it did. A use since then took the mark off, and the kernel tells nobody.
    marked_seconds_ago: Option<u64>,
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
    // A clock that was set back since makes nothing younger than now.
    let ago = |then: i64| now.saturating_sub(u64::try_from(then).unwrap_or(0));
    let (marked, since) = match jail.mark {
        // A lease takes the mark off.
        _ if !idle => (Some(false), None),
        Mark::Unmarked => (Some(false), None),
        Mark::Since(then) => (Some(true), Some(ago(then))),
        Mark::Unknown => (None, None),
    };
    Row {
        user: jail.name.as_ref().map(ToString::to_string),
        uid: jail.target.get(),
        image: kept.and_then(|kept| kept.image.clone()),
        sessions: jail.sessions.len(),
        processes: jail.processes().count(),
        age_seconds: kept.map(|kept| ago(kept.made)),
        idle,
        marked,
        marked_seconds_ago: since,
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
        match (row.marked, row.marked_seconds_ago) {
            (Some(false), _) => "no".to_owned(),
            (_, Some(seconds)) => format!("{} ago", units::time(seconds)),
            _ => unknown(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::alive::{Kept, Session};
    use super::*;
    use jail::id::Target;

    fn jail(sessions: Vec<Session>, kept: Option<Kept>, mark: Mark) -> Option<Jail> {
        Some(Jail { target: Target::new(2001)?, name: None, kept, sessions, mark })
    }

    #[test]
    fn what_cannot_be_told_is_a_question_mark_and_never_a_guess() {
        let said = |jail: Option<Jail>| jail.map(|jail| fields(&row(&jail, 1000))).unwrap_or_default();
        assert_eq!(said(jail(Vec::new(), None, Mark::Unknown)), ["-", "2001", "?", "0", "0", "?", "yes", "?"]);
        let kept = Kept { image: Some("host@3".into()), made: 2000, shared: 0 };
        let used = jail(vec![Session::default()], Some(kept.clone()), Mark::Since(900));
        assert_eq!(said(used), ["-", "2001", "host@3", "1", "0", "0s", "no", "no"]);
        for (mark, shown) in [(Mark::Since(900), "1m40s ago"), (Mark::Since(2000), "0s ago"), (Mark::Unmarked, "no")] {
            assert_eq!(said(jail(Vec::new(), Some(kept.clone()), mark)).last().map(String::as_str), Some(shown));
        }
    }
}
