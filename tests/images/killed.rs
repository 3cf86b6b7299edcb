//! A build, an update or an edit that is killed, anywhere on its way.

use super::packing::{Tar, run};
use super::tiny::system;
use super::{Own, jailbase, oci};
use crate::common::user::User;
use crate::common::{process, program, seen};
use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Every so many system calls a build is killed; `JAIL_KILL_EVERY=1` tries them all.
fn every() -> u64 {
    std::env::var("JAIL_KILL_EVERY").map_or(10, |text| text.parse().unwrap())
}

/// Runs a command again and again, killed so many system calls later each time, until it ends before. `prepare` comes before each
/// run and says the command; `look` comes after it, and is told whether it ended. Returns how many were killed.
fn later_each_time(step: u64, prepare: impl Fn(u64) -> Vec<String>, mut look: impl FnMut(u64, bool)) -> u64 {
    for (kills, at) in (0..).zip((every()..).step_by(step as usize)) {
        let mut command = Command::new(program("jailbase"));
        command.arg("image").args(prepare(at)).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
        let ended = process::killed_at_call(&mut command, at);
        look(at, ended);
        if ended {
            return kills;
        }
    }
    unreachable!("it never ends")
}

/// Puts one word after the other in service, each by a command that is killed later than the one before. Whatever is in service
/// then is whole: the old word or the new one. `change` makes the source hold a word, and says the command that puts it in service;
/// `next` is what the administrator does after a kill. Returns how many were killed.
fn swept(own: &Own, change: impl Fn(&str) -> Vec<String>, next: impl Fn(u64)) -> u64 {
    let (serving, published) = (RefCell::new(String::new()), Cell::new(0));
    let prepare = |at: u64| {
        serving.replace(word(own));
        change(&at.to_string())
    };
    let kills = later_each_time(every(), prepare, |at, ended| {
        let now = word(own);
        assert!(now == at.to_string() || (now == *serving.borrow() && !ended), "at {at}: {now}");
        jailbase(["image", "verify", &own.name]).well();
        if !ended {
            published.set(published.get() + usize::from(now == at.to_string()));
            next(at);
        }
    });
    println!("{kills} kills, {} of them after the switch", published.get());
    assert!(kills > 100, "{kills}");
    kills
}

/// The word in service.
fn word(own: &Own) -> String {
    fs::read_to_string(own.file(own.current(), "data/word")).unwrap()
}

