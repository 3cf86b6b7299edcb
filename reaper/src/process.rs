//! Processes of the host, as procfs shows them to root: who holds a pin, who holds a lock. This only words what is said;
//! what is done the kernel alone decides.

use jail::layout;
use jail::report::escaped;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// One process.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Process {
    /// Its number, as the host counts.
    pub pid: u32,
    /// Whose it is.
    pub uid: u32,
    /// What it was started with, or its name if that is nothing; made fit to be shown.
    pub command: String,
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let uid = status(pid)?;
        let mut command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        if command.is_empty() {
            command = fs::read(format!("/proc/{pid}/comm")).ok()?;
        }
        let shown: Vec<u8> = command.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
        Some(Self { pid, uid, command: escaped(shown.trim_ascii_end()) })
    }

    /// How long ago it was started.
    ///
    /// KERNEL: field 22 of its stat and the uptime are of one clock, which nobody can set; its unit is a hundredth of a
    /// second to programs of every architecture that we serve (USER_HZ; proc(5)).
    pub fn age(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The second field is a name in brackets, which may hold anything.
        let start: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
        let uptime: f64 = fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
        Duration::try_from_secs_f64(uptime).ok()?.checked_sub(Duration::from_millis(start.checked_mul(10)?))
    }

    /// Several, for people.
    pub fn list(several: &[Self]) -> String {
        let one = |p: &Self| format!("pid {} (uid {}: {})", p.pid, p.uid, p.command);
        several.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// The real uid; the owner of the files in `/proc` is root for a process that may not be dumped.
fn status(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// The numbers in a directory of procfs; what vanished meanwhile has none.
fn numbers(dir: impl AsRef<Path>) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Who has a pin open, by the number of its mount, for those that are asked about.
///
/// KERNEL: fdinfo names the mount of an open file (proc(5), 3.15). It is read only where the link, which is cheap whatever is
/// open, has the name of a pin: of an inotify descriptor it has a line for each watch (`inotify_show_fdinfo`,
/// fs/notify/fdinfo.c), and a user with many of both could keep us for hours. To read the link undoes the mark of a mount, as
/// to close what is open there does; so nothing is undone that would have stayed.
pub fn holding(is_asked: impl Fn(u64) -> bool) -> BTreeMap<u64, Vec<Process>> {
    let mut found: BTreeMap<u64, Vec<Process>> = BTreeMap::new();
    for pid in numbers("/proc") {
        let mount = |fd: u32| -> Option<u64> {
            let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
            link.parent().filter(|dir| dir.file_name().is_some_and(|name| name == layout::PINS))?;
            let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
            info.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim().parse().ok()
        };
        for mount in numbers(format!("/proc/{pid}/fd")).filter_map(mount).filter(|mount| is_asked(*mount)) {
            let by = found.entry(mount).or_default();
            if by.last().is_none_or(|last| last.pid != pid) {
                by.extend(Process::of(pid));
            }
        }
    }
    found
}

/// Who holds the flock on a directory; `None` if nobody does, or if he cannot be seen from here.
pub fn locking(directory: &str) -> Option<Process> {
    let inode = fs::metadata(directory).ok()?.ino().to_string();
    let table = fs::read_to_string("/proc/locks").ok()?;
    let pids = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, file, ..] = fields[..] else { return None };
        (file.rsplit(':').next() == Some(inode.as_str())).then(|| pid.parse::<u32>().ok()).flatten()
    });
    // Inodes are numbered by each file system for itself.
    let has_open = |pid: &u32| {
        numbers(format!("/proc/{pid}/fd"))
            .any(|fd| fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|link| link == Path::new(directory)))
    };
    pids.filter(has_open).find_map(Process::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_described_by_its_own_words() {
        let own = Process::of(std::process::id()).map(|own| (own.age(), own.command));
        assert!(matches!(&own, Some((Some(age), command)) if age.as_secs() < 3600 && command.contains("reaper")), "{own:?}");
        assert_eq!(Process::of(u32::MAX), None);
    }
}
