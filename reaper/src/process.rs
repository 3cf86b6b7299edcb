//! Processes of the host, as procfs shows them to root: who holds a pin, who holds a lock. This only words what is said;
//! what is done the kernel alone decides.

use jail::layout;
use jail::report::escaped;
use jail::state::pins;
use jail::sys::fd::{self, How};
use jail::sys::images::locked;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

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
        let stat = fs::read(format!("/proc/{}/stat", self.pid)).ok()?;
        let stat = String::from_utf8_lossy(&stat);
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
    // KERNEL: its first line is a name that may hold any bytes.
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    String::from_utf8_lossy(&status).lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// The numbers in a directory of procfs; what vanished meanwhile has none.
fn numbers(dir: impl AsRef<Path>) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The longest look at who holds what: a machine has as many processes as its users like.
const LONGEST: Duration = Duration::from_secs(2);

/// Nobody of ours has a pin open under a higher number: trampoline closes all that it inherits.
const NUMBERS: std::ops::Range<u32> = 0..32;

/// Who has a pin open, by the number of its mount, for those that are asked about: as far as a look of some seconds comes.
///
/// KERNEL: fdinfo names the mount of an open file (proc(5), 3.15), and more: a line for each watch of an inotify descriptor
/// (`inotify_show_fdinfo`, fs/notify/fdinfo.c) and for each lock taken through it (`show_fd_locks`, fs/locks.c), so one with much of
/// both could keep us for hours. So what a user has open is opened once more, as a place alone, which asks no file system and
/// carries no lock; and only where the link, which is cheap whatever is open, has the path of a pin in the holder. All of that undoes the
/// mark of a mount, as to close what is open there does; so nothing is undone that would have stayed.
pub fn holding(is_asked: impl Fn(u64) -> bool) -> BTreeMap<u64, Vec<Process>> {
    let start = Instant::now();
    let in_time = |_: &u32| start.elapsed() < LONGEST;
    let mut found: BTreeMap<u64, Vec<Process>> = BTreeMap::new();
    for pid in numbers("/proc").take_while(in_time) {
        let mount = |number: u32| -> Option<u64> {
            let open = format!("/proc/{pid}/fd/{number}");
            let link = fs::read_link(&open).ok()?;
            pins::target_of(link.strip_prefix("/").ok()?.strip_prefix(layout::PINS).ok()?.to_str()?)?;
            let own = fd::open_magic(fd::HERE, &open, How::Place).ok()?;
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", own.as_raw_fd())).ok()?;
            info.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim().parse().ok()
        };
        for mount in NUMBERS.filter_map(mount).filter(|mount| is_asked(*mount)) {
            let by = found.entry(mount).or_default();
            if by.last().is_none_or(|last| last.pid != pid) {
                by.extend(Process::of(pid));
            }
        }
    }
    if start.elapsed() >= LONGEST {
        log::warn!(
            "there are too many processes to look at all: who holds a jail may not be named, and what is in use be called idle"
        );
    }
    found
}

/// Who holds the flock on a directory; `None` if nobody does, or if he cannot be seen from here.
pub fn locking(directory: &str) -> Option<Process> {
    locked::locking(directory).into_iter().find_map(Process::of)
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
