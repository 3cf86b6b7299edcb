//! What `user sync` did to each user, for people and for programs.

use super::change::{Change, listed};
use crate::table::table;
use crate::tell;
use jail::error::Error;
use jail::sys::images::advice::told;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What became of one user, or would.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A member who had no jail has one.
    Added,
    /// What the account says has changed.
    Updated,
    /// Nothing was to be done.
    AlreadySo,
    /// He left, and so did his jail.
    Removed,
    /// He left, and keeps his jail for another reason.
    Stays,
    /// It did not work.
    Failed,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::AlreadySo => "already so",
            Self::Removed => "removed",
            Self::Stays => "stays",
            Self::Failed => "failed",
        }
    }
}

/// One user.
#[derive(Serialize, Debug)]
pub struct Row {
    name: String,
    uid: Option<u32>,
    what: What,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
    /// Whether a jail lives that some of the changes do not count for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    keeps_shape: bool,
    #[serde(skip)]
    code: u8,
}

impl Row {
    /// What was done to a user.
    pub fn done(name: &str, uid: Option<u32>, what: What, changes: Vec<Change>, why: impl Into<String>) -> Self {
        Self { name: name.to_owned(), uid, what, changes, why: why.into(), keeps_shape: false, code: 0 }
    }

    fn changes_shape(&self) -> bool {
        self.changes.iter().any(|change| !change.counts_at_once())
    }

    /// What could not be done.
    pub fn failed(name: &str, uid: Option<u32>, error: Error) -> Self {
        let code = error.code();
        Self { name: name.to_owned(), uid, what: What::Failed, changes: Vec::new(), why: told(&error), keeps_shape: false, code }
    }
}

/// All of one sync.
#[derive(Serialize, Debug)]
pub struct Told {
    group: String,
    dry_run: bool,
    users: Vec<Row>,
}

impl Told {
    /// Of a group, with what was done to each.
    pub fn of(group: &str, dry_run: bool, mut users: Vec<Row>) -> Self {
        users.sort_by(|one, other| one.name.cmp(&other.name));
        Self { group: group.to_owned(), dry_run, users }
    }

    /// Notes which jails live that something counts for only when they are made anew. `look` tells the uids of all that live; if
    /// it cannot, nothing is said, for what was done is done.
    pub fn mark_living(&mut self, look: impl FnOnce() -> Result<BTreeSet<u32>, Error>) {
        if !self.users.iter().any(Row::changes_shape) {
            return;
        }
        let uids = look().unwrap_or_default();
        for row in &mut self.users {
            row.keeps_shape = row.changes_shape() && row.uid.is_some_and(|uid| uids.contains(&uid));
        }
    }

    /// The worst of all.
    pub fn code(&self) -> u8 {
        self.users.iter().map(|row| row.code).max().unwrap_or(0)
    }

    /// Says it.
    pub fn say(&self, json: bool) -> Result<(), Error> {
        if json {
            return tell::json(self);
        }
        if self.dry_run { tell::say(&self.text()) } else { tell::said(&self.text()) }?;
        // Who wants to hear nothing of what went well must still hear this.
        if tell::is_quiet() {
            for row in self.users.iter().filter(|row| row.what == What::Failed) {
                log::warn!("{}: {}", row.name, row.why);
            }
        }
        Ok(())
    }

    fn text(&self) -> String {
        let rows: Vec<[String; 4]> = self.users.iter().filter(|row| row.what != What::AlreadySo).map(fields).collect();
        let would = if self.dry_run { "WOULD BE" } else { "DONE" };
        let mut text = if rows.is_empty() { String::new() } else { table(["NAME", "UID", would, "WHAT"], &rows) };
        let mut counts: BTreeMap<What, usize> = BTreeMap::new();
        for row in &self.users {
            *counts.entry(row.what).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {}", what.word())).collect();
        let counts = if counts.is_empty() { "nobody to be brought in line".to_owned() } else { counts.join(", ") };
        text += &format!("{}: {counts}{}\n", self.group, if self.dry_run { "; nothing was done" } else { "" });
        if self.users.iter().any(|row| row.keeps_shape) {
            text += "a jail that lives keeps its shape until it is unmounted; reaper --drain USER does it when its programs have ended\n";
        }
        text
    }
}

fn fields(row: &Row) -> [String; 4] {
    let lives = if row.keeps_shape { "the jail lives" } else { "" };
    let what = [listed(&row.changes), row.why.clone(), lives.to_owned()];
    let what: Vec<&str> = what.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let uid = row.uid.map_or("-".to_owned(), |uid| uid.to_string());
    [row.name.clone(), uid, row.what.word().to_owned(), what.join("; ")]
}
