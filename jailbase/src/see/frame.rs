//! What `top` shows, made of what was seen: sorted, summed, and laid out. Pure.

use super::units;
use super::used::Used;
use crate::table::{bytes, plain};
use clap::ValueEnum;
use std::cmp::Ordering;
use std::time::Duration;

/// What the jails are sorted by; each has its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Sort {
    /// Processor time since the last look
    Cpu,
    /// Memory
    Memory,
    /// Processes
    Processes,
    /// Sessions
    Sessions,
    /// Bytes to and from disks since the last look
    Disk,
    /// Names
    Name,
}

impl Sort {
    /// What a key stands for.
    pub fn of_key(key: u8) -> Option<Self> {
        Some(match key {
            b'c' => Self::Cpu,
            b'm' => Self::Memory,
            b'p' => Self::Processes,
            b's' => Self::Sessions,
            b'd' => Self::Disk,
            b'n' => Self::Name,
            _ => return None,
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Sessions => "sessions",
            Self::Disk => "disk",
            Self::Name => "name",
        }
    }
}

/// One jail, as it was seen.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What it uses.
    pub used: Used,
    /// Hundredths of a second of processor time since the last look.
    pub ticks: u64,
    /// Bytes read and written since the last look.
    pub traffic: (u64, u64),
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// By what the jails are sorted.
    pub sort: Sort,
    /// The other way round.
    pub turned: bool,
    /// How long ago the last look was; nothing if this is the first.
    pub since: Option<Duration>,
    /// How long it is to the next one.
    pub interval: Duration,
}

const HEAD: [&str; 9] = ["USER", "SESSIONS", "PROCESSES", "TASKS", "%CPU", "RSS", "SHM", "READ/s", "WRITTEN/s"];

/// The lines of a screen that has so many.
pub fn lines(mut rows: Vec<Row>, look: &Look, most: usize) -> Vec<String> {
    let hundredths = look.since.map_or(0, |since| u64::try_from(since.as_millis() / 10).unwrap_or(0));
    let sum = |of: fn(&Row) -> u64| rows.iter().fold(0_u64, |sum, row| sum.saturating_add(of(row)));
    let in_use = rows.iter().filter(|row| row.used.sessions > 0).count();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let mut lines = vec![
        format!(
            "jails {}, in use {in_use}, sessions {}, processes {}, tasks {}",
            rows.len(),
            rows.iter().map(|row| count(row.used.sessions)).sum::<u64>(),
            rows.iter().map(|row| count(row.used.processes)).sum::<u64>(),
            sum(|row| row.used.tasks),
        ),
        format!(
            "cpu {}%, memory {}, every {} s, by {}{}",
            units::percent(sum(|row| row.ticks), hundredths),
            bytes(sum(|row| row.used.resident_bytes)),
            look.interval.as_secs_f64(),
            look.sort.word(),
            if look.turned { ", turned round" } else { "" },
        ),
        "q quits; c m p s d n sort by cpu memory processes sessions disk name; r turns round".to_owned(),
    ];
    rows.sort_by(|a, b| if look.turned { order(b, a, look.sort) } else { order(a, b, look.sort) });
    rows.truncate(most.saturating_sub(lines.len()).saturating_sub(1));
    let fields: Vec<[String; 9]> = rows.iter().map(|row| fields(row, hundredths)).collect();
    lines.extend(plain(HEAD, &fields).lines().map(str::to_owned));
    lines
}

/// The largest first, and names in their order.
fn order(a: &Row, b: &Row, sort: Sort) -> Ordering {
    let traffic = |row: &Row| row.traffic.0.saturating_add(row.traffic.1);
    let first = match sort {
        Sort::Cpu => b.ticks.cmp(&a.ticks),
        Sort::Memory => b.used.resident_bytes.cmp(&a.used.resident_bytes),
        Sort::Processes => b.used.processes.cmp(&a.used.processes),
        Sort::Sessions => b.used.sessions.cmp(&a.used.sessions),
        Sort::Disk => traffic(b).cmp(&traffic(a)),
        Sort::Name => return a.name.cmp(&b.name),
    };
    // What runs comes before what is idle, or a jail in which little happens would be lost among the others.
    first.then(b.used.sessions.min(1).cmp(&a.used.sessions.min(1))).then_with(|| a.name.cmp(&b.name))
}

fn fields(row: &Row, hundredths: u64) -> [String; 9] {
    let used = &row.used;
    let each_second = |count: u64| count.saturating_mul(100).checked_div(hundredths).map_or("-".to_owned(), bytes);
    [
        row.name.clone(),
        used.sessions.to_string(),
        used.processes.to_string(),
        used.tasks.to_string(),
        if hundredths == 0 { "-".to_owned() } else { units::percent(row.ticks, hundredths) },
        bytes(used.resident_bytes),
        bytes(used.shared_bytes),
        each_second(row.traffic.0),
        each_second(row.traffic.1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, sessions: usize, ticks: u64, memory: u64, written: u64) -> Row {
        let used = Used { sessions, processes: sessions * 2, resident_bytes: memory, ..Used::default() };
        Row { name: name.into(), used, ticks, traffic: (0, written) }
    }

    fn shown(sort: Sort, turned: bool, most: usize) -> Vec<String> {
        let rows = vec![row("b", 1, 50, 10, 0), row("a", 0, 0, 0, 0), row("d", 1, 0, 30, 4096), row("c", 3, 100, 20, 0)];
        let look = Look { sort, turned, since: Some(Duration::from_secs(1)), interval: Duration::from_secs(2) };
        lines(rows, &look, most)
    }

    fn names(lines: &[String]) -> String {
        lines.iter().skip(4).filter_map(|line| line.split(' ').next()).collect()
    }

    #[test]
    fn each_key_sorts_the_largest_first_and_r_turns_it_round() {
        for (key, order) in [(b'c', "cbda"), (b'm', "dcba"), (b'p', "cbda"), (b's', "cbda"), (b'd', "dbca"), (b'n', "abcd")] {
            let sort = Sort::of_key(key);
            assert_eq!(sort.map(|sort| names(&shown(sort, false, 24))).as_deref(), Some(order), "{}", char::from(key));
            let turned: String = order.chars().rev().collect();
            assert_eq!(sort.map(|sort| names(&shown(sort, true, 24))), Some(turned));
        }
        assert_eq!(Sort::of_key(b'x'), None);
    }

    #[test]
    fn there_are_never_more_lines_than_the_terminal_has_but_for_the_head() {
        assert_eq!(shown(Sort::Cpu, false, 24).len(), 8);
        assert_eq!(names(&shown(Sort::Cpu, false, 6)), "cb");
        assert_eq!(shown(Sort::Cpu, false, 0).len(), 4);
    }

    #[test]
    fn shares_are_of_the_time_between_two_looks() {
        let lines = shown(Sort::Cpu, false, 24);
        assert!(lines.first().is_some_and(|line| line.starts_with("jails 4, in use 3, sessions 5, processes 10")), "{lines:?}");
        assert!(lines.get(1).is_some_and(|line| line.starts_with("cpu 150.0%")), "{lines:?}");
        assert!(lines.get(4).is_some_and(|line| line.contains("100.0")), "{lines:?}");
    }
}
