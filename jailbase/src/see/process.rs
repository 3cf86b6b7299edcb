//! One process, as procfs tells of it. It may end between two looks, and then there is nothing to tell: never an error.
//!
//! Nothing here follows a link of `/proc`: the text of `ns/pid` names a namespace without opening it, and `fdinfo` names the
//! mount of an open file without touching it (proc(5)). So no mark of the reaper's is undone.

use jail::sys::fd;
use std::fs;
use std::io::Read;
use std::path::Path;

/// KERNEL: the unit of times in `stat` is a hundredth of a second on every architecture that we serve (USER_HZ; proc(5)).
pub const TICKS: u64 = 100;

/// More than any of these files has.
const LONGEST: usize = 1 << 16;

/// More than most of them have.
const USUAL: usize = 1 << 12;

/// What one process is and uses.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Process {
    /// Its number, as the host counts.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// One letter: running, sleeping, stopped, a zombie.
    pub state: char,
    /// Threads.
    pub tasks: u64,
    /// Hundredths of a second of user and system time, of itself and of the children it has reaped.
    pub user: u64,
    /// See `user`.
    pub system: u64,
    /// Hundredths of a second from the start of the machine to its own.
    pub start: u64,
    /// Bytes of address space.
    pub virtual_bytes: u64,
    /// Pages in memory.
    pub pages: u64,
    /// Its name, 15 bytes that it chose.
    pub name: Vec<u8>,
    /// Bytes that it has had read from a disk, if that was asked.
    pub read_bytes: u64,
    /// And written to one.
    pub written_bytes: u64,
}

impl Process {
    /// What is there of it now.
    pub fn of(pid: u32) -> Option<Self> {
        record(format!("/proc/{pid}/stat"), Self::read).filter(|process| process.pid == pid)
    }

    /// The same process, and what it has had from and to disks.
    pub fn with_traffic(self) -> Self {
        let traffic = record(format!("/proc/{}/io", self.pid), |io| Some(traffic(io)));
        let (read_bytes, written_bytes) = traffic.unwrap_or_default();
        Self { read_bytes, written_bytes, ..self }
    }

