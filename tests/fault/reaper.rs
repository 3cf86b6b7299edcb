//! The kill sweep of the reaper: killed at every call, over jails in every state, it leaves nothing that the next sweep or
//! the next entry could stumble over.

use super::alone::new_calls;
use super::remains::{self, Left};
use super::scene::Scene;
use super::start::Order;
use super::trace::keep_to;
use super::ways;
use crate::common::kernels::{self, Kernels};
use crate::common::sweep::{self, Sweeps};
use crate::common::{RUN, program, seen};
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What a sweep may find of a jail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing.
    Absent,
    /// The empty place of a pin.
    Place,
    /// A jail that was used since the last sweep.
    Used,
    /// A jail that nobody used since then.
    Marked,
    /// A jail in which a program runs.
    Busy,
}

use State::{Absent, Busy, Marked, Place, Used};

/// The states of two jails, the richest first: what all sweeps begin with is swept there and nowhere else.
const STATES: [[State; 2]; 10] = [
    [Marked, Marked],
    [Absent, Absent],
    [Absent, Place],
    [Absent, Used],
    [Absent, Marked],
    [Absent, Busy],
    [Place, Marked],
    [Used, Marked],
    [Marked, Used],
    [Busy, Marked],
];

/// How the last line of the metrics begins.
const LAST: &str = "trampoline_sweep_seconds ";

pub struct Stage {
    pub scenes: [Scene; 2],
    pub sweeps: Sweeps,
    /// A program in a jail that is busy.
    busy: Option<Child>,
}

impl Stage {
    pub fn new() -> Self {
        Self { sweeps: sweep::ours(), scenes: [Scene::new(), Scene::new()], busy: None }
    }

    /// What the host has of both jails when nothing lives.
    pub fn at_rest(&self) -> [Vec<String>; 2] {
        self.scenes.each_ref().map(|scene| remains::on_host(scene.user.uid, &scene.user.home))
    }

    fn both(&self, states: [State; 2], state: &[State]) -> impl Iterator<Item = &Scene> {
        let state = state.to_vec();
        self.scenes.iter().zip(states).filter(move |(_, s)| state.contains(s)).map(|(scene, _)| scene)
    }

    /// Brings the jails into their states. A sweep marks, and an entry takes the mark off.
    pub fn set(&self, states: [State; 2]) {
        self.both(states, &[Absent, Place]).for_each(|scene| seen::take_down(scene.user.uid));
        for scene in self.both(states, &[Used, Marked]) {
            scene.next_entry_works("nothing");
        }
        if states.contains(&Marked) {
            self.sweeps.sweep(0);
            for scene in self.both(states, &[Used]) {
                scene.next_entry_works("a mark");
            }
        }
        for scene in self.both(states, &[Place]) {
            let made = seen::in_holder(|| File::create_new(format!("/pins/{}", scene.user.uid)).map(|_| 1));
            assert_eq!(made, 1);
        }
    }

    /// Begins what keeps a jail busy.
    pub fn begin(&mut self, states: [State; 2]) {
        let mut started = None;
        for scene in self.both(states, &[Busy]) {
            let child =
                Command::new(program("trampoline")).args([&scene.user.name, "--", "cat"]).stdin(Stdio::piped()).spawn().unwrap();
            started = Some(child);
            let runs = || seen::processes(scene.user.uid).iter().any(|(_, command)| command == "cat");
            assert!(seen::within(Duration::from_secs(5), runs));
        }
        self.busy = started;
    }

