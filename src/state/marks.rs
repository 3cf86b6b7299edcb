//! What the last sweep marked, as it noted it: the kernel shows a mark to nobody. The note lies in the holder and goes with it.
//!
//! Nothing is decided by it. It says what was so when that sweep asked, and a use since then has taken the mark off.
#![forbid(unsafe_code)]

use super::Doing;
use crate::error::Error;
use crate::id::Target;
use crate::sys::fd::{self, How};
use crate::sys::whole;
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

const NOTE: &str = "marked";

/// More than the pins of all targets need.
const LONGEST: usize = 1 << 20;

/// The note.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Marks {
    /// When the sweep ended: seconds since 1970, by the clock of then.
    pub at: i64,
    /// Whose jails it marked.
    pub of: BTreeSet<Target>,
}

/// In the holder, before a sweep asks: nothing is known until it has ended.
pub fn forget() -> Result<(), Error> {
    whole::clear(top()?, NOTE).doing("remove the note of marks", NOTE)
}

/// In the holder, after a sweep: these it marked.
pub fn note(marked: &BTreeSet<Target>) -> Result<(), Error> {
    let text: String = marked.iter().map(|target| format!("{target}\n")).collect();
    whole::write(top()?, NOTE, text.as_bytes(), 0o600).doing("write the note of marks", NOTE)
}

/// In the holder: the note, if the last sweep came to its end.
pub fn noted() -> Option<Marks> {
    let file = fd::open_beneath(top().ok()?, NOTE, How::Read).ok()?;
    let at = fd::stat(&file).ok()?.st_mtime;
    let bytes = fd::read_at_most(file, LONGEST).ok()?;
    if bytes.len() > LONGEST {
        return None;
    }
    let of = std::str::from_utf8(&bytes).ok()?.lines().map(Target::parse).collect::<Option<_>>()?;
    Some(Marks { at, of })
}

fn top() -> Result<OwnedFd, Error> {
    fd::open("/", How::List).doing("open", "the holder")
}
