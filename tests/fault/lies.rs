//! A call lies: it answers 0, and nothing was done. Where the drop looks again no lie may lead to a program with more than
//! it should have. What else the kernel says is believed, and what a lie of it does is written down here.

use super::deeds::{Deed, Input, Point, Run};
use super::outcome::{Outcome, judge};
use super::report::Report;
use super::scene::Scene;
use super::trace::keep_to;
use super::ways::{self, Way};
use std::collections::{BTreeMap, BTreeSet};

/// Calls whose 0 does not say "done": they give a descriptor, a number, or something to read, or they wait.
const NO_LIARS: [&str; 33] = [
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
    "open",
    "open_tree",
    "openat",
    "openat2",
    "pipe2",
    "poll",
    "read",
    "readlink",
    "readlinkat",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "setsid",
    "signalfd4",
    "socket",
    "wait4",
    "write",
];

/// Lies that are believed, by the depth of the process: the program runs, and something of its jail is not as it should be.
const BELIEVED: [(usize, &str, &str); 17] = [
    (0, "fsconfig", "an option of a small file system of the jail's own: its size, its mode"),
    (0, "ioctl", "the loopback interface is down"),
    (0, "mount_setattr", "a mount can be written, or takes set-user-id bits and devices"),
    (0, "move_mount", "a mount is missing, and what the image has there shows"),
    (0, "prlimit64", "a limit of the caller's own was not raised"),
    (0, "rt_sigaction", "a signal that the caller ignored stays ignored"),
    (0, "sched_setaffinity", "the processors are all of the cpuset's"),
    (0, "setns", "the network, the IPC objects or the host name are the caller's"),
    (0, "setresgid", "files in small file systems of the jail's own belong to the caller's group"),
    (0, "unshare", "the IPC objects, the network or the host name are the host's"),
    (1, "chdir", "the program starts in the root directory"),
    (1, "keyctl", "the names of the caller's keys show"),
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
            let run = lied_to(&scene, &way, at);
            let report = Report::read(&run.out);
            let sound = run.out.is_empty() || report.amiss(&scene.expected, false).is_empty();
            let privileges = report.privileges_amiss(&scene.expected);
            let outcome = match judge(&scene, &way, at, &run) {
                Ok(Outcome::Whole) => "harmless",
                Ok(Outcome::Refused | Outcome::Ended | Outcome::Silent | Outcome::Stillborn | Outcome::Died) => "found out",
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

/// A run in which this very call lies. While the holder is young the kernel may refuse a pin, and the calls after are others
/// than in the untouched run; then all is made anew, and it is tried again.
fn lied_to(scene: &Scene, way: &Way, at: Point) -> Run {
    for _ in 0..8 {
        let run = way.run(scene, Input::EndsWhenAllWait, &[(at, Deed::Answer(0))]);
        if run.hit.map(|call| call.name()) == Some(way.name_of(at)) {
            return run;
        }
        ways::first(scene);
        scene.next_entry_works("a run with other calls, when all was made anew");
    }
    panic!("{}: {at:?} is {} no more", way.name, way.name_of(at));
}

fn believed(depth: usize, name: &str) -> bool {
    BELIEVED.iter().any(|(d, n, _)| (*d, *n) == (depth, name))
}