    pub fn end(&mut self) {
        if let Some(mut child) = self.busy.take() {
            assert!(child.try_wait().unwrap().is_none(), "a sweep ended a program");
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success());
        }
    }

    /// What a killed reaper left holds up nobody.
    pub fn goes_on(&self, states: [State; 2], entry_first: bool, what: &str) {
        if entry_first {
            self.scenes.iter().for_each(|scene| drop(scene.next_entry_works(what)));
        }
        self.two_sweeps(states, what);
    }

    /// Two sweeps, and the kernel has nothing of either jail.
    pub fn leaves_nothing(&self, kernels: &Kernels) {
        self.two_sweeps([Absent, Absent], "the end");
        kernels.have_nothing_new(&self.scenes.each_ref().map(|scene| scene.user.uid));
    }

    /// Two sweeps, and what was not busy is gone.
    fn two_sweeps(&self, states: [State; 2], what: &str) {
        let idle: Vec<u32> = self.both(states, &[Absent, Place, Used, Marked]).map(|scene| scene.user.uid).collect();
        remains::two_sweeps_of(&self.sweeps, &idle);
        for (scene, state) in self.scenes.iter().zip(states) {
            let expected = if state == Busy { Left::Pin } else { Left::Nothing };
            assert_eq!(remains::of_jail(scene.user.uid), expected, "{what}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reaper_killed_at_whatever_call_holds_up_no_sweep_and_no_entry_after_it() {
    keep_to(0);
    let mut stage = Stage::new();
    let dir = std::env::temp_dir().join(format!("reaper-killed-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let metrics = dir.join("metrics.prom");
    let name = stage.scenes[0].user.name.clone();
    let orders: [(Order, &[[State; 2]]); 4] = [
        (Order::new(program("reaper"), ["-v"]), &STATES),
        (Order::new(program("reaper"), ["--json", "--metrics", metrics.to_str().unwrap()]), &[[Marked, Used]]),
        (Order::new(program("reaper"), ["--drain", &name]), &[[Used, Absent], [Marked, Used]]),
        (Order::new(program("reaper"), ["--drain", "--all"]), &[[Used, Marked], [Place, Used]]),
    ];
    let (mut points, mut kills, mut survived, mut known) = (0, 0, 0, Vec::new());
    let kernels = kernels::now();
    stage.set([Used, Used]);
    let rest = stage.at_rest();
    for (order, states) in orders.iter().flat_map(|(order, all)| all.iter().map(move |states| (order, *states))) {
        stage.begin(states);
        stage.set(states);
        for point in new_calls(order, &mut known) {
            points += 1;
            for entry_first in [true, false] {
                stage.set(states);
                let what = format!("the reaper killed at call {}, {}, over {states:?}", point.nth, point.name);
                // What a killed one left of the figures makes the next one take another way.
                drop(std::fs::remove_file(dir.join(".metrics.prom.new")));
                point.kill(&what);
                kills += 1;
                // Whoever reads the figures finds all of them, of this sweep or of the one before.
                let figures = std::fs::read_to_string(&metrics).unwrap_or_default();
                assert!(
                    figures.is_empty() || figures.lines().last().is_some_and(|line| line.starts_with(LAST)),
                    "{what}: {figures}"
                );
                stage.goes_on(states, entry_first, &what);
                assert_eq!(stage.at_rest(), rest, "{what}");
                survived += 1;
            }
        }
        stage.end();
    }
    let done = Command::new(program("reaper")).arg("--metrics").arg(&metrics).status().unwrap();
    assert!(done.success() && std::fs::read_dir(&dir).unwrap().count() == 1, "half a file stays");
    std::fs::remove_dir_all(&dir).unwrap();
    // Without a holder there is nothing to sweep, and nothing that a sweep could leave.
    ways::first(&stage.scenes[0]);
    for point in new_calls(&orders[0].0, &mut known) {
        points += 1;
        kills += 1;
        point.kill("a reaper without a holder");
        stage.sweeps.sweep(0);
        assert!(!std::path::Path::new(RUN).exists(), "it made something");
        survived += 1;
    }
    stage.scenes[0].next_entry_works("sweeps without a holder");
    stage.leaves_nothing(&kernels);
    let again = remains::marked_again();
    assert!(again <= remains::MAY_BE_MARKED_AGAIN, "marks do not last: {again} of {kills}");
    println!(
        "kill sweep of reaper: {points} points, {kills} kills over {} states and {} commands, marked again: {again}, {survived} survived, failed = {}",
        STATES.len() + 1,
        orders.len(),
        kills - survived
    );
}
