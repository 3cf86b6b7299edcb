//! A cpuset of a test's own, by version 1 or 2 of cgroups.

use super::seen;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// It is gone with this value.
pub struct Cpuset {
    dir: PathBuf,
    /// The file in which this test gave cpusets to the groups of the machine.
    given: Option<PathBuf>,
}

impl Cpuset {
    /// With one processor.
    pub fn new(name: &str, processor: usize) -> Self {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let first = |kind: &str, option: &str| {
            lines.clone().find(|line| line[2] == kind && line[3].split(',').any(|o| o.starts_with(option))).map(|line| line[1])
        };
        let root = first("cgroup", "cpuset").or_else(|| first("cgroup2", "")).expect("no cgroup file system is mounted");
        let root = PathBuf::from(root);
        // Version 1 has cpusets for all groups, and no such file.
        let control = root.join("cgroup.subtree_control");
        let is_given = |now: String| now.split_whitespace().any(|controller| controller == "cpuset");
        let given = fs::read_to_string(&control).is_ok_and(|now| !is_given(now)).then_some(control);
        if let Some(control) = &given {
            fs::write(control, "+cpuset").expect("no cpuset in cgroup v2");
        }
        let [mems, older] = ["cpuset.mems.effective", "cpuset.effective_mems"].map(|name| fs::read_to_string(root.join(name)));
        let set = Self { dir: root.join(format!("{name}-{}", std::process::id())), given };
        fs::create_dir(&set.dir).unwrap_or_else(|e| panic!("{}: {e}", set.dir.display()));
        fs::write(set.dir.join("cpuset.mems"), mems.or(older).unwrap().trim()).unwrap();
        set.has(&processor.to_string());
        set
    }

    /// Gives it these processors.
    pub fn has(&self, processors: &str) {
        fs::write(self.dir.join("cpuset.cpus"), processors).unwrap();
    }

    /// Moves the process that calls this into the set. Only root may say so everywhere.
    pub fn enter(&self) -> impl FnMut() -> io::Result<()> + Send + Sync + 'static {
        let group = self.dir.join("cgroup.procs");
        move || fs::write(&group, "0")
    }
}

impl Drop for Cpuset {
    fn drop(&mut self) {
        // The last process may still be on its way out.
        let is_gone = seen::within(Duration::from_secs(10), || fs::remove_dir(&self.dir).is_ok());
        if let Some(control) = &self.given {
            fs::write(control, "-cpuset").unwrap_or(());
        }
        assert!(is_gone || std::thread::panicking(), "{} stays", self.dir.display());
    }
}
