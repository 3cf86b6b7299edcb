//! The reaper, and whom a sweep may disturb: it asks all jails, so tests that need theirs to stay say so.

use super::program;
use std::process::Command;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static SWEEPS: RwLock<()> = RwLock::new(());

/// Nobody sweeps while this value lives.
pub fn none() -> RwLockReadGuard<'static, ()> {
    SWEEPS.read().unwrap_or_else(|e| e.into_inner())
}

/// We alone sweep while this value lives.
pub struct Sweeps(#[allow(dead_code)] RwLockWriteGuard<'static, ()>);

/// Waits until nobody else sweeps or minds.
pub fn ours() -> Sweeps {
    Sweeps(SWEEPS.write().unwrap_or_else(|e| e.into_inner()))
}

impl Sweeps {
    /// One sweep, which must be complete; what it said of a uid.
    #[track_caller]
    pub fn sweep(&self, uid: u32) -> String {
        let said = loop {
            let done = Command::new(program("reaper")).arg("-v").env_clear().output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success() && done.stdout.is_empty(), "the sweep was not complete: {said}");
            // Another test's jailbase had the lock of all jails for more than a second, so there was none.
            if !said.contains("nothing done") {
                break said;
            }
        };
        let mark = format!("{uid}: ");
        said.lines().find_map(|line| line.strip_prefix(&mark)).unwrap_or("not mentioned").to_owned()
    }
}
