//! The kill sweep of trampoline: at every call of each of its processes this one, another, or all of them are killed. What
//! is left must serve the next entry, and must be gone after two sweeps, in either order.

use super::deeds::{Deed, Input, Point, Run, Victim};
use super::orphans::reap_orphans;
use super::remains::{self, Left};
use super::scene::Scene;
use super::trace::keep_to;
use super::ways::{self, Way};
use crate::common::sweep::{self, Sweeps};
use crate::common::{kernels, program, seen};
use std::process::Command;
use std::time::{Duration, Instant};

/// What a sweep counts.
#[derive(Default, Debug)]
struct Count {
    points: usize,
    kills: usize,
    survived: usize,
    left_nothing: usize,
    left_a_place: usize,
    left_a_jail: usize,
}

/// After these something is there that was not there before; killed at its exit nobody has looked at it yet.
const MAKING: [&str; 17] = [
    "clone",
    "clone3",
    "fchdir",
    "flock",
    "fsmount",
    "mkdirat",
    "mknodat",
    "mount",
    "move_mount",
    "open_tree",
    "openat",
    "pivot_root",
    "setns",
    "setresuid",
    "umount2",
    "unlinkat",
    "unshare",
];

/// Who can be killed when a process of this depth is at a call, and `alone` says whether it has no child yet.
fn victims(depth: usize, alone: bool) -> Vec<Victim> {
    let mut all = vec![Victim::All];
    if !alone {
        all.extend((0..=depth.max(1)).map(Victim::Depth));
    }
    all
}

/// One kill.
#[derive(Clone, Copy, Debug)]
struct Kill {
    at: Point,
    victim: Victim,
    /// At the exit of the call instead of its entry.
    after: bool,
}

/// All there are in one way.
fn kills(way: &Way) -> Vec<Kill> {
    let mut all = Vec::new();
    for (depth, calls) in way.untouched.calls.iter().enumerate() {
        let clone = calls.iter().position(|call| call.name() == "clone3").unwrap_or(calls.len());
        for nth in way.range(depth) {
            for victim in victims(depth, depth == 0 && nth <= clone) {
                let moments = if MAKING.contains(&calls[nth].name()) { &[false, true][..] } else { &[false] };
                all.extend(moments.iter().map(|after| Kill { at: Point { depth, nth }, victim, after: *after }));
            }
        }
    }
    all
}

/// Kills somebody, and looks at how the others ended.
fn killed(scene: &Scene, way: &Way, kill: Kill, what: &str) {
    let (Kill { at, victim, after }, untouched) = (kill, &way.untouched);
    // Until all wait, nothing but the kill may end the run: a program that was started reads, and its input stays open.
    let waits = untouched.idle.as_ref().is_some_and(|idle| at.nth >= idle[at.depth]);
    let input = if waits { Input::EndsWhenAllWait } else { Input::Open };
    let run = way.run(scene, input, &[(at, Deed::Kill { victim, after })]);
    assert_eq!(run.hit.map(|call| call.name()), Some(untouched.calls[at.depth][at.nth].name()), "{what}: another call");
    assert!(!run.hung, "{what}: the others did not end");
    assert_eq!(run.err, "", "{what}");
    let expected = if matches!(victim, Victim::All | Victim::Depth(0)) { Run::KILLED } else { 128 + libc::SIGKILL };
    // Who was about to end may have done so.
    assert!(run.code == expected || (waits && run.code == 0), "{what}: exit {}", run.code);
}

