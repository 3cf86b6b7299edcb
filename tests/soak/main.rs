//! The soak: eight callers and fifty users, two reapers that never rest, administrators who add, remove and drain users,
//! and people who look around, all at once. Whoever was not told to be refused is served, what was written is there,
//! and nothing is left.
//!
//! `SOAK_ROUNDS` says how long: in a round each caller visits each user. `SOAK_TABLE` names a file for the figures.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod administrators;
mod callers;
mod figures;
mod reapers;
mod tenants;
mod walkers;

use common::{kernels, seen, sweep};
use figures::Figures;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tenants::Tenant;

const CALLERS: usize = 8;
const USERS: usize = 50;
/// The first so many of the users come and go while they are called.
const COMING_AND_GOING: usize = 12;
const REAPERS: usize = 2;
const ADMINISTRATORS: usize = 2;

/// As many rounds as take about a minute on two processors.
const ROUNDS: usize = 12;

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Ends everybody who works until told to stop.
struct Bell<'a>(&'a AtomicBool);

impl Drop for Bell<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Rings if the work fails: a fault is found out soon, and not after all rounds.
fn watched<T>(end: &AtomicBool, work: impl FnOnce() -> T) -> T {
    let bell = Bell(end);
    let done = work();
    std::mem::forget(bell);
    done
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whatever_happens_at_once_nobody_is_failed_nothing_is_lost_and_nothing_is_left() {
    let _ours = sweep::ours();
    let rounds = number("SOAK_ROUNDS", ROUNDS);
    let mut tenants: Vec<Tenant> = (0..USERS).map(|_| Tenant::new()).collect();
    // The holder is there from here on, with its line in the host's table.
    tenants[0].user().ensure();
    let (mounts, kernels, figures, end) = (seen::mounts(), kernels::now(), Figures::new(), AtomicBool::new(false));
    let start = Instant::now();

    let diaries = thread::scope(|scope| {
        let (end, figures, tenants) = (&end, &figures, tenants.as_slice());
        let bell = Bell(end);
        for _ in 0..REAPERS {
            scope.spawn(move || watched(end, || reapers::sweep_until(end, figures)));
        }
        for number in 0..ADMINISTRATORS {
            let own: Vec<&Tenant> = tenants[..COMING_AND_GOING].iter().skip(number).step_by(ADMINISTRATORS).collect();
            scope.spawn(move || watched(end, || administrators::change_until(end, &own, figures)));
        }
        scope.spawn(move || watched(end, || administrators::drain_until(end, tenants, figures)));
        walkers::start(scope, end, figures);
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| scope.spawn(move || watched(end, || callers::visit(number, rounds, tenants, end, figures))))
            .collect();
        let diaries: Vec<callers::Diary> = callers.into_iter().map(|caller| caller.join().expect("a caller failed")).collect();
        drop(bell);
        diaries
    });
    let took = start.elapsed();

    let found = callers::found(&diaries, &tenants);
    let compared = callers::simultaneous(&diaries);
    // Two complete sweeps take what is idle, and all of it is.
    (0..2).for_each(|_| reapers::sweep(&figures));
    let uids: BTreeSet<u32> = tenants.iter().map(|tenant| tenant.user().uid).collect();
    tenants.iter().for_each(|tenant| tenant.user().leaves_nothing());
    assert_eq!(seen::pins().into_iter().filter(|uid| uids.contains(uid)).collect::<Vec<_>>(), Vec::<u32>::new());
    tenants.iter().for_each(Tenant::has_its_files_or_none);
    assert_eq!(seen::mounts(), mounts, "the host's mount table");
    kernels.have_nothing_new(&uids.iter().copied().collect::<Vec<u32>>());
    tenants.clear();

    let table = figures.table(rounds, took, compared, found);
    assert!(figures.is_worth_its_name(), "the soak did not do what it is there for:\n{table}");
    println!("{table}");
    if let Some(file) = std::env::var_os("SOAK_TABLE") {
        std::fs::write(file, &table).unwrap();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_people_only_look_at_goes() {
    const TURNS: usize = 5;
    const MOST: usize = 4;
    let _ours = sweep::ours();
    let tenants: Vec<Tenant> = (0..10).map(|_| Tenant::new()).collect();
    let (figures, end) = (Figures::new(), AtomicBool::new(false));
    let mut needed = Vec::new();
    thread::scope(|scope| {
        let bell = Bell(&end);
        walkers::start(scope, &end, &figures);
        for _ in 0..TURNS {
            tenants.iter().for_each(|tenant| tenant.user().ensure());
            let before = figures.walks();
            let sweeps = (1..=MOST).find(|_| {
                // A sweep each time that everybody has looked around, so that between any two of them each has.
                let seen = figures.walks();
                assert!(seen::within(Duration::from_secs(60), || figures.walked_since(&seen)), "somebody looks no more");
                reapers::sweep(&figures);
                tenants.iter().all(|tenant| !seen::has_place(tenant.user().uid))
            });
            assert!(figures.walked_since(&before));
            needed.push(sweeps.unwrap_or_else(|| panic!("jails live on after {MOST} sweeps, and nobody used them")));
        }
        drop(bell);
    });
    assert!(needed.iter().filter(|sweeps| **sweeps == 2).count() > TURNS / 2, "{needed:?}");
    println!("{TURNS} times {} idle jails, with {}: gone after {needed:?} sweeps", tenants.len(), walkers::NAMES.join(", "));
}
