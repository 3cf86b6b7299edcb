//! The whole program in a storm: calls with random words, variables, descriptors, limits, signals and deaths. None may run a
//! program outside of a jail or as anything but its user, say what is not ours to say, or leave anything behind.
//!
//! `STORM_CALLS` says how many (3,000 if nothing does), `STORM_SEED` where the row of numbers begins; a call that fails says
//! its number, and `STORM_SEED=NUMBER STORM_CALLS=1` makes it again.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../fuzz/mutate.rs"]
mod mutate;

mod call;
mod proof;
mod start;

use call::{Call, Stock, Stream};
use common::user::User;
use common::{log, process, program, seen};
use proof::{Cage, Proof};
use start::{Done, Files, NOT_STARTED};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What the canary returns.
const SANG: i32 = 42;

/// After so many calls the reaper takes all jails down, so that some entries are cold.
const SWEEP: u64 = 50;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_storm_of_calls_runs_nothing_outside_of_a_jail_and_leaves_nothing_behind() {
    let (users, stranger) = ([User::new(), User::new()], User::without_jail());
    let trampoline = CString::new(program("trampoline").as_os_str().as_bytes()).unwrap();
    let cages = users.each_ref().map(proof::hatch);
    let stock = Stock {
        users: cages.each_ref().map(|cage| cage.who.clone()),
        stranger: stranger.name.clone(),
        lines: inputs(),
        tokens: users.iter().flat_map(|u| [u.name.clone(), format!("{}/canary", u.home)]).map(String::into_bytes).collect(),
    };
    log::listen();
    adopt();
    let usual: Vec<Proof> = users.iter().map(|user| usually(user, &cages)).collect();
    // What runs outside is told from what runs inside, or the storm shows nothing.
    Command::new(users[0].in_home("canary")).uid(33).gid(33).status().unwrap();
    let outside = proof::said(&cages);
    assert!(outside.len() == 1 && proof::faults(&outside[0].1, users[0].uid, &Call::of(0, &stock), &usual[0]).len() > 8);

    let files = Files::open();
    let (first, calls) = (number("STORM_SEED", 1), number("STORM_CALLS", 3000));
    let mut outcomes: BTreeMap<i32, u64> = BTreeMap::new();
    for number in first..first + calls {
        let call = Call::of(number, &stock);
        let done = start::run(&call, &trampoline, &files);
        let orphans = alone();
        let proofs = proof::said(&cages);
        let mut faults = outcome(&call, &done, proofs.len());
        for (uid, proof) in &proofs {
            let at = users.iter().position(|user| user.uid == *uid).unwrap();
            faults.extend(proof::faults(proof, *uid, &call, &usual[at]));
        }
        faults.extend(orphans);
        assert!(
            faults.is_empty(),
            "call {number}: {faults:#?}\n{call:?}\ncode {}, out {:?}, err {:?}",
            done.code,
            text(&done.out),
            text(&done.err)
        );
        *outcomes.entry(done.code).or_default() += 1;
        if number % SWEEP == 0 {
            sweep(&users);
        }
    }
    sweep(&users);
    println!("{calls} calls from {first}; exit codes, signals as negative numbers: {outcomes:?}");
    let count = |code| outcomes.get(&code).copied().unwrap_or(0);
    if calls >= 1000 {
        for code in [SANG, 0, 64, 77, 125, 126, 127] {
            assert!(count(code) >= calls / 500, "too few calls end with {code}: {outcomes:?}");
        }
        assert!(count(SANG) > calls / 10 && count(NOT_STARTED) < calls / 5, "{outcomes:?}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(2000).collect()
}

/// The corpus of command lines.
fn inputs() -> Vec<Vec<u8>> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus/argv");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// What is left of a call becomes our child, and is seen.
fn adopt() {
    // SAFETY: numbers.
    process::said(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).unwrap();
}

/// Whether no process of the call is left; who was killed in the middle gets a moment.
fn alone() -> Option<String> {
    let none = || loop {
        // SAFETY: any child, and no status.
        match unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) } {
            0 => return false,
            pid if pid > 0 => {}
            _ => return true,
        }
    };
    (!seen::within(Duration::from_secs(10), none)).then(|| "a process outlived its call".to_owned())
}