fn sweep(scene: &Scene, way: &Way, sweeps: &Sweeps, count: &mut Count) {
    let uid = scene.user.uid;
    let at_rest = way.at_rest(scene);
    let nothing_extra = |what: &str| assert_eq!(remains::beside(&at_rest, &scene.user), Vec::<String>::new(), "{what}");
    for kill in kills(way) {
        let name = way.untouched.calls[kill.at.depth][kill.at.nth].name();
        for entry_first in [true, false] {
            let what = format!("{}: {kill:?}, {name}; entry first: {entry_first}", way.name);
            killed(scene, way, kill, &what);
            count.kills += 1;
            nothing_extra(&what);
            let left = remains::of_jail(uid);
            match left {
                Left::Nothing => count.left_nothing += 1,
                Left::Place => count.left_a_place += 1,
                Left::Pin => count.left_a_jail += 1,
                Left::Broken => panic!("{what}: the holder is broken"),
            }
            if entry_first {
                scene.next_entry_works(&what);
            }
            let expected = match left {
                _ if entry_first => ["marked", "unmounted"],
                Left::Pin => ["marked", "unmounted"],
                Left::Place => ["empty place removed", "not mentioned"],
                _ => ["not mentioned", "not mentioned"],
            };
            assert_eq!(remains::two_sweeps_of(sweeps, &[uid]), expected, "{what}: {left:?} was left");
            assert_eq!(remains::of_jail(uid), Left::Nothing, "{what}");
            nothing_extra(&what);
            if !entry_first {
                scene.next_entry_works(&what);
            }
            // A failure ends the test, and is not counted.
            count.survived += 1;
            if entry_first && left == Left::Nothing {
                // Then the sweeps have nothing to come before.
                break;
            }
        }
    }
    // The number after the last is not reached by anybody.
    for (depth, calls) in way.untouched.calls.iter().enumerate().filter(|_| way.is_whole()) {
        let end = Deed::Kill { victim: Victim::All, after: false };
        let run = way.run(scene, Input::EndsWhenAllWait, &[(Point { depth, nth: calls.len() }, end)]);
        assert_eq!((run.hit, run.code), (None, 0), "{}: there are more calls than were counted", way.name);
    }
    count.points += (0..3).map(|depth| way.range(depth).len()).sum::<usize>();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_is_killed_at_whatever_call_the_next_entry_works_and_two_sweeps_leave_nothing() {
    keep_to(0);
    let sweeps = sweep::ours();
    let scene = Scene::new();
    let [cold, warm] = ways::usual(&scene);
    let others = ways::others(&scene, &cold);
    let kernels = kernels::now();
    let mut count = Count::default();
    for way in [cold, warm].iter().chain(&others) {
        let before = (count.points, count.kills);
        sweep(&scene, way, &sweeps, &mut count);
        println!("killed in a {}: {} points, {} kills", way.name, count.points - before.0, count.kills - before.1);
    }
    ways::first(&scene);
    kernels.have_nothing_new(&[scene.user.uid]);
    let failed = count.kills - count.survived;
    println!("kill sweep of trampoline: {count:?}, marked again: {}, failed = {failed}", remains::marked_again());
    assert!(remains::marked_again() <= remains::MAY_BE_MARKED_AGAIN, "marks do not last");
}

/// How many times somebody is killed by the clock.
const MOMENTS: u64 = 150;

/// The tracer kills between two calls. Here the moment is any, within a call as well: a little later each time.
#[test]
#[ignore = "needs root and installed programs: make check"]
fn whenever_trampoline_is_killed_the_next_entry_works_and_two_sweeps_leave_nothing() {
    let sweeps = sweep::ours();
    let scene = Scene::new();
    scene.next_entry_works("nothing");
    let at_rest = remains::on_host(scene.user.uid, &scene.user.home);
    let (mut ended, mut survived, mut longest) = (0, 0, Duration::ZERO);
    for moment in 0..MOMENTS {
        let warm = moment % 2 == 0;
        if !warm {
            seen::take_down(scene.user.uid);
        }
        let delay = Duration::from_micros(moment * 37);
        let what = format!("killed after {delay:?}, warm: {warm}");
        let mut child = Command::new(program("trampoline")).args([&scene.user.name, "--", "true"]).spawn().unwrap();
        let start = Instant::now();
        while start.elapsed() < delay {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        ended += u32::from(child.wait().unwrap().success());
        longest = longest.max(start.elapsed());
        let gone = || seen::processes(scene.user.uid).is_empty();
        assert!(seen::within(Duration::from_secs(10), gone), "{what}: {:?}", seen::processes(scene.user.uid));
        reap_orphans();
        scene.next_entry_works(&what);
        assert_eq!(remains::two_sweeps_of(&sweeps, &[scene.user.uid]), ["marked", "unmounted"], "{what}");
        assert_eq!(remains::of_jail(scene.user.uid), Left::Nothing, "{what}");
        assert_eq!(remains::beside(&at_rest, &scene.user), Vec::<String>::new(), "{what}");
        scene.next_entry_works(&what);
        survived += 1;
    }
    let failed = MOMENTS - survived;
    println!(
        "killed by the clock: {MOMENTS} times, of which {ended} ended before; the latest after {longest:?}; {survived} survived, failed = {failed}"
    );
}