    /// Reads `stat`, as proc(5) has it.
    fn read(stat: &[u8]) -> Option<Self> {
        // A name can hold anything, brackets and line ends too; it ends at the last bracket there is.
        let (open, close) = (stat.iter().position(|b| *b == b'(')?, stat.iter().rposition(|b| *b == b')')?);
        let name = stat.get(open.checked_add(1)?..close)?.to_vec();
        let rest = std::str::from_utf8(stat.get(close.checked_add(1)?..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The fields are counted from 1, and the third is the first behind the name.
        let field = |number: usize| fields.get(number.checked_sub(3)?);
        let number = |at: usize| field(at)?.parse::<u64>().ok();
        Some(Self {
            pid: std::str::from_utf8(stat.get(..open)?).ok()?.trim_end().parse().ok()?,
            parent: field(4)?.parse().ok()?,
            state: field(3)?.chars().next()?,
            tasks: number(20)?,
            user: number(14)?.saturating_add(number(16).unwrap_or(0)),
            system: number(15)?.saturating_add(number(17).unwrap_or(0)),
            start: number(22)?,
            virtual_bytes: number(23)?,
            pages: number(24)?,
            name,
            ..Self::default()
        })
    }

    /// What it was started with, or its name if that is nothing; a stranger's bytes.
    pub fn command(&self) -> Vec<u8> {
        let mut words = bytes(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        words.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        if words.trim_ascii().is_empty() { self.name.clone() } else { words.trim_ascii_end().to_vec() }
    }
}

/// Who a process is: the real uid it runs as, and its number in each pid namespace it is in, the host's first.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Identity {
    pub uid: u32,
    pub numbers: Vec<u32>,
}

impl Identity {
    /// What is there of it now.
    pub fn of(pid: u32) -> Option<Self> {
        record(format!("/proc/{pid}/status"), Self::read)
    }

    /// Reads `status`, as proc(5) has it.
    fn read(status: &[u8]) -> Option<Self> {
        let mut identity = Self::default();
        // KERNEL: here the name is escaped, so that it makes no line of its own (proc_task_name, fs/proc/array.c).
        for line in status.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
            match line.split_once(':') {
                Some(("Uid", ids)) => identity.uid = ids.split_ascii_whitespace().next()?.parse().ok()?,
                Some(("NSpid", all)) => identity.numbers = all.split_ascii_whitespace().map_while(|n| n.parse().ok()).collect(),
                _ => {}
            }
        }
        (!identity.numbers.is_empty()).then_some(identity)
    }

    /// Its number where it counts its own processes.
    pub fn inside(&self) -> u32 {
        self.numbers.last().copied().unwrap_or(0)
    }

    /// Whether it is process 1 of a namespace below the host's.
    pub fn is_first(&self) -> bool {
        self.numbers.len() > 1 && self.inside() == 1
    }
}

/// What `of` makes of the first mount it knows on which a process has something open, and the number that is open under.
pub fn holds<T>(pid: u32, of: impl Fn(u64) -> Option<T>) -> Option<(u32, T)> {
    let mut open = numbers(format!("/proc/{pid}/fdinfo"));
    // The standard streams come last: they lead elsewhere.
    open.sort_unstable_by_key(|number| (*number < 3, *number));
    open.into_iter().find_map(|number| Some((number, holds_under(pid, number, &of)?)))
}

/// What `of` makes of the mount on which a process has something open under this very number.
pub fn holds_under<T>(pid: u32, number: u32, of: impl Fn(u64) -> Option<T>) -> Option<T> {
    of(record(format!("/proc/{pid}/fdinfo/{number}"), mount)?)
}

/// The pid namespace of a process: its inode, from the text of a link that is not followed.
pub fn namespace(pid: u32) -> Option<u64> {
    let text = fs::read_link(format!("/proc/{pid}/ns/pid")).ok()?;
    text.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()
}

/// The numbers among the names of a directory of procfs; none if it is gone.
pub fn numbers(dir: impl AsRef<Path>) -> Vec<u32> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Hundredths of a second since the machine started.
pub fn uptime() -> u64 {
    let text = bytes("/proc/uptime").unwrap_or_default();
    // "12345.67 ...": without the point it is hundredths.
    let digits: String = text.iter().take_while(|b| **b != b' ').filter(|b| **b != b'.').map(|b| char::from(*b)).collect();
    digits.parse().unwrap_or(0)
}

/// What `of` makes of a file that is one record.
///
/// KERNEL: a read gives the whole record, or as much of it as there is room for (seq_read_iter, fs/seq_file.c), and to ask for
/// its end is as much work as to ask for the record.
fn record<T>(path: impl AsRef<Path>, of: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let mut room = [0; USUAL];
    let mut file = fs::File::open(&path).ok()?;
    match file.read(&mut room).ok()? {
        USUAL => of(&bytes(path)?),
        count => of(room.get(..count)?),
    }
}

fn bytes(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let file = fs::File::open(path).ok()?;
    fd::read_at_most(file.into(), LONGEST).ok()
}

fn mount(info: &[u8]) -> Option<u64> {
    field(info, "mnt_id")
}

fn traffic(io: &[u8]) -> (u64, u64) {
    (field(io, "read_bytes").unwrap_or(0), field(io, "write_bytes").unwrap_or(0))
}

/// The number behind a key.
fn field(text: &[u8], key: &str) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &[u8] = b"1234 (a) b) R (\n) S 77 1 1 0 -1 4194560 1 2 3 4 150 25 40 5 20 0 3 0 987654 8192000 500 184 1 1 0 0";
    const STATUS: &[u8] = b"Name:\ta) b) R (\\n\nUid:\t2001\t2001\t2001\t2001\nNSpid:\t1234\t9\n";

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        let read = Process::read(STAT).unwrap_or_default();
        assert_eq!((read.pid, read.parent, read.state), (1234, 77, 'S'));
        assert_eq!((read.user, read.system, read.tasks, read.start), (190, 30, 3, 987_654));
        assert_eq!((read.virtual_bytes, read.pages, read.name.as_slice()), (8_192_000, 500, &b"a) b) R (\n"[..]));
        let who = Identity::read(STATUS).unwrap_or_default();
        assert_eq!((who.uid, who.inside(), who.is_first()), (2001, 9, false));
        assert!(Identity::read(b"Uid:\t0\nNSpid:\t5\t1\n").is_some_and(|who| who.is_first()));
        assert!(Identity::read(b"Uid:\t0\nNSpid:\t1\n").is_some_and(|who| !who.is_first()), "the host's own");
    }

    #[test]
    fn what_is_cut_off_by_the_end_of_a_process_is_no_process() {
        for length in 0..80 {
            assert_eq!(Process::read(STAT.get(..length).unwrap_or_default()), None, "{length}");
        }
        for status in [&b""[..], b"Uid:\t5\n", b"Uid:\tx\nNSpid:\t1\n", b"\xff\xff"] {
            assert_eq!(Identity::read(status), None);
        }
    }

    #[test]
    fn numbers_are_found_by_their_keys() {
        assert_eq!(mount(b"pos:\t0\nflags:\t02100000\nmnt_id:\t96\nino:\t4026532301\n"), Some(96));
        assert_eq!(mount(b"pos:\t0\n"), None);
        assert_eq!(traffic(b"rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n"), (4096, 8192));
    }

    #[test]
    fn our_own_process_is_there_and_one_that_is_not_is_none() {
        let own = Process::of(std::process::id());
        assert!(own.is_some_and(|own| own.tasks > 0 && own.start <= uptime() && own.pages > 0));
        assert_eq!(Process::of(u32::MAX), None);
        assert!(namespace(std::process::id()).is_some() && namespace(u32::MAX).is_none());
    }
}
