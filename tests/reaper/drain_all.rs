//! Drains of all jails: whatever state each is in, and whatever became of its directory.

use crate::common::user::User;
use crate::common::{STATE, process, program, reaped, seen, sweep};
use crate::drain::{drain, end, end_of_killed, finish, is_refused, session, start};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_of_all_bars_everybody_before_it_looks_who_there_is() {
    let _ours_alone = sweep::ours();
    let user = User::new();
    let trace = user.in_home("trace");
    let mut command = Command::new("strace");
    command.args(["-y", "-qq", "-e", "trace=fcntl,getdents64", "-o"]).arg(&trace).arg(program("reaper"));
    assert!(command.args(["--drain", "--all", "--wait", "5"]).stdout(Stdio::null()).status().unwrap().success());
    let calls = std::fs::read_to_string(&trace).unwrap();
    let at = |what: &str| calls.lines().position(|line| line.contains(what) && line.contains("/jails>")).unwrap();
    assert!(at("F_OFD_SETLK") < at("getdents64("), "{calls}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_is_kept_out_is_told_at_once_even_if_somebody_hangs_who_makes_the_jail() {
    let _ours_alone = sweep::ours();
    let (user, other) = (User::new(), User::new());
    let lock = process::flock(&format!("{STATE}/jails/{}", user.uid));
    let waiting = start(&["--drain", "--all", "--wait", "60"]);
    assert!(seen::within(Duration::from_secs(5), || is_refused(&other)), "the drain keeps nobody out");
    let asked = Instant::now();
    assert!(is_refused(&user));
    // Who waits for the lock waits ten seconds.
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    drop(lock);
    let (code, said) = end(waiting);
    assert_eq!(code, 0, "{said}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_of_all_takes_down_what_is_idle_keeps_everybody_out_and_says_whose_sessions_still_run() {
    let (idle, busy) = (User::new(), User::new());
    let _all = sweep::ours();
    idle.ensure();
    let running = session(&busy);
    let waiting = start(&["--drain", "--all", "--wait", "60"]);
    assert!(seen::within(Duration::from_secs(5), || is_refused(&idle) && is_refused(&busy)));
    assert!(seen::within(Duration::from_secs(5), || !seen::has_place(idle.uid)), "who is idle need not wait for others");
    let late = User::new();
    assert!(is_refused(&late), "a user who came later is kept out as well");
    process::kill(waiting.id(), libc::SIGKILL);
    end_of_killed(waiting);
    idle.run(&["true"]).well();
    let (code, said) = drain(&["--drain", "--all", "--wait", "0"]);
    assert_eq!(code, 75, "{said}");
    assert!(said.contains(&format!("{}: drained", idle.uid)) && said.contains(&format!("{}: not drained", busy.uid)), "{said}");
    finish(running);
}

/// A jail's directory that an administrator moved away, and that is put back with this value.
struct Moved(PathBuf, PathBuf);

impl Moved {
    fn away(user: &User) -> Self {
        let to = format!("{STATE}/moved-{}", user.uid);
        let moved = Self(user.file("").components().collect(), to.into());
        fs::rename(&moved.0, &moved.1).unwrap();
        moved
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        fs::rename(&self.1, &self.0).unwrap();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_live_jail_whose_directory_was_moved_away_is_drained_with_all_and_by_its_uid_and_that_is_said() {
    let (idle, busy, named) = (User::new(), User::new(), User::new());
    let _all = sweep::ours();
    [&idle, &named].iter().for_each(|user| user.ensure());
    let running = session(&busy);
    let moved = [&idle, &busy, &named].map(Moved::away);
    let alone = reaped::run(&["--json", "--drain", &named.uid.to_string()]);
    assert_eq!((alone.code, alone.outcome(named.uid).as_str()), (0, "drained"), "{alone:?}");

    let done = reaped::run(&["--json", "--drain", "--all", "--wait", "0"]);
    assert_eq!((done.code, done.object()["result"].as_str()), (75, Some("late")), "{done:?}");
    assert_eq!([idle.uid, busy.uid].map(|uid| done.outcome(uid)), ["drained", "in-use"], "{done:?}");
    assert_eq!(done.outcome(named.uid), "", "there is nothing of it any more");
    let why = "its directory was moved or removed, and nobody can enter: put it back, or add the user again";
    assert!(done.jail(&idle.uid.to_string())["what"].as_str().is_some_and(|what| what.contains(why)), "{done:?}");
    assert_eq!(done.err.matches(&format!("reaper: {}: drained; {why}\n", idle.uid)).count(), 1, "{done:?}");
    assert!(done.jail(&busy.uid.to_string())["held_by"].to_string().contains("sleep 60"), "{done:?}");
    assert!(!seen::is_pinned(idle.uid) && !seen::has_place(idle.uid) && seen::is_pinned(busy.uid));

    finish(running);
    let done = reaped::run(&["--json", "--drain", "--all", "--wait", "5"]);
    assert_eq!((done.code, done.outcome(busy.uid).as_str()), (0, "drained"), "{done:?}");
    assert!(!seen::is_pinned(busy.uid));
    drop(moved);
    idle.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_lies_in_the_place_of_a_jail_s_directory_keeps_it_from_no_drain() {
    let (link, file) = (User::new(), User::new());
    let _all = sweep::ours();
    [&link, &file].iter().for_each(|user| user.ensure());
    let moved = [&link, &file].map(Moved::away);
    let place = |user: &User| format!("{STATE}/jails/{}", user.uid);
    std::os::unix::fs::symlink("/nowhere", place(&link)).unwrap();
    fs::write(place(&file), "").unwrap();
    let drained = [&link, &file].map(|user| reaped::run(&["--json", "--drain", &user.uid.to_string()]).outcome(user.uid));
    [&link, &file].iter().for_each(|user| fs::remove_file(place(user)).unwrap());
    drop(moved);
    assert_eq!(drained, ["drained", "drained"]);
    link.run(&["true"]).well();
    file.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_a_removed_user_left_is_no_jail_that_was_drained() {
    let (left, user) = (User::new(), User::new());
    let _all = sweep::ours();
    user.ensure();
    let removed = Command::new(program("jailbase")).args(["user", "rm", &left.name]).output().unwrap();
    assert!(removed.status.success() && left.file("tmp").is_dir() && !left.file("spec").exists(), "{removed:?}");
    let done = reaped::run(&["--json", "-v", "--drain", "--all", "--wait", "5"]);
    assert_eq!((done.code, done.outcome(user.uid).as_str()), (0, "drained"), "{done:?}");
    assert_eq!(done.outcome(left.uid), "", "{done:?}");
    assert!(!done.err.contains(&left.uid.to_string()), "{done:?}");
    let drained = done.object()["jails"].as_array().unwrap().iter().filter(|jail| jail["outcome"] == "drained").count();
    assert_eq!(done.object()["totals"]["drained"], drained);
    let (code, said) = drain(&["--drain", &left.uid.to_string()]);
    assert_eq!(code, 77, "{said}");
    assert!(
        said.contains(&format!("uid {0} has no jail, but files; jailbase user rm {0} --purge removes them", left.uid)),
        "{said}"
    );
    // Who makes a jail has read a spec and holds this lock.
    let making = process::flock(&format!("{STATE}/jails/{}", left.uid));
    let (code, said) = drain(&["--drain", &left.uid.to_string(), "--wait", "0"]);
    assert!(code == 75 && said.contains("in use by whoever makes it"), "{code}: {said}");
    drop(making);
}
