//! The wall clock, as the programs see it, years from where it was when the last of them looked.

use crate::common::user::User;
use crate::common::{program, reaped, sweep};
use std::path::PathBuf;
use std::process::{Command, Output};

/// What stands before the C library's own clock: the wall clock alone is shifted, for the programs that it is loaded into.
const SHIFTED: &str = r"
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t which, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, which, now);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += SECONDS;
    return failed;
}
time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *into, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return 0;
}
";

/// A library that shifts the wall clock by so many years.
fn library(user: &User, years: i64) -> PathBuf {
    let (source, library) = (user.in_home("clock.c"), user.in_home(&format!("clock{years}.so")));
    std::fs::write(&source, SHIFTED).unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-shared", "-fPIC", &format!("-DSECONDS={}L", years * 365 * 86_400), "-o"]).arg(&library).arg(&source);
    assert!(gcc.status().unwrap().success());
    library
}

fn shifted(library: &PathBuf, mut command: Command) -> Output {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LD_PRELOAD", library).output().unwrap()
}

fn year(done: &Output) -> i64 {
    String::from_utf8_lossy(&done.stdout).trim().parse().unwrap()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_wall_clock_that_jumps_ten_years_either_way_takes_no_jail_early_and_keeps_none() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    let date = || {
        let mut date = Command::new("date");
        date.arg("+%Y");
        date
    };
    let now = year(&date().output().unwrap());
    let [later, before] = [10, -10].map(|years| {
        let library = library(&user, years);
        let seen = year(&shifted(&library, date()));
        assert!((seen - now - years).abs() <= 1, "the clock says {seen}");
        library
    });
    let reaper = |library: &PathBuf| {
        let mut command = Command::new(program("reaper"));
        command.arg("--json");
        reaped::of(&shifted(library, command)).outcome(user.uid)
    };
    let listed = |library: &PathBuf| -> serde_json::Value {
        let mut command = Command::new(program("jailbase"));
        command.args(["ls", "--json"]);
        let done = shifted(library, command);
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
        let all: Vec<serde_json::Value> = serde_json::from_slice(&done.stdout).unwrap();
        all.into_iter().find(|jail| jail["uid"] == user.uid).unwrap()
    };
    for jumps in [[&later, &before], [&before, &later], [&later, &later]] {
        user.ensure();
        assert_eq!(reaper(jumps[0]), "marked");
        // What the note of the sweep says of time is wrong then, and nothing else.
        assert!(jumps.iter().all(|library| listed(library)["marked"] == true), "{}", listed(jumps[1]));
        assert_eq!(reaper(jumps[1]), "unmounted", "the mark counts, whatever the clock says");
    }
    user.run(&["true"]).well();
}
