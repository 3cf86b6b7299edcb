//! Users: what an administrator says of one or of a whole group, and what becomes of their jails.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod directory;
mod dry;
mod killed;
mod ldap;
mod removed;
mod set;
mod shown;
mod synced;
mod world;

use common::program;
use std::ffi::OsStr;
use std::process::{Command, Output};

/// What was said.
struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(done: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: done.status.code().unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) }
    }

    /// It went well; what was said on standard output.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// It was refused, or failed, with one line that holds this, and nothing on standard output.
    #[track_caller]
    pub fn no(self, code: i32, reason: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        assert!(self.err.contains(reason), "{reason:?} is not in {:?}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{:?}", self.err);
    }

    /// What was said for programs.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// Runs jailbase.
fn jailbase<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Said {
    Said::of(&Command::new(program("jailbase")).args(words).env_clear().output().unwrap())
}
