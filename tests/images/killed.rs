//! A build that ends before its end: killed anywhere, or on a full disk.

use super::packing::{Tar, run};
use super::tiny::system;
use super::{Own, jailbase, oci};
use crate::common::user::User;
use crate::common::{process, program, seen};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Every so many system calls a build is killed; `JAIL_KILL_EVERY=1` tries them all.
fn every() -> u64 {
    std::env::var("JAIL_KILL_EVERY").map_or(10, |text| text.parse().unwrap())
}

/// Puts one word after the other in service, each by a command that is killed some system calls later than the one before, until
/// one is not killed. Whatever is in service then is whole: the old word or the new one. `next` is what the administrator does
/// after a kill. Returns how many were killed.
fn swept(own: &Own, words: &[&str], change: impl Fn(&str), next: impl Fn(u64)) -> u64 {
    let in_service = || fs::read_to_string(own.file(own.current(), "data/word")).unwrap();
    let (mut published, mut kills) = (0, 0);
    for at in (every()..).step_by(every() as usize) {
        let (serving, word) = (in_service(), at.to_string());
        change(&word);
        let mut command = Command::new(program("jailbase"));
        command.arg("image").args(words).env_clear().stdout(Stdio::null());
        let ended = process::killed_at_call(&mut command, at);
        let now = in_service();
        assert!(now == word || (now == serving && !ended), "at {at}: {now}");
        if ended {
            break;
        }
        published += usize::from(now == word);
        kills += 1;
        jailbase(["image", "verify", &own.name]).well();
        next(at);
    }
    println!("{kills} kills, {published} of them after the switch");
    assert!(kills > 100, "{kills}");
    kills
}

