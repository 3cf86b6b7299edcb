//! The scale: one, a hundred, a thousand and ten thousand live jails side by side, so that what grows with them shows.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::crew::{Crew, Who};
use crate::ours::{Ours, host_lines, run_true, sweep_twice};
use crate::rounds::{self, Contender};
use crate::table::{Figures, machine};
use crate::{Outcome, say, users};

/// Users who have no live jail, for what is made beside the live ones.
const LATECOMERS: u32 = 20;
/// Their numbers begin where no crowd ends.
const LATE: u32 = 20_000;
/// How often one jail and few jails are made and taken down, so that their figures are of as many samples.
const SAMPLES: u32 = 200;

/// The figures of one size.
struct Column {
    jails: u32,
    cells: Vec<(&'static str, String)>,
}

/// Measures each size, and says it as a table.
pub fn measure(crew: &mut Crew, ours: &Ours, sizes: &[u32], rounds: u32) -> Outcome<String> {
    ours.users.add(LATE..LATE.saturating_add(LATECOMERS))?;
    let mut columns = Vec::new();
    for &jails in sizes {
        let started = Instant::now();
        say(&format!("bench: making {jails} users"));
        ours.users.add(0..jails)?;
        let each = started.elapsed().as_secs_f64() * 1e3 / f64::from(jails);
        say(&format!("bench: {jails} live jails ({each:.1} ms to add a user)"));
        columns.push(size(crew, ours, jails, rounds)?);
    }
    Ok(table(&columns, rounds))
}

fn size(crew: &mut Crew, ours: &Ours, jails: u32, rounds: u32) -> Outcome<Column> {
    let programs = &ours.programs;
    sweep_twice(crew, programs)?;
    let before = settled()?;
    let empty = Figures::of(&crew.time(Who::Root, 11, 2000, &[&programs.reaper])?)?.median;
    let (mut made, mut entered, mut stay, mut go) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut cells = Vec::new();
    let cycles = (SAMPLES / jails).clamp(1, 20);
    for cycle in 0..cycles {
        for number in 0..jails {
            made.extend(crew.time(Who::Web, 1, 0, &ensure(ours, number))?);
        }
        for number in 0..jails {
            entered.extend(crew.time(Who::Web, 1, 0, &run_true(programs, number))?);
        }
        if cycle == 0 {
            cells = beside(crew, ours, jails, rounds, &before)?;
            // The latecomers' jails are no part of the crowd.
            for number in LATE..LATE.saturating_add(LATECOMERS) {
                crew.look(Who::Root, &[vec![programs.jailbase.clone()], users::rm(number)].concat())?;
                crew.look(Who::Root, &[vec![programs.jailbase.clone()], users::add(number)].concat())?;
            }
        }
        // The first marks all, since each was entered after the last; the second takes all of them down.
        stay.extend(crew.time(Who::Root, 1, 0, &[&programs.reaper])?);
        go.extend(crew.time(Who::Root, 1, 0, &[&programs.reaper])?);
    }
    let each =
        |samples: &[f64]| Figures::of(samples).map(|all| format!("{:.1} µs", ((all.median - empty) / f64::from(jails)).max(0.0)));
    let median = |samples: &[f64]| Figures::of(samples).map(|all| format!("{:.0} µs", all.median));
    cells.push(("`trampoline --ensure`, median of all", median(&made)?));
    cells.push(("first program in each jail, median of all", median(&entered)?));
    cells.push(("a sweep in which they stay, per jail", each(&stay)?));
    cells.push(("the sweep in which they go, per jail", each(&go)?));
    cells.push(("that sweep as a whole", format!("{:.3} s", Figures::of(&go)?.median / 1e6)));
    for what in ["jails that a third sweep finds", "jails that a fourth sweep finds"] {
        let said = crew.look(Who::Root, &["/bin/sh", "-c", &format!("{} -v 2>&1 | tail -n 1", programs.reaper)])?;
        let found = said.split_whitespace().nth(1).unwrap_or("?");
        if found != "0" {
            return Err(format!("{jails} jails were swept twice; {what}: {found}"));
        }
        cells.push((what, found.into()));
    }
    let after = settled()?;
    cells.push(("kernel memory that is not given back, in all", kib(after.kernel - before.kernel)));
    Ok(Column { jails, cells })
}

/// What can be measured while so many jails are live.
fn beside(crew: &mut Crew, ours: &Ours, jails: u32, rounds: u32, before: &Memory) -> Outcome<Vec<(&'static str, String)>> {
    let programs = &ours.programs;
    let with = settled()?;
    let lines = host_lines()?;
    let mut pair = vec![rounds::plain(), Contender::spawned("warm entry", Who::Web, run_true(programs, 0), "")];
    rounds::play(crew, &mut pair, rounds);
    let [plain, warm] = pair.as_slice() else { return Err("not a pair".into()) };
    let (plain, warm) = (plain.figures()?.median, warm.figures()?.median);

    let (mut cold, mut beside) = (Vec::new(), Vec::new());
    let late = || LATE..LATE.saturating_add(LATECOMERS);
    for number in late() {
        beside.extend(crew.time(Who::Web, 1, 0, &["/bin/true"])?);
        cold.extend(crew.time(Who::Web, 1, 0, &run_true(programs, number))?);
    }
    let (cold, beside) = (Figures::of(&cold)?.median, Figures::of(&beside)?.median);
    let (mut add, mut rm) = (Vec::new(), Vec::new());
    for number in late() {
        add.extend(crew.time(Who::Root, 1, 0, &[vec![programs.jailbase.clone()], users::add(number)].concat())?);
    }
    for number in late().take(5) {
        rm.extend(crew.time(Who::Root, 1, 0, &[vec![programs.jailbase.clone()], users::rm(number)].concat())?);
        crew.look(Who::Root, &[vec![programs.jailbase.clone()], users::add(number)].concat())?;
    }
    let mut look = |words: &[&str]| -> Outcome<String> {
        Ok(format!("{:.1} ms", Figures::of(&crew.time(Who::Root, 11, 3000, words)?)?.median / 1e3))
    };
    let (ls, stat, ps) = (look(&[&programs.jailbase, "ls"])?, look(&[&programs.jailbase, "stat"])?, look(&["ps", "ax"])?);
    let per = |total: f64| kib(total / f64::from(jails));
    Ok(vec![
        ("kernel memory of one jail (Slab and Percpu)", per(with.kernel - before.kernel)),
        ("memory of one jail (MemAvailable)", per(before.available - with.available)),
        ("lines in the host's mountinfo", format!("{}", lines.all)),
        ("plain spawn of `/bin/true`", format!("{plain:.0} µs")),
        ("warm entry, × plain spawn", format!("{:.2}", warm / plain)),
        ("cold entry beside them, × plain spawn", format!("{:.2}", cold / beside)),
        ("cold entry beside them", format!("{cold:.0} µs")),
        ("`jailbase user add` beside them", format!("{:.1} ms", Figures::of(&add)?.median / 1e3)),
        ("`jailbase user rm` beside them", format!("{:.1} ms", Figures::of(&rm)?.median / 1e3)),
        ("`jailbase ls`", ls),
        ("`jailbase stat`", stat),
        ("`ps ax`, for comparison", ps),
    ])
}

fn ensure(ours: &Ours, number: u32) -> Vec<String> {
    vec![ours.programs.trampoline.clone(), "--ensure".into(), users::name(number)]
}

/// The memory of the machine, in KiB.
struct Memory {
    available: f64,
    kernel: f64,
}

/// Namespaces are taken apart behind their programs' back, a batch of networks at a time: waits until nothing changes.
fn settled() -> Outcome<Memory> {
    let mut last = memory()?;
    for _ in 0..120 {
        sleep(Duration::from_millis(500));
        let now = memory()?;
        if (now.kernel - last.kernel).abs() < 256.0 {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

fn memory() -> Outcome<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").map_err(|error| format!("/proc/meminfo: {error}"))?;
    let value = |key: &str| -> Outcome<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.ok_or_else(|| format!("/proc/meminfo does not know {key}"))
    };
    Ok(Memory { available: value("MemAvailable")?, kernel: value("Slab")? + value("Percpu")? })
}

fn kib(value: f64) -> String {
    format!("{value:.0} KiB")
}

fn table(columns: &[Column], rounds: u32) -> String {
    let mut text = String::from("| live jails |");
    for column in columns {
        write!(text, " {} |", column.jails).ok();
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(columns.len()));
    text.push('\n');
    let names = columns.first().map(|column| column.cells.iter().map(|(name, _)| *name)).into_iter().flatten();
    for name in names {
        write!(text, "| {name} |").ok();
        for column in columns {
            let cell = column.cells.iter().find(|(other, _)| *other == name).map_or("-", |(_, cell)| cell);
            write!(text, " {cell} |").ok();
        }
        text.push('\n');
    }
    let (kernel, processors) = machine();
    write!(text, "\nLinux {kernel}, {processors} processors, {rounds} rounds.\n").ok();
    text
}
