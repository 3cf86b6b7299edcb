//! What a person at a terminal has of the programs: manuals, words that shells complete, bars, colours, and a shell in an
//! image. Terminals are tmux's, so that what is on the screen can be read.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod completions;
mod edit;
mod manuals;
mod progress;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The place of the sources.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A directory of a test's own, gone with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(std::env::temp_dir().join(format!("jail-terminal-{}-{name}", std::process::id())));
        std::fs::create_dir(&place.0).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Runs a line of shell that must end well; what it said.
#[track_caller]
fn shell(line: &str) -> String {
    let done = Command::new("/bin/bash").args(["-c", line]).current_dir(root()).output().unwrap();
    assert!(done.status.success(), "{line}: {}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
