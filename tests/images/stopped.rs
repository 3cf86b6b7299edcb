//! A build, an update or an edit that a signal ends: what it made so far is taken away at once, and the exit code is that of shells.

use super::killed::running_in;
use super::packing::run;
use super::tiny::system;
use super::{Own, Said, jailbase};
use crate::common::{process, program, seen};
use std::fs;
use std::os::unix::process::CommandExt;
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