/// A call as it should be, whose proof all others are compared with.
fn usually(user: &User, cages: &[Cage]) -> Proof {
    assert_eq!(user.run(&[&format!("{}/canary", user.home)]).code(), SANG);
    let mut proofs = proof::said(cages);
    assert_eq!(proofs.len(), 1);
    proofs.remove(0).1
}

/// What is wrong with how a call ended and what it said.
fn outcome(call: &Call, done: &Done, proofs: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |good: bool, what: &str| {
        if !good {
            faults.push(what.to_owned());
        }
    };
    let small =
        call.limits.iter().any(|(r, _)| [libc::RLIMIT_AS, libc::RLIMIT_STACK, libc::RLIMIT_DATA, libc::RLIMIT_CPU].contains(r));
    let no_descriptor = call.limits.iter().any(|(r, value)| *r == libc::RLIMIT_NOFILE && *value < 4);
    // Chance may cut a path to that of another program of the image, which has exit codes and words of its own.
    let another = call.words.iter().any(|w| w.to_str().is_ok_and(|w| w.starts_with("/bin/") && Path::new(w).is_file()));
    match done.code {
        1 | 2 if another => {}
        0 | SANG | 64 | 77 | 125 | 126 | 127 | 129..=192 => {}
        NOT_STARTED => {
            must(small || !call.limits.is_empty() || call.words.iter().any(|w| w.to_bytes().len() > 100_000), "not started")
        }
        // The kernel ends a program that does not fit into its caller's limits before its first instruction.
        -9 => must(call.killed.is_some() || small, "killed by nobody"),
        // The C library of a setuid program stops it by a fault if it may not have three descriptors: musl always (its start
        // asks poll(2) for them, and opens one more for each that is none or only a path), glibc if it must open one
        // (check_one_fd in csu/check_fds.c).
        -11 => must(small || no_descriptor, "a fault in memory"),
        -14 | -26 | -27 => must(call.timer.is_some(), "a timer that nobody set"),
        _ => must(false, "an exit code or signal that no paper names"),
    }
    must(proofs == usize::from(done.code == SANG) || (proofs == 1 && done.code < 0), "the number of programs that ran");
    must(proofs == 0 || call.uid != 34, "a caller whom the policy does not know ran a program");
    // Where root may not raise a hard limit, the caller's may cut what is written to a file.
    let cut = !process::may_raise_limits() && call.limits.iter().any(|(r, _)| *r == libc::RLIMIT_FSIZE);
    if call.streams[1] == Stream::Seen && !cut && !done.out.is_empty() {
        let answer = ["Usage: trampoline ", "trampoline ", "enter   callers ", "user      "];
        must(done.code <= 0 && answer.iter().any(|start| done.out.starts_with(start.as_bytes())), "something on standard output");
    }
    if call.streams[2] == Stream::Seen && !cut {
        let said = text(&done.err);
        let plain = |line: &str| line.starts_with("trampoline: ") && !line.chars().any(char::is_control);
        // A program that ran, or may have, has words of its own: the loader complains of what was asked for with -e.
        let ran = another || done.code <= 0 || done.code == SANG || done.code > 128;
        must(ran || (said.lines().count() <= 2 && said.lines().all(plain)), "odd words on standard error");
        must(![64, 77, 125].contains(&done.code) || !said.is_empty(), "a failure without a word");
    }
    faults
}

/// Takes all jails down; then nothing is mounted, pinned or running that was not before. Two sweeps do it, unless the kernel
/// is not done yet with who was killed last.
fn sweep(users: &[User]) {
    let gone = || {
        let done = Command::new(program("reaper")).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        users.iter().all(|user| !seen::is_pinned(user.uid) && !seen::has_place(user.uid))
    };
    assert!(seen::within(Duration::from_secs(10), gone), "a pin outlives all sweeps: {:?}", seen::pins());
    for user in users {
        assert!(seen::processes(user.uid).is_empty(), "{:?}", seen::processes(user.uid));
    }
    // The holder stands on a private mount of its directory where mounts are shared.
    let holders = |line: &String| line.contains("/holder ") || line.contains(&format!(" {} ", common::RUN));
    let of_a_home = |line: &String| users.iter().any(|user| line.contains(&format!(" {}", user.home)));
    let strange: Vec<String> =
        seen::mounts().into_iter().filter(|line| !holders(line) && (of_a_home(line) || !line.contains(" /home/"))).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
