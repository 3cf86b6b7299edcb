//! The processors: an entry keeps to one of them, its program does not.

use crate::common::user::User;
use crate::common::{process, seen};
use std::fs;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

/// The processors that a process may use, as ranges.
fn allowed(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default().trim().to_owned()
}

/// A cpuset of its own, with the first processor of the machine.
struct Cpuset(PathBuf);

impl Cpuset {
    fn new(name: &str) -> Self {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let first = |kind: &str, option: &str| {
            lines.clone().find(|line| line[2] == kind && line[3].split(',').any(|o| o.starts_with(option))).map(|line| line[1])
        };
        let root = first("cgroup", "cpuset").or_else(|| first("cgroup2", "")).expect("no cgroup file system is mounted");
        // Version 1 has it for all groups, and no such file.
        fs::write(format!("{root}/cgroup.subtree_control"), "+cpuset").unwrap_or(());
        let set = Self(PathBuf::from(root).join(name));
        fs::create_dir(&set.0).unwrap();
        fs::write(set.0.join("cpuset.mems"), "0").unwrap();
        set.has("0");
        set
    }

    fn has(&self, processors: &str) {
        fs::write(self.0.join("cpuset.cpus"), processors).unwrap();
    }
}

impl Drop for Cpuset {
    fn drop(&mut self) {
        assert!(seen::within(Duration::from_secs(10), || fs::remove_dir(&self.0).is_ok()), "{} stays", self.0.display());
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_may_use_the_processors_that_its_caller_may_use() {
    let user = User::new();
    let ask = ["sed", "-n", "s/^Cpus_allowed_list:\t//p", "/proc/self/status"];
    for processor in 0..available_parallelism().unwrap().get() {
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
    let set = Cpuset::new(&user.name);
    let group = set.0.join("cgroup.procs");
    let running = user.call(&["sleep", "60"]).by(0, 0).after(move || fs::write(&group, "0")).start();
    let program = || seen::processes(user.uid).into_iter().find(|(_, name)| name == "sleep").map(|(pid, _)| pid.to_string());
    assert!(seen::within(Duration::from_secs(10), || program().is_some()));
    let (supervisor, program) = (running.pid().to_string(), program().unwrap());
    let init = seen::children(running.pid())[0].to_string();

    let all = match available_parallelism().unwrap().get() {
        1 => "0".to_owned(),
        more => format!("0-{}", more - 1),
    };
    set.has(&all);
    assert_eq!([&supervisor, &init, &program].map(|pid| allowed(pid)), ["0", "0", all.as_str()]);

    running.signal(libc::SIGKILL);
    running.end();
    assert!(seen::within(Duration::from_secs(10), || seen::processes(user.uid).is_empty()));
}
