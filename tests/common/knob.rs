//! A setting of the kernel's, turned for the length of a test.

use std::fs;

/// Turns it back when the test ends, however it ends.
pub struct Knob {
    path: String,
    before: String,
}

impl Knob {
    /// The setting under this path of `/proc/sys`.
    pub fn of(path: &str) -> Self {
        let path = format!("/proc/sys/{path}");
        let before = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        Self { path, before }
    }

    /// What it was, as a number.
    pub fn before(&self) -> u64 {
        self.before.trim().parse().unwrap()
    }

    /// Turns it.
    pub fn turn(&self, to: impl ToString) {
        fs::write(&self.path, to.to_string()).unwrap_or_else(|e| panic!("{}: {e}", self.path));
    }
}

impl Drop for Knob {
    fn drop(&mut self) {
        self.turn(&self.before);
    }
}
