//! The users of the bench: `bench0` with uid 30000, `bench1` with 30001, and so on; made before and removed after.
//!
//! A benchmark that was killed leaves some behind. The next one takes them over and removes them at its end.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::ours::Programs;
use crate::{Outcome, say};

const FIRST_UID: u32 = 30_000;
const IMAGE: &str = "host";

/// The name of a user of the bench.
pub fn name(number: u32) -> String {
    format!("bench{number}")
}

/// Their uid, which is their gid as well.
pub fn uid(number: u32) -> u32 {
    FIRST_UID.saturating_add(number)
}

/// Their home, outside and inside the jail.
pub fn home(number: u32) -> String {
    format!("/home/bench{number}")
}

/// Those made so far; dropped, they are removed again.
pub struct Users {
    programs: Programs,
    made: Mutex<BTreeSet<u32>>,
}

impl Users {
    /// Nobody yet.
    pub fn new(programs: &Programs) -> Users {
        Users { programs: programs.clone(), made: Mutex::default() }
    }

    /// Makes users with these numbers, as far as they are not there yet.
    pub fn add(&self, numbers: impl Iterator<Item = u32>) -> Outcome<()> {
        for number in numbers {
            let new = self.made.lock().map_err(|_| "the list of users is lost")?.insert(number);
            if !new {
                continue;
            }
            home_of(number)?;
            let why = match self.jailbase(&add(number)) {
                Ok(()) => continue,
                Err(why) => why,
            };
            // Either the user is a leftover, or this is a new machine with no image yet.
            self.jailbase(&rm(number)).ok();
            if self.jailbase(&add(number)).is_ok() {
                continue;
            }
            self.jailbase(&["image", "build", IMAGE, "--from", "host"].map(str::to_string))?;
            self.jailbase(&add(number)).map_err(|_| why)?;
        }
        Ok(())
    }

    fn jailbase(&self, words: &[String]) -> Outcome<()> {
        let done = Command::new(&self.programs.jailbase).args(words).stdin(Stdio::null()).output();
        let done = done.map_err(|error| format!("cannot start {}: {error}", self.programs.jailbase))?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(format!("jailbase {}: {}", words.join(" "), said.lines().last().unwrap_or("failed silently")))
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        let made = self.made.lock().map(|mut made| std::mem::take(&mut *made)).unwrap_or_default();
        // Two sweeps first: a user whose jail is still up is not one that jailbase should be asked to remove.
        for _ in 0..2 {
            Command::new(&self.programs.reaper).stdin(Stdio::null()).stderr(Stdio::null()).status().ok();
        }
        let mut left = Vec::new();
        for number in made {
            if let Err(why) = self.jailbase(&rm(number)) {
                left.push(why);
            }
            fs::remove_dir_all(home(number)).ok();
        }
        if let Some(why) = left.first() {
            say(&format!("bench: {} users are left behind: {why}", left.len()));
        }
    }
}

/// The words by which jailbase adds one.
pub fn add(number: u32) -> Vec<String> {
    let id = uid(number).to_string();
    let words = ["user", "add", &name(number), "--uid", &id, "--gid", &id, "--home", &home(number), "--image", IMAGE];
    words.map(str::to_string).to_vec()
}

/// The words by which jailbase removes one.
pub fn rm(number: u32) -> Vec<String> {
    ["user", "rm", "--purge", &name(number)].map(str::to_string).to_vec()
}

/// Makes the home. A directory of that name that belongs to somebody else is a person's, and stops the benchmark.
fn home_of(number: u32) -> Outcome<()> {
    let path = home(number);
    if fs::create_dir(&path).is_err() {
        let owner = fs::symlink_metadata(&path).map(|data| data.uid());
        if owner.as_ref().ok() != Some(&uid(number)) {
            return Err(format!("{path} is in the way: it cannot be made, or belongs to somebody else"));
        }
    }
    chown(&path, Some(uid(number)), Some(uid(number))).map_err(|error| format!("cannot chown {path}: {error}"))
}
