//! A call lies: it answers 0, and nothing was done. Where the drop looks again no lie may lead to a program with more than
//! it should have. What else the kernel says is believed, and what a lie of it does is written down here.

use super::outcome::{Outcome, judge};
use super::report::Report;
use super::scene::Scene;
use super::trace::{Deed, Input, Point, keep_to};
use super::ways;
use std::collections::{BTreeMap, BTreeSet};

/// Calls whose 0 does not say "done": they give a descriptor, a number, or something to read, or they wait.
const NO_LIARS: [&str; 31] = [
    "brk",
    "capget",
    "clone",
    "clone3",
    "execve",
    "exit_group",
    "fcntl",
    "fsmount",
    "fsopen",
    "fstatfs",
    "getgroups",
    "getpid",
    "getpriority",
    "getresgid",
    "getresuid",
    "mmap",
    "newfstatat",
    "open_tree",
    "openat",
    "openat2",
    "pipe2",
    "poll",
    "read",
    "readlink",
    "readlinkat",
    "rt_sigtimedwait",
    "setsid",
    "signalfd4",
    "socket",
    "wait4",
    "write",
];

/// Lies that are believed, by the depth of the process: the program runs, and something of its jail is not as it should be.
const BELIEVED: [(usize, &str, &str); 19] = [
    (0, "fsconfig", "an option of a small file system of the jail's own: its size, its mode"),
    (0, "ioctl", "the loopback interface is down"),
    (0, "mknodat", "a device is missing"),
    (0, "mount_setattr", "a mount can be written, or takes set-user-id bits and devices"),
    (0, "move_mount", "a mount is missing, and what the image has there shows"),
    (0, "prlimit64", "a limit of the caller's own was not raised"),
    (0, "rt_sigaction", "a signal that the caller ignored stays ignored"),
    (0, "setns", "the network, the IPC objects or the host name are the caller's"),
    (0, "setresgid", "files in small file systems of the jail's own belong to the caller's group"),
    (0, "symlinkat", "a link in /dev is missing"),
    (0, "umask", "files in the jail's own /dev have a narrower mode"),
    (1, "chdir", "the program starts in the root directory"),
    (1, "keyctl", "the names of the caller's keys show"),
    (1, "mount", "there is no /proc"),
    (1, "prlimit64", "a limit is the caller's"),
    (1, "sched_setscheduler", "the scheduling is the caller's"),
    (1, "setpriority", "the nice value is the caller's"),
    (1, "umask", "the umask is empty"),
    (2, "rt_sigprocmask", "signals are blocked"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_the_drop_looks_again_no_lie_of_a_call_gives_a_program_more_than_it_should_have() {
    keep_to(0);
    let scene = Scene::new();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut found, mut open) = (BTreeSet::new(), Vec::new());
    for way in ways::usual(&scene) {
        let points = (0..3).flat_map(|depth| way.range(depth).map(move |nth| Point { depth, nth }));
        for at in points.filter(|at| !NO_LIARS.contains(&way.name_of(*at))) {
            let name = way.name_of(at);
            let run = way.run(&scene, Input::EndsWhenAllWait, &[(at, Deed::Answer(0))]);
            assert_eq!(run.hit.map(|call| call.name()), Some(name));
            let report = Report::read(&run.out);
            let sound = run.out.is_empty() || report.amiss(&scene.expected).is_empty();
            let privileges = report.privileges_amiss(&scene.expected);
            let outcome = match judge(&scene, &way, at, &run) {
                Ok(Outcome::Whole) => "harmless",
                Ok(Outcome::Refused | Outcome::Ended | Outcome::Died) => "found out",
                // What looks again and does not like what it sees has no right any more to become the caller and say so. If it is
                // the supervisor, the program may have run by then, with everything in place.
                Err(_) if run.code == 125 && run.err.is_empty() && sound => "found out",
                Err(_) if privileges.is_empty() && believed(at.depth, name) => {
                    found.insert((at.depth, name));
                    "believed"
                }
                Err(why) => {
                    open.push(format!("{}: {at:?} {name} lies: {why}", way.name));
                    "open"
                }
            };
            *outcomes.entry(outcome).or_default() += 1;
            // A jail that was made by a lie, or a holder, goes before it can be entered by others.
            if scene.next_entry().is_err() {
                ways::first(&scene);
                scene.next_entry_works("a lie, when all was made anew");
            }
        }
    }
    println!("lies told to trampoline: {outcomes:?}; believed: {found:?}");
    assert!(open.is_empty(), "\n{}", open.join("\n"));
    let stale: Vec<_> = BELIEVED.iter().filter(|(depth, name, _)| !found.contains(&(*depth, *name))).collect();
    assert!(stale.is_empty(), "these are no longer believed, which is good; take them off the list: {stale:?}");
}

fn believed(depth: usize, name: &str) -> bool {
    BELIEVED.iter().any(|(d, n, _)| (*d, *n) == (depth, name))
}
