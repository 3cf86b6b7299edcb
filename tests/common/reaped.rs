//! One run of the reaper, and what came of it.

use super::program;
use serde_json::Value;
use std::process::{Command, Output};

/// A run that ended.
#[derive(Debug)]
pub struct Reaped {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The reaper, to be given words; its environment is empty.
pub fn command() -> Command {
    let mut command = Command::new(program("reaper"));
    command.env_clear();
    command
}

/// Runs it with these words.
pub fn run(words: &[&str]) -> Reaped {
    of(&command().args(words).output().unwrap())
}

/// What a process said that was, or led to, the reaper.
pub fn of(done: &Output) -> Reaped {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&done.stdout), text(&done.stderr));
    let code = done.status.code().unwrap_or_else(|| panic!("{:?}: {err}", done.status));
    Reaped { code, out, err }
}

impl Reaped {
    /// The run ended well and had nothing to complain of.
    #[track_caller]
    pub fn well(&self) {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
    }

    /// The one object on standard output.
    #[track_caller]
    pub fn object(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// What the object says of one name.
    #[track_caller]
    pub fn jail(&self, name: &str) -> Value {
        let object = self.object();
        let jails = object["jails"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        jails.iter().find(|jail| jail["name"] == name).cloned().unwrap_or(Value::Null)
    }

    /// What became of one name: a word, or nothing.
    #[track_caller]
    pub fn outcome(&self, name: impl ToString) -> String {
        self.jail(&name.to_string())["outcome"].as_str().unwrap_or_default().to_owned()
    }
}
