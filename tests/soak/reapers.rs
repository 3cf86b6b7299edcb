//! Who sweeps without rest.

use crate::common::program;
use crate::figures::{Event, Figures};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const OUTCOMES: [&str; 5] = ["marked", "in use", "unmounted", "in making", "empty place removed"];
const WAITED: &str = "reaper: another sweep is under way and does what this one would: nothing done";
/// The same of one who was seen.
const AT_WORK: &str = " is at work on the jails: nothing done, the next sweep will";

/// Sweeps until the end.
pub fn sweep_until(end: &AtomicBool, figures: &Figures) {
    while !end.load(Ordering::SeqCst) {
        sweep(figures);
    }
}

/// One sweep, in which nothing may fail or look strange.
pub fn sweep(figures: &Figures) {
    let done = Command::new(program("reaper")).arg("-v").env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && done.stdout.is_empty(), "a sweep was not complete: {said}");
    for line in said.lines() {
        let outcome = line.split_once(": ").map_or(line, |(_, outcome)| outcome);
        match outcome {
            "unmounted" => figures.add(Event::Unmounted),
            "in making" | "empty place removed" => figures.add(Event::EmptyPlace),
            _ if line == WAITED || (line.starts_with("reaper: pid ") && line.ends_with(AT_WORK)) => {
                figures.add(Event::SweepLeftOut)
            }
            _ if line.starts_with("sweep: ") => figures.add(Event::Sweep),
            _ => assert!(OUTCOMES.contains(&outcome), "a sweep said: {line}"),
        }
    }
}