/// The next command clears what was left, and a number never means two things.
fn collected(own: &Own, at: u64) {
    let serving = fs::read_to_string(own.file(own.current(), "data/word")).unwrap();
    jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
    let current = own.current().to_string();
    assert_eq!(own.names(), [current.as_str(), "current", "last"], "at {at}");
    assert_eq!(fs::read_to_string(own.file(own.current(), "data/word")).unwrap(), serving);
    assert_eq!(fs::metadata(own.dir()).unwrap().mode() & 0o7777, 0o755);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let (own, source, from) = Own::of_words("killed", &["0"]);
    let change = |word: &str| fs::write(source.join("data/word"), word).unwrap();
    swept(&own, &["build", &own.name, "--from", &from], change, |at| collected(&own, at));
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
    };
    change("0");
    own.build(&from, &[]).well();
    swept(&own, &["build", &own.name, "--from", &from], change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_a_layout_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let own = Own::new("killed-oci");
    oci::layout(&own);
    let from = oci::from(&own, "l:next");
    let change = |word: &str| oci::add_as(&own, Tar::default().entry(b'0', b"data/word", "", word.as_bytes()), "next");
    change("0");
    own.build(&from, &[]).well();
    swept(&own, &["build", &own.name, "--from", &from], change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_the_host_s_image_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let own = Own::new("killed-host");
    own.build("host", &[]).well();
    let (mut published, mut kills) = (0, 0);
    // It makes nearly ten thousand calls, most of them for one file of /etc after the other.
    let step = if every() == 1 { 1 } else { 7 * every() };
    for at in (every()..).step_by(step as usize) {
        let serving = own.current();
        let mut command = Command::new(program("jailbase"));
        command.args(["image", "build", &own.name, "--from", "host"]).env_clear().stdout(Stdio::null());
        let ended = process::killed_at_call(&mut command, at);
        assert!(own.current() > serving || !ended, "at {at}");
        jailbase(["image", "verify", &own.name]).well();
        if ended {
            break;
        }
        published += usize::from(own.current() > serving);
        kills += 1;
        jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
        assert_eq!(own.names(), [own.current().to_string().as_str(), "current", "last"], "at {at}");
    }
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
        assert_eq!(fs::read_to_string(own.file(own.current(), "data/word")).unwrap(), "0", "after {seconds} s");
        jailbase(["image", "verify", &own.name]).well();
        let inside = own.dir().display().to_string();
        assert!(!seen::mounts().iter().any(|line| line.contains(&inside)), "{:?}", seen::mounts());
        own.build(&from, &[]).well();
        assert!(!own.names().iter().any(|name| name.starts_with('.')), "after {seconds} s: {:?}", own.names());
    }
    // What cannot be made says why, and leaves no more.
    let before = own.names();
    for (from, words, why) in [
        ("debian:nosuchsuite", &[][..], "jailbase: cannot make debian:nosuchsuite: "),
        ("debian:bookworm", &["--include", "less,no-such-package"], "no-such-package"),
    ] {
        let said = own.build(from, words);
        // It may tell of the time it takes before.
        let lines: Vec<&str> = said.err.lines().filter(|line| !line.ends_with(" seconds so far")).collect();
        assert!(said.code == 125 && said.out.is_empty() && lines.len() == 1 && lines[0].contains(why), "{from}: {}", said.err);
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
fn running_in(own: &Own) -> Vec<String> {
    let of = |dir: std::path::PathBuf| {
        let words = String::from_utf8_lossy(&fs::read(dir.join("cmdline")).ok()?).replace('\0', " ");
        let is_there = fs::read_link(dir.join("root")).is_ok_and(|root| root.starts_with(own.dir()));
        (is_there || words.contains(&own.name)).then_some(words)
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| of(entry.ok()?.path())).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let (own, source, _) = Own::of_words("killed-update", &["0"]);
    let change = |word: &str| fs::write(source.join("data/word"), word).unwrap();
    swept(&own, &["update", &own.name], change, |at| collected(&own, at));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_next_build_clears_what_a_killed_one_left() {
    let (own, source, from) = Own::of_words("killed-next", &["0"]);
    let change = |word: &str| fs::write(source.join("data/word"), word).unwrap();
    let left = Cell::new(0);
    let kills = swept(&own, &["build", &own.name, "--from", &from], change, |at| {
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
        assert_eq!(fs::read_to_string(own.file(own.current(), "data/word")).unwrap(), "next");
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
        for at in (every()..).step_by(every() as usize) {
            while own.names().iter().filter(|name| name.parse::<u32>().is_ok()).count() < 2 {
                fs::create_dir_all(own.place.join("system")).unwrap();
                system(&source, &own.names().len().to_string());
                own.build(&from, &[]).well();
            }
            let mut command = Command::new(program("jailbase"));
            command.arg("image").args(command_words).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
            let ended = process::killed_at_call(&mut command, at);
            // What is in service is whole, and what has a number too. An image that is being removed may be out of service.
            for number in own.names().iter().filter(|name| name.parse::<u32>().is_ok()) {
                jailbase(["image", "verify", &format!("{}@{number}", own.name)]).well();
            }
            if own.dir().exists() && command_words[0] != "rm" {
                assert!(own.file(own.current(), "data/word").exists(), "at {at}: {:?}", own.names());
            }
            if ended {
                break;
            }
        }
    }
    assert!(!own.dir().exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_full_disk_leaves_the_old_generation_in_service_and_says_so() {
    let own = Own::new("full");
    let source = own.place.join("system");
    let from = format!("dir:{}", source.display());
    system(&source, "one");
    fs::create_dir_all(own.dir()).unwrap();
    process::mount("none", own.dir().to_str().unwrap(), "tmpfs", 0, "size=3m,mode=755").unwrap();
    let done = std::panic::catch_unwind(|| {
        own.build(&from, &[]).well();
        system(&source, "two");
        fs::write(source.join("big"), vec![1; 3 << 20]).unwrap();
        own.build(&from, &[]).no(125, "No space left on device (ENOSPC); make room first");
        assert_eq!((own.current(), own.names()), (1, vec!["1".into(), "current".into(), "last".into()]));
        assert_eq!(fs::read_to_string(own.file(1, "data/word")).unwrap(), "one");
        jailbase(["image", "verify", &own.name]).well();
        // The same for an archive.
        let archive = own.place.join("big.tar");
        fs::write(&archive, Tar::default().entry(b'0', b"big", "", &vec![1; 3 << 20]).end()).unwrap();
        own.build(&format!("tar:{}", archive.display()), &[]).no(125, "No space left on device (ENOSPC); make room first");
        assert_eq!(own.names(), ["1", "current", "last"]);
    });
    process::unmount(own.dir().to_str().unwrap(), 0).unwrap();
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
