//! The processors: an entry keeps to one of them, its program does not.

use crate::common::cpuset::Cpuset;
use crate::common::user::User;
use crate::common::{process, seen};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The processors that a process may use, as ranges.
fn allowed(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default().trim().to_owned()
}

/// The processors of this process.
fn own() -> Vec<usize> {
    let ranges = allowed("self");
    let ends = ranges.split(',').map(|range| range.split_once('-').unwrap_or((range, range)));
    ends.flat_map(|(first, last)| first.parse::<usize>().unwrap()..=last.parse().unwrap()).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_may_use_the_processors_that_its_caller_may_use() {
    let user = User::new();
    let ask = ["sed", "-n", "s/^Cpus_allowed_list:\t//p", "/proc/self/status"];
    for processor in own() {
        for entry in ["cold", "warm"] {
            let said = user.call(&ask).after(move || process::run_on(processor)).run().well();
            assert_eq!(said, processor.to_string(), "{entry}");
        }
        seen::take_down(user.uid);
    }
    assert_eq!(user.run(&ask).well(), allowed("self"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_follows_its_cpuset_when_that_gains_processors_and_those_who_wait_for_it_keep_to_one() {
    let user = User::new();
    let first = own()[0];
    let set = Cpuset::new(&user.name, first);
    let running = user.call(&["sleep", "60"]).by(0, 0).after(set.enter()).start();
    let program = || seen::processes(user.uid).into_iter().find(|(_, name)| name == "sleep").map(|(pid, _)| pid.to_string());
    assert!(seen::within(Duration::from_secs(10), || program().is_some()));
    let (supervisor, program) = (running.pid().to_string(), program().unwrap());
    let init = seen::children(running.pid())[0].to_string();

    let (one, all) = (first.to_string(), allowed("self"));
    set.has(&all);
    assert_eq!([&supervisor, &init, &program].map(|pid| allowed(pid)), [one.as_str(), &one, &all]);

    running.signal(libc::SIGKILL);
    running.end();
    assert!(seen::within(Duration::from_secs(10), || seen::processes(user.uid).is_empty()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_entry_is_well_when_its_cpuset_changes_meanwhile() {
    let user = User::new();
    let processors = own();
    let (first, last) = (processors[0], processors[processors.len() - 1]);
    let set = Cpuset::new(&user.name, first);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                set.has(&last.to_string());
                set.has(&first.to_string());
            }
        });
        let entry = || user.call(&["true"]).by(0, 0).after(set.enter()).run();
        let pairs = (0..150).flat_map(|_| {
            seen::take_down(user.uid);
            [("cold", entry()), ("warm", entry())]
        });
        let ends: Vec<(&str, i32, String)> = pairs.map(|(which, done)| (which, done.code(), done.err.clone())).collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(ends.iter().find(|(_, code, err)| *code != 0 || !err.is_empty()), None);
    });
}