/// The words of a command.
fn line(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Any next command clears what was left, also one that has nothing to do.
fn cleared(own: &Own, at: u64) {
    let (serving, current) = (word(own), own.current());
    jailbase(["image", "rollback", &format!("{}@{current}", own.name)]).well();
    let whole = |name: &String| name.parse::<u32>().map_or(["current", "last"].contains(&name.as_str()), |n| n <= current);
    assert!(own.names().iter().all(whole), "at {at}: {:?}", own.names());
    assert_eq!((word(own), own.current()), (serving, current), "at {at}");
}

/// The next command clears what was left, and a number never means two things.
fn collected(own: &Own, at: u64) {
    let serving = word(own);
    jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
    let current = own.current().to_string();
    assert_eq!(own.names(), [current.as_str(), "current", "last"], "at {at}");
    assert_eq!(word(own), serving);
    assert_eq!(fs::metadata(own.dir()).unwrap().mode() & 0o7777, 0o755);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let (own, source, from) = Own::of_words("killed", &["0"]);
    let change = |word: &str| {
        fs::write(source.join("data/word"), word).unwrap();
        line(&["build", &own.name, "--from", &from])
    };
    swept(&own, change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_an_archive_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let own = Own::new("killed-tar");
    let (source, archive) = (own.place.join("system"), own.place.join("system.tar"));
    let from = format!("tar:{}", archive.display());
    system(&source, "0");
    let change = |word: &str| {
        fs::write(source.join("data/word"), word).unwrap();
        fs::write(&archive, run("tar", &["-c", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
        line(&["build", &own.name, "--from", &from])
    };
    change("0");
    own.build(&from, &[]).well();
    swept(&own, change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_a_layout_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let own = Own::new("killed-oci");
    oci::layout(&own);
    let from = oci::from(&own, "l:next");
    let change = |word: &str| {
        oci::add_as(&own, Tar::default().entry(b'0', b"data/word", "", word.as_bytes()), "next");
        line(&["build", &own.name, "--from", &from])
    };
    change("0");
    own.build(&from, &[]).well();
    swept(&own, change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_the_host_s_image_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let own = Own::new("killed-host");
    own.build("host", &[]).well();
    let (serving, mut published) = (Cell::new(0), 0);
    let prepare = |_| {
        serving.set(own.current());
        line(&["build", &own.name, "--from", "host"])
    };
    // It makes nearly ten thousand calls, most of them for one file of /etc after the other.
    let step = if every() == 1 { 1 } else { 7 * every() };
    let kills = later_each_time(step, prepare, |at, ended| {
        assert!(own.current() > serving.get() || !ended, "at {at}");
        jailbase(["image", "verify", &own.name]).well();
        if !ended {
            published += usize::from(own.current() > serving.get());
            jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
            assert_eq!(own.names(), [own.current().to_string().as_str(), "current", "last"], "at {at}");
        }
    });
    println!("{kills} kills, {published} of them after the switch");
    assert!(kills > 20, "{kills}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_debian_that_is_killed_or_fails_leaves_the_old_generation_in_service_and_nothing_running() {
    let (own, _, from) = Own::of_words("killed-debian", &["0"]);
    let runs = || running_in(&own);
    for seconds in [0.2, 1.0, 3.0, 6.0] {
        let words = ["image", "build", &own.name, "--from", "debian:bookworm"];
        let mut build =
            Command::new(program("jailbase")).args(words).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        assert!(build.try_wait().unwrap().is_none(), "it has ended within {seconds} s, before it could be killed");
        build.kill().unwrap();
        build.wait().unwrap();
        assert!(seen::within(Duration::from_secs(10), || runs().is_empty()), "after {seconds} s: {:?}", runs());
        assert_eq!(word(&own), "0", "after {seconds} s");
        jailbase(["image", "verify", &own.name]).well();
        let inside = own.dir().display().to_string();
        assert!(!seen::mounts().iter().any(|line| line.contains(&inside)), "{:?}", seen::mounts());
        own.build(&from, &[]).well();
        assert!(!own.names().iter().any(|name| name.starts_with('.')), "after {seconds} s: {:?}", own.names());
    }
    // What cannot be made says why, and leaves no more.
    let before = own.names();
    for (from, words, code, why) in [
        ("debian:nosuchsuite", &[][..], 77, "Debian's usual mirror has no such suite that is known here"),
        ("debian:bookworm", &["--include", "less,no-such-package"], 125, "no-such-package"),
    ] {
        let said = own.build(from, words);
        // It may tell of the time it takes before, and of what it removes.
        let lines: Vec<&str> = said.err.lines().filter(|line| !line.contains(" so far") && !line.contains(" left")).collect();
        assert!(said.code == code && said.out.is_empty() && lines.len() == 1 && lines[0].contains(why), "{from}: {}", said.err);
        assert_eq!(own.names(), before, "{from}");
    }
    // And nobody in its way it is made, quietly if that is asked for.
    let build = ["-q", "image", "build", &own.name, "--from", "debian:bookworm", "--include", "busybox,less"];
    assert_eq!(jailbase(build).well(), "");
    jailbase(["image", "verify", &own.name]).well();
    let user = User::with(&["--image", &own.name]);
    assert_eq!(user.shell("busybox echo $(cut -c1-3 /etc/debian_version); echo two | less"), "12.\ntwo");
    assert_eq!(jailbase(["-q", "image", "update", &own.name]).well(), "");
}

/// The command lines that name an image, or whose processes are in a tree of it.
pub fn running_in(own: &Own) -> Vec<String> {
    let of = |dir: std::path::PathBuf| {
        let words = String::from_utf8_lossy(&fs::read(dir.join("cmdline")).ok()?).replace('\0', " ");
        let is_at = |link: &str| fs::read_link(dir.join(link)).is_ok_and(|at| at.starts_with(own.dir()));
        // The name of another image may begin with this one's.
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let names = words.split(|c| !is_part(c)).any(|word| word == own.name);
        (is_at("root") || is_at("cwd") || names).then_some(words)
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| of(entry.ok()?.path())).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let (own, source, _) = Own::of_words("killed-update", &["0"]);
    let change = |word: &str| {
        fs::write(source.join("data/word"), word).unwrap();
        line(&["update", &own.name])
    };
    swept(&own, change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service_and_nothing_running() {
    let (own, ..) = Own::of_words("killed-edit", &["0"]);
    // Its own calls and those of what it starts are counted alike, and jailbase alone is killed.
    let change = |word: &str| line(&["edit", &own.name, "--", "/bin/say", "as", word]);
    swept(&own, change, |at| {
        assert!(seen::within(Duration::from_secs(10), || running_in(&own).is_empty()), "at {at}: {:?}", running_in(&own));
        cleared(&own, at);
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_that_is_killed_while_its_program_starts_runs_nothing_of_it() {
    let (own, ..) = Own::of_words("killed-start", &["0"]);
    // What would go on alone is there long enough to be seen; the first run that is killed no sooner than it ends is the last.
    let (long, soon) = (Duration::from_secs(3), Duration::from_secs(2));
    for at in (every()..).step_by(every() as usize) {
        let begun = Instant::now();
        let mut command = Command::new(program("jailbase"));
        command.args(["image", "edit", &own.name, "--", "/bin/say", "as", "1", "3"]).env_clear().stderr(Stdio::null());
        process::killed_at_call(&mut command, at);
        if begun.elapsed() >= long {
            assert!(at > 500, "its program runs after {at} calls");
            break;
        }
        assert!(seen::within(soon, || running_in(&own).is_empty()), "at {at}: {:?}", running_in(&own));
        cleared(&own, at);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_next_build_clears_what_a_killed_one_left() {
    let (own, source, from) = Own::of_words("killed-next", &["0"]);
    let change = |word: &str| {
        fs::write(source.join("data/word"), word).unwrap();
        line(&["build", &own.name, "--from", &from])
    };
    let left = Cell::new(0);
    let kills = swept(&own, change, |at| {
        let (names, current) = (own.names(), own.current());
        left.set(left.get() + u64::from(names.iter().any(|name| name.starts_with('.'))));
        change("next");
        own.build(&from, &[]).well();
        // What was in service before stays, to roll back to; the rest is gone, and the number is the next one all the same.
        let was_in_service = |name: &String| name.parse::<u32>().is_ok_and(|number| number <= current);
        let mut expected: Vec<String> = names.into_iter().filter(was_in_service).collect();
        expected.extend([(current + 1).to_string(), "current".into(), "last".into()]);
        expected.sort();
        assert_eq!((own.names(), own.current()), (expected, current + 1), "at {at}");
        assert_eq!(word(&own), "next");
        jailbase(["image", "verify", &own.name]).well();
        jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
    });
    println!("{} of {kills} left something", left.get());
    assert!(left.get() > 50, "{} of {kills}", left.get());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_change_of_generations_that_is_killed_at_any_system_call_is_done_or_is_not() {
    let own = Own::new("killed-gc");
    let source = own.place.join("system");
    let from = format!("dir:{}", source.display());
    let words: [&[&str]; 3] = [&["rollback", &own.name], &["gc", &own.name, "--keep", "0"], &["rm", &own.name]];
    for command_words in words {
        let prepare = |_| {
            while own.names().iter().filter(|name| name.parse::<u32>().is_ok()).count() < 2 {
                fs::create_dir_all(own.place.join("system")).unwrap();
                system(&source, &own.names().len().to_string());
                own.build(&from, &[]).well();
            }
            line(command_words)
        };
        later_each_time(every(), prepare, |at, _| {
            // What is in service is whole, and what has a number too. An image that is being removed may be out of service.
            for number in own.names().iter().filter(|name| name.parse::<u32>().is_ok()) {
                jailbase(["image", "verify", &format!("{}@{number}", own.name)]).well();
            }
            if own.dir().exists() && command_words[0] != "rm" {
                assert!(own.file(own.current(), "data/word").exists(), "at {at}: {:?}", own.names());
            }
        });
    }
    assert!(!own.dir().exists());
}
