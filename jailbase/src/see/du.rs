//! `du`: what users have on disks, in their homes and tmps, and how much of it others have too.

use super::count::Count;
use super::whom;
use crate::parallel;
use crate::progress::Progress;
use crate::table::{bytes, table};
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::layout;
use jail::spec::Spec;
use jail::sys::fd::{self, How};
use jail::sys::images::advice::advised;
use serde::Serialize;

/// The command line of `du`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of a user; without it all who have a jail
    user: Option<String>,
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// What one user has, as it is told.
#[derive(Serialize, Debug)]
struct Row {
    user: String,
    uid: u32,
    files: u64,
    /// Bytes on disks that nobody else has.
    private_bytes: u64,
    /// Bytes that others have too, by hard links or by shared extents.
    shared_bytes: u64,
    home_bytes: u64,
    tmp_bytes: u64,
    /// Whether every file system among them says which extents are shared.
    extents_known: bool,
    /// What was not counted, and why.
    left_out: Vec<String>,
}

const HEAD: [&str; 8] = ["USER", "UID", "FILES", "PRIVATE", "SHARED", "HOME", "TMP", "LEFT OUT"];

/// Counts.
pub fn run(words: &Words) -> Result<(), Error> {
    let specs = match &words.user {
        Some(user) => vec![whom::user(user)?],
        None => whom::all()?,
    };
    tell::doing("counting");
    // How many files a user has nobody knows; how many users there are is known.
    let rows = match specs.as_slice() {
        [only] => {
            let progress = Progress::counting("counting");
            Ok(vec![row(only, || progress.step())])
        }
        all => {
            let progress = Progress::of("counting", u64::try_from(all.len()).unwrap_or(u64::MAX));
            parallel::each(all, |spec| {
                let row = row(spec, || ());
                progress.step();
                Ok(row)
            })
        }
    };
    let mut rows = rows?;
    rows.sort_by_key(|row| row.uid);
    if words.json {
        return tell::json(&rows);
    }
    tell::say(&table(HEAD, &rows.iter().map(fields).collect::<Vec<_>>()))
}

fn row(spec: &Spec, said: impl Fn()) -> Row {
    let mut count = Count::default();
    let mut left_out = Vec::new();
    let mut add = |path: &str| {
        let counted = fd::open(path, How::List).and_then(|top| count.add(top, &said));
        counted.unwrap_or_else(|errno| {
            left_out.push(advised(&format!("{path}: {}", jail::sys::why(errno))));
            0
        })
    };
    let home_bytes = add(spec.home.as_str());
    let tmp_bytes = add(&format!("{}/{}", layout::jail_dir(spec.uid), layout::TMP));
    let missed = count.missed;
    for (number, what) in [(missed.unreadable, "directories that cannot be read"), (missed.mounts, "mounts")] {
        if number > 0 {
            left_out.push(format!("{number} {what}"));
        }
    }
    if missed.moved {
        left_out.push("a part that was moved while it was counted".into());
    }
    let (files, extents_known) = (count.files, !count.silent);
    let (private_bytes, shared_bytes) = count.sums();
    let (user, uid) = (spec.name.to_string(), spec.uid.get());
    Row { user, uid, files, private_bytes, shared_bytes, home_bytes, tmp_bytes, extents_known, left_out }
}

fn fields(row: &Row) -> [String; 8] {
    // Where a file system does not tell, what is shared can only be more.
    let least = if row.extents_known { "" } else { ">= " };
    [
        row.user.clone(),
        row.uid.to_string(),
        row.files.to_string(),
        bytes(row.private_bytes),
        format!("{least}{}", bytes(row.shared_bytes)),
        bytes(row.home_bytes),
        bytes(row.tmp_bytes),
        if row.left_out.is_empty() { "-".to_owned() } else { row.left_out.join("; ") },
    ]
}
