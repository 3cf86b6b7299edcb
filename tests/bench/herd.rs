//! The crowd: what an entry costs when a thousand jails are up, what a sweep of them costs, and what the host sees.

use std::thread::sleep;
use std::time::Duration;

use crate::crew::{Crew, Who};
use crate::options::Options;
use crate::ours::{Lines, Ours, Programs, host_lines, run_true, sweep_twice};
use crate::rounds::{self, Contender};
use crate::table::{Figures, Report};
use crate::{Outcome, say, users};

/// Users who are added to the crowd but never entered, for cold entries beside it.
const LATECOMERS: u32 = 40;
/// How often the crowd is made and swept away.
const CYCLES: u32 = 3;

/// Measures with one jail, with the crowd, and with one jail again: what drifted meanwhile shows in the third.
pub fn measure(crew: &mut Crew, ours: &Ours, options: &Options, report: &mut Report) -> Outcome<()> {
    let (jails, programs) = (options.jails, &ours.programs);
    say(&format!("bench: making {jails} users"));
    ours.users.add(0..jails.saturating_add(LATECOMERS))?;

    let warm = |name: String| {
        let note = "as the warm entry, in rounds of their own";
        vec![rounds::plain(), Contender::spawned(&name, Who::Web, run_true(programs, 0), note)]
    };
    let mut lone = warm("warm entry, 1 live jail".into());
    let mut crowded = warm(format!("warm entry, {jails} live jails"));

    alone(crew, ours)?;
    lines(report, "before the first jail", &ours.before);
    lines(report, "with 1 live jail", &host_lines()?);
    let empty = sweeps_of_nothing(crew, ours)?;
    alone(crew, ours)?;
    rounds::play(crew, &mut lone, options.rounds);

    let (mut stay, mut go) = (Vec::new(), Vec::new());
    for cycle in 0..CYCLES {
        say(&format!("bench: {jails} live jails, {} of {CYCLES}", cycle.saturating_add(1)));
        for number in 0..jails {
            let ensure = [programs.trampoline.as_str(), "--ensure", &users::name(number)].map(str::to_string);
            crew.look(Who::Web, &ensure).map_err(|why| format!("--ensure {}: {why}", users::name(number)))?;
        }
        if cycle == 0 {
            sleep(Duration::from_millis(500));
            lines(report, &format!("with {jails} live jails"), &host_lines()?);
            rounds::play(crew, &mut crowded, options.rounds);
            latecomers(crew, ours, jails, &crowded, report)?;
            looks(crew, ours, jails, report)?;
        }
        // The first marks all, since each was entered after the last; the second takes all of them down.
        stay.extend(crew.time(Who::Root, 1, 0, &[&programs.reaper])?);
        go.extend(crew.time(Who::Root, 1, 0, &[&programs.reaper])?);
    }
    lines(report, "after the sweeps", &host_lines()?);
    let each = |samples: &[f64]| Figures::of(samples).map(|all| (all.median - empty) / f64::from(jails));
    report.fact("sweep of no jail at all: the reaper's start".into(), empty, "µs");
    report.fact(format!("sweep, per jail that stays (of {jails})"), each(&stay)?, "µs");
    report.fact(format!("sweep, per jail that goes (of {jails})"), each(&go)?, "µs");

    sleep(Duration::from_secs(1));
    alone(crew, ours)?;
    rounds::play(crew, &mut lone, options.rounds);
    let (one, many) = (ratio(report, &lone)?, ratio(report, &crowded)?);
    report.fact(format!("warm entry with {jails} live jails : with 1"), many / one, "×");
    Ok(())
}

fn lines(report: &mut Report, when: &str, seen: &Lines) {
    report.fact(format!("host's mountinfo {when} (namespace pins among them: {})", seen.pins), seen.all, "lines");
}

/// Takes all jails down and makes the first user's.
fn alone(crew: &mut Crew, ours: &Ours) -> Outcome<()> {
    sweep_twice(crew, &ours.programs)?;
    crew.look(Who::Web, &run_true(&ours.programs, 0)).map(drop)
}

fn sweeps_of_nothing(crew: &mut Crew, ours: &Ours) -> Outcome<f64> {
    sweep_twice(crew, &ours.programs)?;
    Ok(Figures::of(&crew.time(Who::Root, 11, 1000, &[&ours.programs.reaper])?)?.median)
}

/// The first entries of users whose jails are not up, while everybody else's are.
fn latecomers(crew: &mut Crew, ours: &Ours, jails: u32, crowd: &[Contender], report: &mut Report) -> Outcome<()> {
    let mut samples = Vec::new();
    for number in (jails..).take(LATECOMERS.try_into().unwrap_or(1)) {
        samples.extend(crew.time(Who::Web, 1, 0, &run_true(&ours.programs, number))?);
    }
    let plain = crowd.first().ok_or("nothing to measure")?.figures()?;
    let name = format!("cold entry, {jails} live jails");
    report.row(&name, Figures::of(&samples)?, &plain, "the jail is made beside the others");
    Ok(())
}

/// How long the programs run that are in each jail while it is looked at; when they end the sweeps go on.
const RUNNING: u64 = 25;

/// What it takes to see the jails, idle and with a program in each, and what `ps` takes to see the machine meanwhile.
fn looks(crew: &mut Crew, ours: &Ours, jails: u32, report: &mut Report) -> Outcome<()> {
    let Programs { trampoline, jailbase, .. } = &ours.programs;
    let mut look = |crew: &mut Crew, when: &str| -> Outcome<()> {
        for words in [vec![jailbase.as_str(), "ls"], vec![jailbase, "stat"], vec!["ps", "ax"]] {
            let samples = crew.time(Who::Root, 21, 3000, &words)?;
            let name = if words.contains(&"ax") {
                "ps ax".to_owned()
            } else {
                format!("jailbase {}", words.last().copied().unwrap_or_default())
            };
            report.fact(format!("{name}, {jails} live jails, {when}"), Figures::of(&samples)?.median / 1e3, "ms");
        }
        Ok(())
    };
    look(crew, "idle")?;
    let line = format!(
        "for i in $(seq 0 {}); do {trampoline} bench$i -- sleep {RUNNING} </dev/null >/dev/null 2>&1 & done",
        jails.saturating_sub(1)
    );
    crew.look(Who::Web, &["/bin/sh", "-c", &line])?;
    sleep(Duration::from_secs(RUNNING / 3));
    look(crew, "a program in each")?;
    sleep(Duration::from_secs(RUNNING));
    Ok(())
}

/// Enters the pair into the report and returns its ratio.
fn ratio(report: &mut Report, pair: &[Contender]) -> Outcome<f64> {
    let [plain, warm] = pair else { return Err("not a pair".into()) };
    let plain = plain.figures()?;
    rounds::enter(report, warm, &plain);
    Ok(warm.figures()?.median / plain.median)
}
