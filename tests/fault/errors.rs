//! The error sweep of trampoline: every call of each of its processes is answered by an error instead of being made. Either
//! the program runs with everything in place, or it does not run at all; there is no third outcome.

use super::deeds::{Deed, Input, Point};
use super::outcome::{Outcome, judge};
use super::remains::{self, Left};
use super::report::Report;
use super::scene::Scene;
use super::trace::keep_to;
use super::ways::{self, Way};
use crate::common::RUN;
use std::collections::BTreeMap;
use std::thread;

/// What a kernel says that is short of something, or was told to say no.
const ERRORS: [i32; 6] = [libc::EPERM, libc::EIO, libc::ENOMEM, libc::EINTR, libc::EAGAIN, libc::ENOSPC];

/// What it says of what it was asked for, and what our own code takes for an answer here and there. `FAULT_ERRORS=all`
/// tries these too.
const ANSWERS: [i32; 8] =
    [libc::EACCES, libc::EBUSY, libc::ECHILD, libc::EEXIST, libc::EINVAL, libc::ELOOP, libc::ENOENT, libc::ENOSYS];

/// Calls that by their manual pages always succeed, or do not return.
const NEVER_FAIL: [&str; 3] = ["umask", "getpid", "exit_group"];

/// Answers that say something else than a failure: there are no keyrings, so none could be seen; the directory is there.
const EXCUSED: [(&str, i32); 2] = [("keyctl", libc::ENOSYS), ("mkdirat", libc::EEXIST)];

/// Moving the break has one answer for every failure.
const WITHOUT_ERRNO: &str = "brk";

#[derive(Default)]
struct Tally {
    points: usize,
    outcomes: BTreeMap<Outcome, usize>,
    open: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.points += other.points;
        other.outcomes.into_iter().for_each(|(outcome, count)| *self.outcomes.entry(outcome).or_default() += count);
        self.open.extend(other.open);
    }
}

fn errors_of(name: &str) -> Vec<i32> {
    let all = std::env::var_os("FAULT_ERRORS").is_some_and(|which| which == "all");
    let mut errors: Vec<i32> = ERRORS.iter().chain(ANSWERS.iter().filter(|_| all)).copied().collect();
    errors.retain(|errno| !NEVER_FAIL.contains(&name) && !EXCUSED.contains(&(name, *errno)));
    errors.truncate(if name == WITHOUT_ERRNO { 1 } else { errors.len() });
    errors
}

/// One error at one call, and then the next entry.
fn answered(scene: &Scene, way: &Way, at: Point, errno: i32) -> Result<Outcome, String> {
    let run = way.run(scene, Input::EndsWhenAllWait, &[(at, Deed::Answer(-i64::from(errno)))]);
    if run.hit.map(|call| call.name()) != Some(way.name_of(at)) {
        return Err("another call, or none".into());
    }
    let outcome = judge(scene, way, at, &run)?;
    let left = remains::of_jail(scene.user.uid);
    if ![Left::Nothing, Left::Pin].contains(&left) {
        return Err(format!("{outcome:?}, and what is left: {left:?}"));
    }
    let next = scene.next_entry().map_err(|why| format!("{outcome:?}, and the next entry: {why}"))?;
    let seen = run.seen.as_deref().map(Report::read);
    if seen.is_some_and(|seen| ["ipc", "uts", "net"].iter().any(|kind| seen.namespace(kind) != next.namespace(kind))) {
        return Err(format!("{outcome:?}, and not in the namespaces of the jail"));
    }
    Ok(outcome)
}

/// Every share-th point of a way, from the own-th on.
fn sweep(scene: &Scene, way: &Way, own: usize, share: usize) -> Tally {
    let mut tally = Tally::default();
    let at_rest = way.at_rest(scene);
    let points = (0..3).flat_map(|depth| way.range(depth).map(move |nth| Point { depth, nth }));
    for at in points.skip(own).step_by(share) {
        let errors = errors_of(way.name_of(at));
        tally.points += usize::from(!errors.is_empty());
        for errno in errors {
            let what = format!("{}: {at:?} {} answers {errno}", way.name, way.name_of(at));
            match answered(scene, way, at, errno) {
                Ok(outcome) => *tally.outcomes.entry(outcome).or_default() += 1,
                Err(why) => tally.open.push(format!("{what}: {why}")),
            }
            let mut extra = remains::beside(&at_rest, &scene.user);
            // By EINVAL the kernel says that the holder cannot be pinned in a directory that is no mount of its own.
            extra.retain(|line| errno != libc::EINVAL || !line.starts_with(&format!("{RUN} ")));
            if !extra.is_empty() {
                tally.open.push(format!("{what}: {extra:?} is left"));
            }
        }
    }
    tally
}

/// What every processor does by itself.
fn share(own: usize, share: usize) -> Vec<(&'static str, Tally)> {
    keep_to(own);
    let scene = Scene::new();
    ways::usual(&scene).map(|way| (way.name, sweep(&scene, &way, own, share))).into()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whatever_call_fails_the_program_runs_with_everything_in_place_or_not_at_all() {
    let processors = thread::available_parallelism().unwrap().get().min(4);
    let shares: Vec<_> = (0..processors).map(|own| thread::spawn(move || share(own, processors))).collect();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for (name, tally) in shares.into_iter().flat_map(|share| share.join().unwrap()) {
        tallies.entry(name).or_default().add(tally);
    }
    // The rest take the holder from under each other.
    keep_to(0);
    let scene = Scene::new();
    let [cold, _] = ways::usual(&scene);
    for way in ways::others(&scene, &cold) {
        tallies.entry(way.name).or_default().add(sweep(&scene, &way, 0, 1));
    }
    ways::first(&scene);
    let mut sum = Tally::default();
    for (name, tally) in tallies {
        println!("errors in a {name}: {} points, {:?}", tally.points, tally.outcomes);
        sum.add(tally);
    }
    let (tried, points) = (sum.outcomes.values().sum::<usize>() + sum.open.len(), sum.points);
    println!("error sweep of trampoline: {points} points, {tried} errors, {:?}, failed = {}", sum.outcomes, sum.open.len());
    assert!(sum.open.is_empty(), "\n{}", sum.open.join("\n"));
}
