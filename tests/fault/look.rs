//! The tracer's look at the jail's program when it has been executed and has not made a step: what a program that is ended at
//! once has no time to say.

use super::standing;

/// Numbers of processes, which a look from outside sees as the host counts them.
const COUNTED_OUTSIDE: [&str; 6] = ["Tgid", "PPid", "TracerPid", "parent", "group", "session"];

/// Here the number that the innermost pid namespace gives comes last, and the program sees no other.
const COUNTED_BY_EACH: [&str; 3] = ["NSpid", "NSpgid", "NSsid"];

/// What the process has, in the lines of the probe; nothing if it was killed before all was read, and it never runs then.
pub fn at(pid: i32) -> Option<String> {
    let process = format!("/proc/{pid}");
    let seen: String = standing::of(&process)
        .lines()
        .filter_map(|line| {
            let (subject, what) = line.split_once(": ")?;
            let what = if COUNTED_BY_EACH.contains(&subject) { what.rsplit('\t').next()? } else { what };
            (!COUNTED_OUTSIDE.contains(&subject)).then(|| format!("{subject}: {what}\n"))
        })
        .collect();
    let stopped = standing::read(&format!("{process}/status")).lines().any(|line| line.starts_with("State:\tt"));
    stopped.then_some(seen)
}
