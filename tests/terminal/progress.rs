//! What takes long shows how far it is: by a bar on a terminal, by a line now and then elsewhere.

use crate::Place;
use crate::common::screen::Screen;
use crate::common::user::User;
use crate::common::{STATE, process, program, seen};
use crate::shell;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// An archive of so many MiB that takes its time, by a pipe that gives it slowly.
fn archive(place: &Place, megabytes: u32) -> String {
    let file = place.path("some.tar");
    shell(&format!(
        "cd {} && mkdir -p tree/data && head -c {megabytes}M /dev/urandom > tree/data/big && for n in $(seq 200); do echo $n > tree/data/$n; done && tar -cf {file} -C tree .",
        place.path("")
    ));
    file
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_bar_fits_its_terminal_and_is_gone_when_the_work_is_done() {
    let place = Place::new("bar");
    let file = archive(&place, 600);
    for columns in [40_u32, 80] {
        let name = format!("t-bar-{columns}");
        drop(fs::remove_dir_all(format!("{STATE}/images/{name}")));
        let screen = Screen::new(columns, &format!("jailbase image build {name} --from tar:{file}; echo code $?; exec sleep 60"));
        let mut bars = Vec::new();
        let done = seen::within(Duration::from_secs(60), || {
            let text = screen.text();
            let bar = |line: &&str| line.contains("MiB/s");
            bars.extend(text.lines().find(bar).map(|line| (line.to_owned(), text.lines().filter(bar).count())));
            text.contains("code ")
        });
        let text = screen.text();
        drop(fs::remove_dir_all(format!("{STATE}/images/{name}")));
        assert!(done && text.contains("code 0"), "{text}");
        bars.dedup();
        println!("{columns} columns: {:?}", bars.iter().map(|(bar, _)| bar).collect::<Vec<_>>());
        assert!(
            bars.iter().any(|(bar, _)| bar.contains("unpacking") || bar.contains("digesting")),
            "no bar was seen in {columns} columns:\n{text}"
        );
        for (bar, count) in &bars {
            // What it says last is how long it takes; a line that was broken in two has that on the second.
            assert!(bar.trim_end().ends_with(['s', 'm']) && !bar.trim_end().ends_with("/s"), "{columns} columns: {bar:?}");
            assert!(bar.chars().count() <= columns as usize && *count == 1, "{columns} columns: {count} lines of {bar:?}");
        }
        assert!(!text.contains("MiB/s"), "the bar stays:\n{text}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_makes_an_image_of_packages_sees_at_which_stage_that_is_for_how_long_and_how_many_are_installed() {
    let place = Place::new("stages");
    let tool = place.path("mmdebstrap");
    let stages = ["running apt-get update", "downloading packages with apt"];
    let mut says = stages.map(|stage| format!("echo 'I: {stage}...' >&2; sleep 2\n")).concat();
    // How many packages there are is said before they are installed; each is unpacked, then set up.
    says += "echo '0 upgraded, 20 newly installed, 0 to remove and 0 not upgraded.' >&2\necho 'I: installing essential packages...' >&2\n\
             for n in $(seq 10); do echo \"Unpacking p$n (1) ...\" >&2; sleep 0.1; done; sleep 2\n";
    shell(&format!("cat > {tool} << 'END'\n#!/bin/sh\n{says}echo 'E: nothing more' >&2\nexit 1\nEND\nchmod 755 {tool}"));
    let build = "jailbase image build t-stages --from debian:bookworm; echo code $?; exec sleep 60";
    let apart = "unshare --mount --pid --fork --mount-proc --kill-child";
    let screen = Screen::new(100, &format!("exec {apart} sh -c 'mount --bind {tool} /usr/bin/mmdebstrap; {build}'"));
    let (mut seen_at, mut bars) = ([None; 2], BTreeSet::new());
    let done = seen::within(Duration::from_secs(30), || {
        let text = screen.text();
        for (at, stage) in seen_at.iter_mut().zip(stages) {
            let shown =
                |line: &str| line.contains(&format!("making debian:bookworm: {stage} ")) && line.trim_end().ends_with('s');
            *at = at.or(text.lines().any(shown).then_some(()));
        }
        bars.extend(text.lines().filter(|line| line.contains("/40 ")).map(|line| line.trim().to_owned()));
        text.contains("code ")
    });
    let text = screen.text();
    drop(fs::remove_dir_all(format!("{STATE}/images/t-stages")));
    assert!(done && text.contains("E: nothing more") && text.contains("code 125"), "{text}");
    assert_eq!(seen_at, [Some(()); 2], "{text}");
    // The stage, how much of it is done, how fast, and how long it will take.
    let whole = |bar: &String| bar.starts_with("making debian:bookworm: installing essential packages ") && bar.ends_with('s');
    assert!(bars.iter().any(|bar| whole(bar) && bar.contains(" 10/40 ") && bar.contains("/s ")), "{bars:#?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn copies_counts_and_removals_show_how_many_and_how_fast_and_how_long_where_that_is_known() {
    let name = "t-count";
    let (user, image) = (User::with(&[]), format!("{STATE}/images/{name}"));
    let tree = user.in_home("tree").display().to_string();
    shell(&format!("mkdir {tree} && cd {tree} && for d in $(seq 100); do mkdir $d && (cd $d && touch $(seq 300)); done"));
    drop(fs::remove_dir_all(&image));
    let from = format!("dir:{tree}");
    // An edit whose program is not there has copied all, and removes it again.
    let line = format!(
        "jailbase image build {name} --from {from}; jailbase image edit {name} -- /none; jailbase du {}; echo code $?; exec sleep 60",
        user.name
    );
    let screen = Screen::new(80, &line);
    let mut bars = BTreeSet::new();
    let done = seen::within(Duration::from_secs(60), || {
        let text = screen.text();
        bars.extend(text.lines().filter(|line| line.contains("/s ")).map(|line| line.trim().to_owned()));
        text.contains("code ")
    });
    let text = screen.text();
    drop(fs::remove_dir_all(&image));
    assert!(done && text.contains("code 0") && !text.contains("/s "), "{text}");
    println!("{bars:#?}");
    let shows = |what: &str, count: fn(&str) -> bool| {
        bars.iter().any(|bar| {
            let words: Vec<&str> = bar.split_whitespace().collect();
            let at = words.iter().position(|word| count(word));
            // What it does, how much of it is done, how fast, and a time.
            words.contains(&what)
                && at.is_some_and(|at| words.get(at + 1).is_some_and(|rate| rate.ends_with("/s")) && words.len() == at + 3)
        })
    };
    for what in ["copying", "removing", "counting"] {
        assert!(shows(what, |word| word.parse::<u64>().is_ok()), "no count of {what}: {bars:#?}");
    }
    let of_all = |word: &str| word.split_once('/').is_some_and(|(done, all)| done.parse::<u64>().is_ok() && all.len() == 5);
    assert!(shows("copying", of_all), "no total of a clone: {bars:#?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_log_gets_a_plain_line_every_few_seconds_and_not_from_who_is_quiet() {
    let place = Place::new("line");
    let file = archive(&place, 300);
    let name = "t-line";
    drop(fs::remove_dir_all(format!("{STATE}/images/{name}")));
    // Unpacking is what it does soon after its start; stopped in the midst of it, it takes long without any work.
    let build = |words: &[&str]| {
        let mut command = Command::new(program("jailbase"));
        command.args(words).args(["image", "build", name, "--from", &format!("tar:{file}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let under_way = || {
            let entries = fs::read_dir(format!("{STATE}/images/{name}")).into_iter().flatten().flatten();
            entries.filter_map(|entry| fs::metadata(entry.path().join("root/data/big")).ok()).any(|big| big.len() > 1 << 20)
        };
        assert!(seen::within(Duration::from_secs(20), under_way), "it does not unpack");
        process::kill(child.id(), libc::SIGSTOP);
        thread::sleep(Duration::from_millis(5500));
        process::kill(child.id(), libc::SIGCONT);
        let done = child.wait_with_output().unwrap();
        drop(fs::remove_dir_all(format!("{STATE}/images/{name}")));
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stderr).unwrap()
    };
    let said = build(&[]);
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("jailbase: unpacking: ")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains(" MiB of 30") && lines[0].contains("/s, ") && lines[0].ends_with(" left"), "{said}");
    assert!(!said.contains('\r') && !said.contains('\u{1b}'), "{said:?}");
    assert_eq!(build(&["-q"]), "");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nobody_but_a_terminal_gets_a_bar_and_who_wants_quiet_gets_nothing() {
    let place = Place::new("no-bar");
    let file = archive(&place, 8);
    let name = "t-no-bar";
    drop(fs::remove_dir_all(format!("{STATE}/images/{name}")));
    let build = |words: &[&str]| {
        let done = Command::new(program("jailbase"))
            .args(words)
            .args(["image", "build", name, "--from", &format!("tar:{file}")])
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (out, err) = build(&[]);
    assert!(out.starts_with("t-no-bar@1 in service") && err.is_empty(), "{out}{err}");
    assert_eq!(build(&["-q"]), (String::new(), String::new()));
    // Quiet on a terminal too.
    let screen = Screen::new(80, &format!("jailbase -q image build {name} --from tar:{file}; echo code $?; exec sleep 60"));
    let text = screen.shows("code 0");
    assert_eq!(text.trim(), "code 0");
    drop(fs::remove_dir_all(format!("{STATE}/images/{name}")));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn colours_are_for_terminals_that_want_them_and_for_who_insists() {
    const ESCAPE: char = '\u{1b}';
    let seen = |line: &str| {
        let screen = Screen::new(80, &format!("{line}; jailbase user show t-nobody; echo done; exec sleep 60"));
        screen.shows("done");
        screen.coloured()
    };
    let shown = seen("jailbase user ls");
    assert!(shown.lines().any(|line| line.contains(ESCAPE) && line.contains("NAME")), "{shown:?}");
    assert!(shown.lines().any(|line| line.contains(ESCAPE) && line.contains("jailbase:")), "{shown:?}");
    for line in ["export NO_COLOR=1", "export TERM=dumb", "jailbase() { command jailbase --color never \"$@\"; }"] {
        let shown = seen(&format!("{line}; jailbase user ls"));
        assert!(shown.contains("NAME") && !shown.contains(ESCAPE), "{line}: {shown:?}");
    }
    let piped = |words: &[&str]| {
        let done = Command::new(program("jailbase")).args(words).env_clear().env("TERM", "xterm").output().unwrap();
        String::from_utf8([done.stdout, done.stderr].concat()).unwrap().contains(ESCAPE)
    };
    assert!(!piped(&["user", "ls"]) && !piped(&["user", "show", "t-nobody"]));
    assert!(piped(&["user", "ls", "--color", "always"]) && piped(&["--color=always", "user", "show", "t-nobody"]));
    assert!(!piped(&["image", "ls", "--json", "--color", "always"]), "colours are no JSON");
}
