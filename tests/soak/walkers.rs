//! Who only looks around, as monitoring, locate(1) and curious administrators do. Nothing of it is a use of a jail.

use crate::common::{RUN, STATE};
use crate::figures::Figures;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, sleep};
use std::time::Duration;

pub const NAMES: [&str; 6] = ["df -a", "find /proc/*/root", "the walk of locate", "find /run", "cat /proc/*/mountinfo", "lsns"];

/// A walk of a whole file system would take minutes here; what matters are its mount points.
fn commands() -> [String; NAMES.len()] {
    [
        "df -a".into(),
        "find /proc/[0-9]*/root/ -maxdepth 1".into(),
        format!("find / -xdev -maxdepth 3 -printf '%p %i %m %T@\\n'; stat {RUN} {RUN}/holder {STATE} {STATE}/jails/*"),
        "find /run -printf '%p %i %m %T@\\n'".into(),
        "cat /proc/[0-9]*/mountinfo".into(),
        "lsns".into(),
    ]
}

/// Starts them all; each rests a moment between two walks.
pub fn start<'scope, 'env>(scope: &'scope Scope<'scope, 'env>, end: &'scope AtomicBool, figures: &'scope Figures) {
    for (number, command) in commands().into_iter().enumerate() {
        scope.spawn(move || {
            while !end.load(Ordering::SeqCst) {
                // Processes and mounts vanish under their eyes, so their exit code says nothing.
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &command]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                shell.status().unwrap();
                figures.walked(number);
                sleep(Duration::from_millis(100));
            }
        });
    }
}
