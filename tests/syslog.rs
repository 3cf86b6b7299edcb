//! The system log that is not there, or is not one. Its own program, because it takes the log from under every other test.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use common::user::User;
use common::{LOG, WWW, program};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A call by uid 33, and how long it took.
fn call(words: &[&str]) -> (Output, Duration) {
    let start = Instant::now();
    let mut command = Command::new(program("trampoline"));
    command.args(words).uid(WWW).gid(WWW).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let ended = common::seen::within(Duration::from_secs(10), || child.try_wait().unwrap().is_some());
    if !ended {
        child.kill().unwrap();
    }
    let took = start.elapsed();
    let done = child.wait_with_output().unwrap();
    assert!(ended, "{words:?} hangs");
    (done, took)
}

/// A run, a refusal, a wrong command line and a program that is not there end as ever, and nobody waits for a log.
fn all_goes_on(user: &User, what: &str) {
    let name = user.name.as_str();
    let calls: [(&[&str], i32, &str); 5] = [
        (&[name, "--", "id", "-u"], 0, ""),
        (&["0", "--", "id"], 77, "trampoline: refused (the system log has the reason)\n"),
        (&["--nope"], 64, "trampoline: unknown, unfitting or repeated option --nope; see trampoline --help\n"),
        (&[name, "--", "no-such"], 127, "trampoline: no-such: not found in the jail\n"),
        (&["--ensure", name], 0, ""),
    ];
    for entry in ["cold", "warm"] {
        if entry == "cold" {
            common::seen::take_down(user.uid);
        }
        for (words, code, said) in calls {
            let (done, took) = call(words);
            assert_eq!(
                (done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()),
                (Some(code), said),
                "{what}, {entry}: {words:?}"
            );
            assert!(took < Duration::from_secs(2), "{what}, {entry}: {words:?} took {took:?}");
            let out = if words.contains(&"-u") { format!("{}\n", user.uid) } else { String::new() };
            assert_eq!(String::from_utf8_lossy(&done.stdout), out, "{what}, {entry}: {words:?}");
        }
    }
}

/// Nothing has the name of the log.
fn take_away() {
    drop(fs::remove_file(LOG));
    drop(fs::remove_dir(LOG));
    assert!(!fs::exists(LOG).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_log_that_is_missing_dead_full_or_something_else_changes_nothing_and_holds_up_nobody() {
    let user = User::new();
    let open_to_all = || fs::set_permissions(LOG, fs::Permissions::from_mode(0o666)).unwrap();

    take_away();
    all_goes_on(&user, "no log");

    drop(UnixDatagram::bind(LOG).unwrap());
    open_to_all();
    all_goes_on(&user, "a socket whose daemon died");

    take_away();
    let daemon = UnixDatagram::bind(LOG).unwrap();
    open_to_all();
    let writer = UnixDatagram::unbound().unwrap();
    writer.connect(LOG).unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.send(&[b'x'; 200]).is_ok() {}
    all_goes_on(&user, "a daemon that does not read");
    for _ in 0..100 {
        assert!(call(&["--nope"]).1 < Duration::from_secs(2), "a full log");
    }
    drop((daemon, writer));

    take_away();
    let listener = UnixListener::bind(LOG).unwrap();
    open_to_all();
    all_goes_on(&user, "a socket of another kind");
    drop(listener);

    take_away();
    assert!(Command::new("mkfifo").args(["-m", "666", LOG]).status().unwrap().success());
    all_goes_on(&user, "a pipe that nobody reads");

    take_away();
    fs::create_dir(LOG).unwrap();
    all_goes_on(&user, "a directory");

    take_away();
    fs::write(LOG, "as it was").unwrap();
    open_to_all();
    all_goes_on(&user, "a file");
    assert_eq!(fs::read_to_string(LOG).unwrap(), "as it was");

    take_away();
    let victim = user.in_home("victim");
    File::create(&victim).unwrap();
    for target in [victim.to_str().unwrap(), LOG, "/dev/full", "/nowhere"] {
        symlink(target, LOG).unwrap();
        all_goes_on(&user, "a link");
        fs::remove_file(LOG).unwrap();
    }
    assert_eq!(fs::metadata(&victim).unwrap().len(), 0);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_daemon_that_reads_gets_one_line_for_each_call() {
    let user = User::new();
    take_away();
    let daemon = UnixDatagram::bind(LOG).unwrap();
    fs::set_permissions(LOG, fs::Permissions::from_mode(0o666)).unwrap();
    daemon.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut bytes = [0; 4096];
    for (words, begin) in
        [(vec![user.name.as_str(), "--", "id"], "<86>"), (vec!["0", "--", "id"], "<84>"), (vec!["--nope"], "<84>")]
    {
        call(&words);
        let count = daemon.recv(&mut bytes).unwrap();
        let line = String::from_utf8_lossy(&bytes[..count]).into_owned();
        assert!(line.starts_with(begin) && line.contains(">trampoline["), "{line}");
    }
    daemon.set_nonblocking(true).unwrap();
    assert!(daemon.recv(&mut bytes).is_err(), "one line for each");
    take_away();
}
