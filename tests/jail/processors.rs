//! The processors: an entry keeps to one of them, its program does not.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{process, seen};
use std::fs;
use std::path::PathBuf;
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

/// A cpuset of its own, with one processor.
struct Cpuset {
    dir: PathBuf,
    /// The file in which this test gave cpusets to the groups of the machine.
    given: Option<PathBuf>,
}

impl Cpuset {
    fn new(name: &str, processor: usize) -> Self {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let first = |kind: &str, option: &str| {
            lines.clone().find(|line| line[2] == kind && line[3].split(',').any(|o| o.starts_with(option))).map(|line| line[1])
        };
        let root = first("cgroup", "cpuset").or_else(|| first("cgroup2", "")).expect("no cgroup file system is mounted");
        // Version 1 has cpusets for all groups, and no such file.
        let control = PathBuf::from(root).join("cgroup.subtree_control");
        let is_given = |now: String| now.split_whitespace().any(|controller| controller == "cpuset");
        let given = fs::read_to_string(&control).is_ok_and(|now| !is_given(now)).then_some(control);
        if let Some(control) = &given {
            fs::write(control, "+cpuset").unwrap();
        }
        let set = Self { dir: PathBuf::from(root).join(format!("{name}-{}", std::process::id())), given };
        fs::create_dir(&set.dir).unwrap();
        fs::write(set.dir.join("cpuset.mems"), "0").unwrap();
        set.has(&processor.to_string());
        set
    }

    fn has(&self, processors: &str) {
        fs::write(self.dir.join("cpuset.cpus"), processors).unwrap();
    }

    /// Makes it the caller's. Only root may say so everywhere.
    fn holds(&self, call: Call) -> Call {
        let group = self.dir.join("cgroup.procs");
        call.by(0, 0).after(move || fs::write(&group, "0"))
    }
}

impl Drop for Cpuset {
    fn drop(&mut self) {
        let is_gone = seen::within(Duration::from_secs(10), || fs::remove_dir(&self.dir).is_ok());
        if let Some(control) = &self.given {
            fs::write(control, "-cpuset").unwrap_or(());
        }
        assert!(is_gone || std::thread::panicking(), "{} stays", self.dir.display());
    }
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
    let running = set.holds(user.call(&["sleep", "60"])).start();
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
        let ends: Vec<(i32, String)> = (0..300)
            .inspect(|number| {
                if number % 2 == 0 {
                    seen::take_down(user.uid)
                }
            })
            .map(|_| set.holds(user.call(&["true"])).run())
            .map(|done| (done.code(), done.err.clone()))
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(ends.iter().find(|(code, err)| *code != 0 || !err.is_empty()), None);
    });
}
