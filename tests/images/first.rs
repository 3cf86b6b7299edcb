//! A first build that is killed: of an image that never was, nothing hinders the others, and what is left goes with the next command.

use super::tiny::system;
use super::{Own, has_a_state_of_its_own, jailbase};
use crate::common::{process, program};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

/// What `image verify` says of all images, line by line, and its exit code.
fn verified() -> (i32, Vec<String>) {
    let said = jailbase(["image", "verify"]);
    (said.code, said.out.lines().map(str::to_owned).collect())
}

/// An image that is in service, and one whose first build is killed at this call; whether it ended before.
fn killed(own: &Own, from: &str, at: u64) -> bool {
    own.clear_image();
    let mut command = Command::new(program("jailbase"));
    command.args(["image", "build", &own.name, "--from", from]).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    process::killed_at_call(&mut command, at)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_first_build_that_is_killed_at_any_system_call_hinders_no_other_image_and_the_next_command_clears_it() {
    if !has_a_state_of_its_own(
        "first::a_first_build_that_is_killed_at_any_system_call_hinders_no_other_image_and_the_next_command_clears_it",
    ) {
        return;
    }
    let (other, ..) = Own::of_words("first-other", &["one"]);
    let own = Own::new("first");
    let source = own.place.join("system");
    system(&source, "first");
    let from = format!("dir:{}", source.display());
    let (mut kills, mut left, mut served) = (0_u64, 0_u64, 0_u64);
    for at in (20..).step_by(20) {
        if killed(&own, &from, at) {
            break;
        }
        kills += 1;
        let (code, lines) = verified();
        let of = |own: &Own| lines.iter().find(|line| line.starts_with(&own.name) && !line.contains("-other:")).cloned();
        let good = |line: &String| line.starts_with(&format!("{}@1: ", other.name)) && line.ends_with(" all as published");
        assert!(lines.iter().any(good), "at {at}: {lines:?}");
        if own.dir().join("current").is_symlink() {
            served += 1;
            assert!(code == 0 && of(&own).is_some_and(|line| line.ends_with(" all as published")), "at {at}: {lines:?}");
        } else if own.dir().exists() {
            left += 1;
            let line = of(&own).unwrap_or_default();
            let next = format!("its first build was interrupted; jailbase image build {} makes it", own.name);
            assert!(code == 125 && line.starts_with(&format!("{}: {next}", own.name)), "at {at}: {lines:?}");
            jailbase(["image", "show", &own.name]).no(77, &next);
        }
        if own.dir().join("1").exists() && !own.dir().join("current").is_symlink() {
            // All of it is there but the switch: nobody can tell it from one whose links are lost, so it can be had.
            jailbase(["image", "update", &own.name]).no(77, &format!("jailbase image rollback {}@1 puts in service", own.name));
            jailbase(["image", "rollback", &format!("{}@1", own.name)]).well();
        }
        match (at / 20 % 4, own.dir().exists(), own.dir().join("current").is_symlink()) {
            (1, true, false) => {
                assert_eq!(
                    jailbase(["image", "gc", &own.name]).well(),
                    format!("{} removed: its first build was interrupted\n", own.name)
                );
                assert!(!own.dir().exists(), "at {at}");
            }
            (2, true, false) => {
                jailbase(["image", "rm", &own.name]).well();
                assert!(!own.dir().exists(), "at {at}");
            }
            (3, true, false) => {
                jailbase(["image", "update", &own.name])
                    .no(77, "its first build was interrupted, and what that left is removed now");
                assert!(!own.dir().exists(), "at {at}");
            }
            _ => {}
        }
        own.build(&from, &[]).well();
        if own.current() == 1 {
            assert_eq!(own.names(), ["1", "current", "last"], "at {at}");
        } else {
            assert_eq!(own.names(), ["1", "2", "current", "last"], "at {at}: the killed one was in service, or could be");
        }
        assert_eq!(fs::metadata(own.dir()).unwrap().mode() & 0o7777, 0o755, "at {at}");
        assert_eq!(fs::read_to_string(own.file(own.current(), "data/word")).unwrap(), "first");
        assert_eq!(verified().0, 0, "at {at}");
    }
    println!("{kills} kills, {left} of them left something, {served} of them after the switch");
    assert!(kills > 30 && left > 20, "{kills} kills, {left} left something");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_first_build_that_is_under_way_is_told_and_is_no_fault() {
    if !has_a_state_of_its_own("first::a_first_build_that_is_under_way_is_told_and_is_no_fault") {
        return;
    }
    let own = Own::new("first-now");
    fs::create_dir_all(own.dir()).unwrap();
    let pid = std::process::id();
    let locked = process::flock(own.dir().to_str().unwrap());
    let under_way = format!("its first build is under way (pid {pid}, ");
    let (code, lines) = verified();
    assert!(lines.iter().any(|line| line.starts_with(&format!("{}: {under_way}", own.name))), "{lines:?}");
    assert_eq!(code, 0, "{lines:?}");
    jailbase(["image", "show", &own.name]).no(77, &under_way);
    let all: Value = serde_json::from_str(&jailbase(["image", "ls", "--json"]).well()).unwrap();
    let row = all.as_array().unwrap().iter().find(|row| row["image"] == own.name.as_str()).cloned().unwrap();
    assert_eq!((&row["generation"], &row["in_service"], row.get("fault")), (&Value::Null, &false.into(), None), "{row}");
    let table = jailbase(["image", "ls"]).well();
    assert!(table.lines().any(|line| line.starts_with(&own.name) && line.contains(" being built ")), "{table}");
    jailbase(["image", "gc", &own.name, "--dry-run"]).well();
    assert!(own.dir().exists());
    drop(locked);
    assert_eq!(verified().0, 125);
    let said = jailbase(["image", "gc", &own.name, "--dry-run"]).well();
    assert_eq!(said, format!("{} would be removed: its first build was interrupted\n", own.name));
    assert!(own.dir().exists());
    jailbase(["image", "rm", &own.name]).well();
    assert!(!own.dir().exists());
}
