//! A build, an update or an edit that a signal ends: what it made so far is taken away at once, and the exit code is that of shells.

use super::killed::running_in;
use super::packing::run;
use super::tiny::system;
use super::{Own, Said, jailbase};
use crate::common::{process, program, seen};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIGNALS: [(i32, i32, &str); 3] =
    [(libc::SIGTERM, 143, "SIGTERM"), (libc::SIGINT, 130, "SIGINT"), (libc::SIGHUP, 129, "SIGHUP")];

/// Starts it, in a group of its own.
fn started(words: &[&str]) -> Child {
    let mut command = Command::new(program("jailbase"));
    command.arg("image").args(words).env_clear().process_group(0).stdin(Stdio::piped());
    // What runs in the background of a shell ignores some of them, and so do those it starts.
    process::before_exec(&mut command, process::hear_signals);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends the signal once there is a stage, and hears how it ends: with that code, one line, and nothing left.
#[track_caller]
fn stopped(own: &Own, words: &[&str], (signal, code, name): (i32, i32, &str), begun: impl Fn() -> bool) {
    let before: Vec<String> = own.names();
    let mut child = started(words);
    let has_begun = || own.names().iter().any(|name| name.starts_with(".new-")) && begun();
    let has_begun = seen::within(Duration::from_secs(60), || has_begun() || child.try_wait().unwrap().is_some());
    let sent = Instant::now();
    process::kill(child.id(), signal);
    let said = Said::of(&child.wait_with_output().unwrap());
    assert!(has_begun && said.code == code, "{words:?}: {name}: {}: {}{}", said.code, said.out, said.err);
    assert!(sent.elapsed() < Duration::from_secs(10), "{words:?}: {name}: {:?}", sent.elapsed());
    let lines: Vec<&str> = said.err.lines().filter(|line| !line.contains(" so far") && !line.contains(" left")).collect();
    let reason = format!("{name} came; nothing was published, and it can be done again");
    assert!(lines.len() == 1 && lines[0].ends_with(&reason), "{words:?}: {}", said.err);
    assert_eq!((own.names(), said.out.as_str()), (before, ""), "{words:?}: {name}");
    assert!(seen::within(Duration::from_secs(5), || running_in(own).is_empty()), "{words:?}: {:?}", running_in(own));
}

/// A system that takes a while to copy.
fn large(own: &Own, word: &str) -> String {
    let source = own.place.join("system");
    system(&source, word);
    for number in 0..12 {
        fs::create_dir_all(source.join(format!("many/{number}"))).unwrap();
        for file in 0..400 {
            fs::write(source.join(format!("many/{number}/{file}")), format!("{file}")).unwrap();
        }
    }
    format!("dir:{}", source.display())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_first_build_that_a_signal_ends_leaves_nothing_at_all() {
    let own = Own::new("stopped-first");
    let from = large(&own, "one");
    for signal in SIGNALS {
        stopped(&own, &["build", &own.name, "--from", &from], signal, || true);
        assert!(!own.dir().exists(), "{signal:?}");
    }
    own.build(&from, &[]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_or_an_update_that_a_signal_ends_leaves_the_old_generation_in_service_and_nothing_else() {
    let own = Own::new("stopped");
    let from = large(&own, "one");
    own.build(&from, &[]).well();
    let archive = own.place.join("system.tar");
    fs::write(&archive, run("tar", &["-c", "-C", own.place.join("system").to_str().unwrap(), "."], b"")).unwrap();
    let packed = format!("tar:{}", archive.display());
    fs::write(own.place.join("system/data/word"), "two").unwrap();
    for signal in SIGNALS {
        stopped(&own, &["build", &own.name, "--from", &from], signal, || true);
        stopped(&own, &["build", &own.name, "--from", &packed], signal, || true);
        stopped(&own, &["update", &own.name], signal, || true);
        assert_eq!((own.current(), own.names()), (1, ["1", "current", "last"].map(str::to_owned).to_vec()));
    }
    jailbase(["image", "verify", &own.name]).well();
    jailbase(["image", "update", &own.name]).well();
    assert_eq!(own.current(), 2);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_that_a_signal_ends_takes_its_program_with_it_and_leaves_nothing() {
    let (own, ..) = Own::of_words("stopped-edit", &["one"]);
    for signal in SIGNALS {
        let words = ["edit", &own.name, "--", "/bin/say", "as", "1", "600"];
        stopped(&own, &words, signal, || running_in(&own).iter().any(|line| line.starts_with("/bin/say as 1 600")));
        assert_eq!((own.current(), own.names()), (1, ["1", "current", "last"].map(str::to_owned).to_vec()));
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_started_so_that_it_ignores_a_signal_goes_on() {
    let own = Own::new("stopped-nohup");
    let from = large(&own, "one");
    let mut command = Command::new("/bin/sh");
    let line = "trap '' HUP; exec \"$0\" image build \"$1\" --from \"$2\"";
    command.args(["-c", line]).arg(program("jailbase")).args([&own.name, &from]).env_clear();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = seen::within(Duration::from_secs(60), || own.names().iter().any(|name| name.starts_with(".new-")));
    process::kill(child.id(), libc::SIGHUP);
    assert!(begun && child.wait().unwrap().success());
    assert_eq!(own.current(), 1);
}

/// Runs a command of an image under these words of env(1), which say what becomes of signals; for a minute at most.
fn under(signals: &str, words: &[&str]) -> Said {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60", "env", "-i", signals]).arg(program("jailbase")).arg("image").args(words);
    Said::of(&command.output().unwrap())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_whose_caller_blocks_or_ignores_the_end_of_children_hears_it_nonetheless() {
    let (own, ..) = Own::of_words("deaf-edit", &["one"]);
    for (number, signals) in (2..).zip(["--block-signal=CHLD", "--ignore-signal=CHLD", "--block-signal"]) {
        under(signals, &["edit", &own.name, "--", "/bin/say", "as", signals, "1"]).well();
        assert_eq!(fs::read_to_string(own.file(number, "data/word")).unwrap(), signals);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_signal_that_the_caller_blocks_ends_an_edit_nonetheless_and_is_not_blocked_in_its_program() {
    let (own, ..) = Own::of_words("blocked-edit", &["one"]);
    for (signal, code, name) in SIGNALS {
        let mut command = Command::new("env");
        command.args(["-i", "--block-signal"]).arg(program("jailbase")).args(["image", "edit", &own.name, "--"]);
        command.args(["/bin/say", "as", "1", "600"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        process::before_exec(&mut command, process::hear_signals);
        let mut child = command.spawn().unwrap();
        let is_free = || statuses_in(&own).iter().any(|status| status.contains("Name:\tsay\n") && status.contains(NONE_BLOCKED));
        let has_begun = seen::within(Duration::from_secs(20), is_free);
        process::kill(child.id(), signal);
        let has_ended = seen::within(Duration::from_secs(20), || child.try_wait().unwrap().is_some());
        process::kill(child.id(), libc::SIGKILL);
        let said = Said::of(&child.wait_with_output().unwrap());
        assert!(
            has_begun && has_ended && said.code == code,
            "{name}: {has_begun} {has_ended} {}: {}{}",
            said.code,
            said.out,
            said.err
        );
        assert!(seen::within(Duration::from_secs(5), || running_in(&own).is_empty()), "{name}: {:?}", running_in(&own));
    }
}

/// What /proc says of a process that blocks no signal.
const NONE_BLOCKED: &str = "SigBlk:\t0000000000000000\n";

/// What /proc says of the processes in an image.
fn statuses_in(own: &Own) -> Vec<String> {
    let is_there = |dir: &Path| fs::read_link(dir.join("root")).is_ok_and(|root| root.starts_with(own.dir()));
    let dirs = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path())).filter(|dir| is_there(dir));
    dirs.filter_map(|dir| fs::read_to_string(dir.join("status")).ok()).collect()
}
