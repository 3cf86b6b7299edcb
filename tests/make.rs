//! What `make` says before it builds or tests anything: which packages it misses. And what `make install` leaves where.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "make/installed.rs"]
mod installed;

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

#[test]
fn a_libc_that_is_none_is_refused_before_anything_is_built() {
    let build = concat!(env!("CARGO_MANIFEST_DIR"), "/build/setuid");
    let done = Command::new(build).args(["/nowhere", "/nowhere"]).env("LIBC", "muls").output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(
        (done.status.code(), said.as_ref()),
        (Some(1), "build/setuid: LIBC=muls is none that is known; say musl or gnu, or nothing\n")
    );
}

/// A directory of programs that is all somebody's machine has; gone with this value.
struct Machine(PathBuf);

impl Machine {
    /// With these programs of this machine's.
    fn with(name: &str, programs: &[&str]) -> Self {
        let machine = Self(std::env::temp_dir().join(format!("jail-make-{}-{name}", std::process::id())));
        std::fs::create_dir(&machine.0).unwrap();
        for program in programs {
            symlink(format!("/usr/bin/{program}"), machine.0.join(program)).unwrap();
        }
        machine
    }

    /// Looks for what a target of the Makefile needs. No apt-get is there, so nobody can install anything.
    fn looks_for(&self, what: &str) -> Output {
        let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools");
        Command::new("/bin/bash").args([tools, what]).env_clear().env("PATH", &self.0).env("SBIN", "").output().unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn missing_packages_that_cannot_be_installed_are_named_in_one_line() {
    let done = Machine::with("bare", &["id", "sort", "gcc"]).looks_for("demo");
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!((done.status.code(), done.stdout.as_slice()), (Some(1), &b""[..]));
    assert_eq!(said, "tools: missing packages: procps util-linux; install them, or run make as root\n");
}

#[test]
fn a_machine_that_has_all_of_them_is_told_nothing() {
    let done = Machine::with("whole", &["id", "sort", "gcc", "setpriv", "nsenter", "pgrep"]).looks_for("demo");
    assert_eq!((done.status.code(), done.stderr.as_slice(), done.stdout.as_slice()), (Some(0), &b""[..], &b""[..]));
}
