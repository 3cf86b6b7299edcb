//! What a sweep says and does, and what a look says without doing it.

use crate::common::user::User;
use crate::common::{STATE, process, program, reaped, seen, sweep};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_look_sets_no_mark_and_takes_none_off() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.ensure();
    for _ in 0..3 {
        assert_eq!(reaped::run(&["--dry-run", "--json"]).outcome(user.uid), "idle");
    }
    // To people it says so without being told to say more.
    let said = reaped::run(&["--dry-run"]);
    assert!(said.out.is_empty() && said.err.contains(&format!("{}: ", user.uid)), "{said:?}");
    assert_eq!(sweeps.sweep(user.uid), "marked", "a look set the mark");
    for _ in 0..3 {
        assert_eq!(reaped::run(&["--dry-run", "--json"]).outcome(user.uid), "idle");
    }
    assert_eq!(sweeps.sweep(user.uid), "unmounted", "a look took the mark off");
    assert_eq!(reaped::run(&["--dry-run", "--json"]).outcome(user.uid), "");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_look_names_who_holds_a_jail_and_what_would_be_cleared_away() {
    let (user, made, gone) = (User::new(), User::new(), User::new());
    let _ours_alone = sweep::ours();
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    let places = [made.uid, gone.uid].map(|uid| format!("/pins/{uid}"));
    assert_eq!(seen::in_holder(|| places.iter().try_for_each(|place| std::fs::write(place, "")).map(|()| 1)), 1);
    let lock = process::flock(&format!("{STATE}/jails/{}", made.uid));

    let look = reaped::run(&["--dry-run", "--json"]);
    assert_eq!(look.code, 0, "{look:?}");
    assert_eq!([look.outcome(user.uid), look.outcome(made.uid), look.outcome(gone.uid)], ["in-use", "in-making", "empty"]);
    let held = look.jail(&user.uid.to_string())["held_by"].clone();
    let held: Vec<(u64, u64)> =
        held.as_array().unwrap().iter().map(|by| (by["pid"].as_u64().unwrap(), by["uid"].as_u64().unwrap())).collect();
    assert_eq!(held.len(), 2, "supervisor and init: {held:?}");
    assert!(held.contains(&(running.pid().into(), 33)) && held.iter().any(|(_, uid)| *uid == u64::from(user.uid)), "{held:?}");
    assert!(seen::has_place(gone.uid) && seen::has_place(made.uid), "a look removes nothing");

    let swept = reaped::run(&["--json"]);
    assert_eq!([swept.outcome(user.uid), swept.outcome(made.uid), swept.outcome(gone.uid)], ["in-use", "in-making", "cleared"]);
    drop(lock);
    assert_eq!(reaped::run(&["--json"]).outcome(made.uid), "cleared");
    running.signal(libc::SIGTERM);
    running.end();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_object_for_programs_has_each_jail_and_totals_that_agree_with_them() {
    let users = [User::new(), User::new()];
    let _ours_alone = sweep::ours();
    users.iter().for_each(User::ensure);
    for outcome in ["marked", "unmounted"] {
        let swept = reaped::run(&["--json"]);
        swept.well();
        let object = swept.object();
        assert_eq!((&object["task"], &object["result"]), (&"sweep".into(), &"complete".into()), "{object}");
        assert!(users.iter().all(|user| swept.outcome(user.uid) == outcome), "{object}");
        let jails = object["jails"].as_array().unwrap();
        let of = |word: &str| jails.iter().filter(|jail| jail["outcome"] == word).count() as u64;
        for (total, word) in [("marked", "marked"), ("unmounted", "unmounted"), ("in_use", "in-use"), ("failed", "failed")] {
            assert_eq!(object["totals"][total].as_u64(), Some(of(word)), "{total}: {object}");
        }
        assert_eq!(object["totals"]["live"].as_u64(), Some(of("marked") + of("in-use")), "{object}");
        assert_eq!(object["totals"]["storage_returned"], 0);
        assert!(object["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0 && seconds < 60.0), "{object}");
    }
    let drained = reaped::run(&["--json", "--drain", &users[0].name]);
    assert_eq!((drained.code, drained.outcome(users[0].uid).as_str()), (0, "drained"), "{drained:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sweep_that_finds_another_at_work_says_who_after_a_second_and_ends_well() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    let lock = process::flock(&format!("{STATE}/jails"));
    let start = Instant::now();
    let left = reaped::run(&["--json"]);
    assert!((1.0..3.0).contains(&start.elapsed().as_secs_f64()), "{left:?}");
    assert_eq!((left.code, left.object()["result"].as_str()), (0, Some("left")), "{left:?}");
    assert_eq!(left.object()["left_to"]["pid"].as_u64(), Some(std::process::id().into()), "{left:?}");
    assert!(left.err.contains(&format!("pid {} (uid 0: ", std::process::id())), "{left:?}");
    assert!(left.err.ends_with("is at work on the jails: nothing done, the next sweep will\n"), "{left:?}");
    drop(lock);
    assert_eq!(reaped::run(&["--json"]).outcome(user.uid), "marked", "and nothing was done");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_stopped_or_killed_sweep_keeps_the_next_one_no_longer_than_it_is_there() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    // Stopped while it has the turn: strace holds it before its first question to the kernel.
    let mut held = Command::new("strace");
    held.args(["-o", "/dev/null", "-e", "trace=umount2", "-e", "inject=umount2:delay_enter=60000000"]);
    let mut held = held.arg(program("reaper")).stderr(Stdio::null()).spawn().unwrap();
    let mut left = reaped::run(&["--json"]);
    assert!(seen::within(Duration::from_secs(20), || {
        // So that there is something to ask about when strace gets there.
        user.ensure();
        left = reaped::run(&["--json"]);
        left.object()["result"] == "left"
    }));
    let by = left.object()["left_to"].clone();
    assert!(by["command"].as_str().is_some_and(|command| command.ends_with("/reaper")), "{by}");
    assert_eq!(left.code, 0);
    process::kill(u32::try_from(by["pid"].as_u64().unwrap()).unwrap(), libc::SIGKILL);
    // A process that is traced is gone only when its tracer has taken note.
    held.kill().unwrap();
    held.wait().unwrap();
    let swept = reaped::run(&["--json"]);
    assert_eq!((swept.code, swept.object()["result"].as_str()), (0, Some("complete")), "{swept:?}");
    assert!(["marked", "unmounted"].contains(&swept.outcome(user.uid).as_str()), "{swept:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_sweeps_at_once_are_two_sweeps_one_after_the_other() {
    let users: Vec<User> = (0..5).map(|_| User::new()).collect();
    let _ours_alone = sweep::ours();
    for _ in 0..10 {
        users.iter().for_each(User::ensure);
        let start = || reaped::command().arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let both = [start(), start()].map(|sweep| reaped::of(&sweep.wait_with_output().unwrap()));
        both.iter().for_each(reaped::Reaped::well);
        for user in &users {
            let mut outcomes = both.each_ref().map(|sweep| sweep.outcome(user.uid));
            outcomes.sort();
            assert_eq!(outcomes, ["marked", "unmounted"], "{both:?}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn one_jail_that_fails_stops_no_sweep_and_the_next_sweep_recovers() {
    let users = [User::new(), User::new(), User::new()];
    let _ours_alone = sweep::ours();
    users.iter().for_each(User::ensure);
    // The lock of the second cannot be had: its directory is somebody's link.
    let (dir, aside) = (format!("{STATE}/jails/{}", users[1].uid), format!("{STATE}/jails/.aside-{}", users[1].uid));
    std::fs::rename(&dir, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &dir).unwrap();
    assert_eq!(reaped::run(&["--json"]).code, 0);
    let swept = reaped::run(&["--json"]);
    std::fs::remove_file(&dir).unwrap();
    std::fs::rename(&aside, &dir).unwrap();
    assert_eq!((swept.code, swept.object()["result"].as_str()), (125, Some("failed")), "{swept:?}");
    let outcomes = users.each_ref().map(|user| swept.outcome(user.uid));
    assert_eq!(outcomes, ["unmounted", "failed", "unmounted"], "{swept:?}");
    let line = format!("reaper: {}: cannot open {dir}: ", users[1].uid);
    assert!(swept.err.starts_with(&line) && swept.err.lines().count() == 1, "{swept:?}");
    assert_eq!(swept.object()["totals"]["failed"], 1);

    let swept = reaped::run(&["--json"]);
    assert_eq!((swept.code, swept.outcome(users[1].uid).as_str()), (0, "cleared"), "{swept:?}");
    users[1].run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_clock_that_is_years_off_changes_nothing() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    // What can be shifted for one process alone: the clocks since the start of the machine. Nobody here asks what day it
    // is; tests/house.rs sees to that.
    let years_later = |name: &str, words: &[&str], seconds: &str| {
        let mut command = Command::new("unshare");
        command.args(["-T", "--fork", "--monotonic", seconds, "--boottime", seconds]).arg(program(name)).args(words);
        reaped::of(&command.env_clear().env("PATH", "/usr/bin:/bin").output().unwrap())
    };
    let shifted = |seconds: &str| years_later("reaper", &["--json"], seconds);
    for outcome in ["marked", "unmounted"] {
        let swept = shifted("315360000");
        assert_eq!((swept.code, swept.outcome(user.uid).as_str()), (0, outcome), "{swept:?}");
    }
    user.ensure();
    assert_eq!(shifted("315360000").outcome(user.uid), "marked");
    assert_eq!(reaped::run(&["--json"]).outcome(user.uid), "unmounted", "ten years back, and the mark still counts");
    // A cold and a warm entry, one with a limit of time, and a drain that waits in vain, then one that need not.
    for (words, code) in [(&["--", "true"][..], 0), (&["--", "true"], 0), (&["--", "sleep", "60"], 143)] {
        let words = [&["-t", "1", &user.name][..], words].concat();
        let done = years_later("trampoline", &words, "315360000");
        assert_eq!((done.code, done.err.is_empty() || code == 143), (code, true), "{words:?}: {done:?}");
    }
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(10), || seen::processes(user.uid).len() > 1));
    let start = Instant::now();
    let drain = |seconds: &str| years_later("reaper", &["--drain", &user.name, "--wait", seconds], "315360000");
    assert_eq!(drain("1").code, 75);
    assert!((Duration::from_secs(1)..Duration::from_secs(30)).contains(&start.elapsed()), "{:?}", start.elapsed());
    running.signal(libc::SIGTERM);
    running.end();
    assert_eq!(drain("60").code, 0);
    user.run(&["true"]).well();
}
