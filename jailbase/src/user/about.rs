//! What is known of a jail beside its spec: where each value came from, and whose doing the jail is. For people and for
//! `user sync`; trampoline never reads it, and without it nothing but that knowledge is missing.

use super::change::KEYS;
use crate::store;
use jail::error::Error;
use jail::layout;
use jail::state::Doing;
use jail::state::jails::JailDir;
use jail::sys::Errno;
use jail::sys::fd::{self, How};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Its name beside the spec.
pub const FILE: &str = "about";

/// It is read by root's tools alone, and written by them: longer, and it is none of theirs.
const LONGEST: usize = 64 << 10;

/// Where a value of a spec came from.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// The system's account.
    Account,
    /// The command line.
    Chosen,
    /// What nobody chose has its usual value.
    Usual,
}

/// A home that jailbase made: its path, and which directory that was.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Home {
    /// The path.
    pub path: String,
    /// The number of the inode, so that another directory of that name is not taken for it; [`NONE_YET`] before there is one.
    pub inode: u64,
    /// When it was made, in nanoseconds since 1970, where the file system knows: the next directory may have the same inode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u64>,
}

/// No inode has this number.
pub const NONE_YET: u64 = 0;

/// One jail, described.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default, Debug)]
pub struct About {
    /// Where the values came from, by the keys of the spec.
    #[serde(default)]
    pub from: BTreeMap<String, From>,
    /// Whether `user add` gave the jail, so that no `user sync` takes it away.
    #[serde(default)]
    pub by_hand: bool,
    /// The groups of which `user sync` found the user a member.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// The home, if jailbase made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_home: Option<Home>,
}

impl About {
    /// Of a jail that an administrator gave by name.
    pub fn by_hand() -> Self {
        Self { by_hand: true, ..Self::default() }
    }

    /// Notes where a value came from.
    pub fn came(&mut self, key: &str, from: From) {
        self.from.insert(key.to_owned(), from);
    }

    /// Notes that the system's account gave all that one has.
    pub fn account_gave_all(&mut self) {
        ["gid", "groups", "home", "shell"].iter().for_each(|key| self.came(key, From::Account));
    }

    /// Of a jail that was just described: whatever nobody named has its usual value. The name and the uid are the user.
    pub fn rest_is_usual(&mut self) {
        for key in KEYS.iter().filter(|key| !["name", "uid"].contains(key)) {
            self.from.entry((*key).to_owned()).or_insert(From::Usual);
        }
    }

    /// Whether a value follows the account.
    pub fn follows(&self, key: &str) -> bool {
        self.from.get(key) == Some(&From::Account)
    }

    /// That of a jail; `None` for one that has none, or none that can be read. Then it counts as given by hand.
    pub fn read(dir: &JailDir) -> Option<Self> {
        let path = path(dir);
        let read = match fd::open_beneath(&dir.dir, FILE, How::Read) {
            Err(Errno::ENOENT) => return None,
            file => file.doing("open", &path).and_then(|file| fd::read_at_most(file, LONGEST).doing("read", &path)),
        };
        let failed = |error| Error::failed("read", &path, error);
        read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(failed))
            .inspect_err(|error| log::warn!("{error}; add the user again to have a new one"))
            .ok()
    }

    /// Puts it beside the spec; the disk knows it no later than what is written there next.
    pub fn write(&self, dir: &JailDir) -> Result<(), Error> {
        let path = path(dir);
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::failed("write", &path, error))?;
        store::write_ahead(&dir.dir, FILE, &(text + "\n"), 0o600, &path)
    }
}

fn path(dir: &JailDir) -> String {
    format!("{}/{FILE}", layout::jail_dir(dir.target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_already_is_not_forgotten_for_a_usual_value() {
        let mut about = About::by_hand();
        about.came("shell", From::Account);
        about.rest_is_usual();
        assert!(about.follows("shell") && !about.follows("image"));
        assert_eq!((about.from.get("image"), about.from.get("uid")), (Some(&From::Usual), None));
    }
}
