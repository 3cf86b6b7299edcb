//! Generations: what is in service, what live jails keep, what goes.

use super::packing::run;
use super::talk::Talk;
use super::tiny::system;
use super::{Own, jailbase, of_all};
use crate::common::user::User;
use crate::common::{seen, sweep};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

fn ls(name: &str) -> Vec<(u64, bool, Option<u64>)> {
    let all: Vec<serde_json::Value> = serde_json::from_str(&of_all(["image", "ls", "--json"])).unwrap();
    let own = all.iter().filter(|row| row["image"] == name);
    own.map(|row| (row["generation"].as_u64().unwrap(), row["in_service"].as_bool().unwrap(), row["jails"].as_u64())).collect()
}

/// An image with two words in two generations.
fn two(name: &str) -> (Own, String) {
    let (own, _, from) = Own::of_words(name, &["one", "two"]);
    (own, from)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_live_session_keeps_its_files_while_the_image_is_replaced() {
    let (own, source, from) = Own::of_words("live", &["one"]);
    let (user, other) = (User::with(&["--image", &own.name]), User::with(&["--image", &own.name]));
    let _nobody = sweep::none();
    let mut talk = Talk::with(&user, &["/bin/say", "again"]);
    assert_eq!(talk.word(), "one");
    system(&source, "two");
    own.build(&from, &[]).well();
    assert_eq!(talk.word(), "one");
    assert_eq!(user.run(&["/bin/say"]).well(), "one", "a jail that lives keeps its generation");
    assert_eq!(other.run(&["/bin/say"]).well(), "two", "a new jail gets the one in service");
    assert_eq!(ls(&own.name), [(1, false, Some(1)), (2, true, Some(1))]);
    let said = jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
    assert_eq!(said, format!("{}@1 stays: a live jail uses it (uid {})\n", own.name, user.uid));
    jailbase(["image", "rm", &format!("{}@1", own.name)]).no(77, "a live jail uses it");
    assert_eq!(talk.word(), "one");
    talk.end();
    seen::take_down(user.uid);
    assert_eq!(ls(&own.name), [(1, false, Some(0)), (2, true, Some(1))]);
    assert_eq!(jailbase(["image", "gc", &own.name, "--keep", "0"]).well(), format!("{}@1 removed\n", own.name));
    assert_eq!(other.run(&["/bin/say"]).well(), "two");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_live_session_keeps_its_files_while_the_image_is_updated() {
    let (own, source, _) = Own::of_words("live-update", &["one"]);
    let (user, other) = (User::with(&["--image", &own.name]), User::with(&["--image", &own.name]));
    let _nobody = sweep::none();
    let mut talk = Talk::with(&user, &["/bin/say", "again"]);
    assert_eq!(talk.word(), "one");
    fs::write(source.join("data/word"), "two").unwrap();
    std::thread::scope(|scope| {
        let update = scope.spawn(|| jailbase(["image", "update", &own.name]).well());
        while !update.is_finished() {
            assert_eq!(talk.word(), "one");
        }
        assert!(update.join().unwrap().contains(&format!("{}@2 in service", own.name)));
    });
    assert_eq!(talk.word(), "one");
    assert_eq!(user.run(&["/bin/say"]).well(), "one", "a jail that lives keeps its generation");
    assert_eq!(other.run(&["/bin/say"]).well(), "two", "a new jail gets the one in service");
    assert_eq!(ls(&own.name), [(1, false, Some(1)), (2, true, Some(1))]);
    talk.end();
    seen::take_down(user.uid);
    assert_eq!(user.run(&["/bin/say"]).well(), "two", "the jail went, and the next one is new");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_says_what_it_copied_what_it_shares_and_what_that_saved() {
    let own = Own::new("said");
    let source = own.place.join("system");
    let from = format!("dir:{}", source.display());
    system(&source, "one");
    let first = own.build(&from, &[]).well();
    system(&source, "two");
    let second = own.build(&from, &[]).well();
    // The word alone is new.
    let sizes = run("find", &[own.file(1, "").to_str().unwrap(), "-type", "f", "-printf", "%s\\n"], b"");
    let sizes: Vec<u64> = String::from_utf8(sizes).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    let (count, size) = (sizes.len(), sizes.iter().sum::<u64>());
    let rest = size - 3;
    assert!((100 << 10..1 << 20).contains(&rest), "what follows says it in KiB: {rest}");
    let (size, rest) = (format!("{} KiB", size >> 10), format!("{} KiB", rest >> 10));
    let head = |said: &str, number: u32| {
        let head = said.lines().next().unwrap().to_owned();
        let begin = format!("{}@{number} in service: ", own.name);
        assert!(head.starts_with(&begin) && head.contains(&format!(" entries, {size}, ")) && head.ends_with(" s"), "{head}");
    };
    head(&first, 1);
    head(&second, 2);
    let told = |said: &str| said.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let saved = |bytes: &str| format!("  saved      {bytes} by sharing with an older generation");
    assert_eq!(told(&first), [format!("  copied     {count} files, {size}"), saved("0 B")]);
    assert_eq!(
        told(&second),
        ["  copied     1 file, 3 B".to_owned(), format!("  linked     {} files, {rest}", count - 1), saved(&rest)]
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_builds_at_once_make_two_generations() {
    let own = Own::new("at-once");
    let source = own.place.join("system");
    system(&source, "one");
    let from = format!("dir:{}", source.display());
    std::thread::scope(|scope| {
        let builds: Vec<_> = (0..4).map(|_| scope.spawn(|| own.build(&from, &[]).well())).collect();
        builds.into_iter().for_each(|build| drop(build.join().unwrap()));
    });
    assert_eq!((own.current(), own.names()), (4, ["1", "2", "3", "4", "current", "last"].map(str::to_owned).to_vec()));
    for number in 1..=4 {
        jailbase(["image", "verify", &format!("{}@{number}", own.name)]).well();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn to_list_images_keeps_no_idle_jail() {
    let (own, _) = two("idle");
    let user = User::with(&["--image", &own.name]);
    user.ensure();
    let sweeps = sweep::ours();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    assert_eq!(ls(&own.name), [(1, false, Some(0)), (2, true, Some(1))]);
    jailbase(["image", "show", &own.name]).well();
    jailbase(["image", "gc", &own.name]).well();
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
    assert_eq!(ls(&own.name), [(1, false, Some(0)), (2, true, Some(0))]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_rollback_serves_an_older_generation_and_a_number_never_comes_back() {
    let (own, from) = two("rollback");
    let user = User::with(&["--image", &own.name]);
    let _nobody = sweep::none();
    jailbase(["image", "rollback", &own.name, "--dry-run"]).well();
    assert_eq!(own.current(), 2);
    jailbase(["image", "rollback", &own.name]).well();
    assert_eq!((own.current(), user.run(&["/bin/say"]).well().as_str()), (1, "one"));
    jailbase(["image", "rollback", &own.name]).no(77, "has no older generation");
    assert_eq!(jailbase(["image", "gc", &own.name]).well(), format!("{}@2 removed\n", own.name));
    own.build(&from, &[]).well();
    assert_eq!(own.names(), ["1", "3", "current", "last"]);
    jailbase(["image", "rollback", &format!("{}@2", own.name)]).no(77, "there is no generation");
    jailbase(["image", "rollback", &format!("{}@1", own.name)]).well();
    assert_eq!(own.current(), 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_generation_that_is_not_what_was_published_comes_into_service_only_if_somebody_insists() {
    let (own, _) = two("rollback-changed");
    let one = format!("{}@1", own.name);
    fs::write(own.file(1, "data/word"), "odd").unwrap();
    fs::write(own.file(1, "data/new"), "").unwrap();
    let why = format!(
        "{one} is not as it was published: /data/new: is new, the first of 2 faults; jailbase image verify {one} lists all; \
         name another generation, or say --unverified to put it in service as it is"
    );
    for words in [&["rollback", &one][..], &["rollback", &own.name], &["rollback", &one, "--dry-run"]] {
        jailbase([&["image"], words].concat()).no(77, &why);
        assert_eq!(own.current(), 2);
    }
    jailbase(["image", "rollback", &own.name, "--unverified"]).well();
    assert_eq!(own.current(), 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_used_is_not_removed_and_what_would_be_done_is_not_done() {
    let (own, from) = two("remove");
    let one = format!("{}@1", own.name);
    let two = format!("{}@2", own.name);
    jailbase(["image", "rm", &two]).no(77, "it is in service");
    let before = own.digest();
    for words in [&["rm", one.as_str()][..], &["rm", &own.name], &["gc", &own.name, "--keep", "0"], &["rollback", &own.name]] {
        let said = jailbase(["image"].into_iter().chain(words.iter().copied()).chain(["--dry-run"])).well();
        assert!(said.contains("would"), "{said}");
    }
    assert!(own.build(&from, &["--dry-run"]).well().contains(&format!("would build {}@3", own.name)));
    jailbase(["image", "update", &own.name, "--dry-run"]).well();
    jailbase(["image", "edit", &own.name, "--dry-run"]).well();
    assert_eq!(own.digest(), before);
    assert_eq!((own.current(), own.names()), (2, vec!["1".into(), "2".into(), "current".into(), "last".into()]));
    jailbase(["image", "rm", &one]).well();
    {
        let user = User::with(&["--image", &own.name]);
        jailbase(["image", "rm", &own.name]).no(77, &format!("the spec of {} names it", user.name));
    }
    jailbase(["image", "rm", &own.name]).well();
    assert!(!own.dir().exists());
    jailbase(["image", "rm", &own.name]).no(77, "there is no image");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn equal_files_of_two_generations_share_their_storage_and_nobody_can_write_both() {
    let (own, from) = two("share");
    let at = |number, path: &str| fs::metadata(own.file(number, path)).unwrap();
    assert_eq!(at(1, "bin/say").ino(), at(2, "bin/say").ino());
    assert_ne!(at(1, "data/word").ino(), at(2, "data/word").ino());
    let shown: Vec<serde_json::Value> =
        serde_json::from_str(&jailbase(["image", "show", &format!("{}@2", own.name), "--json"]).well()).unwrap();
    let number = |key: &str| shown[0][key].as_u64().unwrap();
    // The word alone is new; the rest of the bytes are there once.
    assert_eq!((number("copied_bytes"), number("copied_bytes") + number("linked_bytes")), (3, number("bytes")));
    // A file whose date alone is new is linked too, unless somebody compares its date.
    for (name, shared) in [("lib/3", true), ("lib/code.py", false)] {
        let path = own.place.join("system").join(name);
        fs::write(&path, "text").unwrap();
        own.build(&from, &[]).well();
        fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        own.build(&from, &[]).well();
        let number = own.current();
        assert_eq!(at(number - 1, name).ino() == at(number, name).ino(), shared, "{name}");
        jailbase(["image", "verify", &own.name]).well();
    }
    // A file that was changed behind our back is not spread.
    let last = own.current();
    fs::write(own.file(last, "lib/1"), "1\n".repeat(1000).replacen('1', "2", 1)).unwrap();
    own.build(&from, &[]).well();
    assert_ne!(at(last, "lib/1").ino(), at(last + 1, "lib/1").ino());
    assert_eq!(fs::read_to_string(own.file(last + 1, "lib/1")).unwrap(), "1\n".repeat(1000));
    assert_eq!(at(last, "lib/2").ino(), at(last + 1, "lib/2").ino());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_file_system_that_can_share_extents_keeps_the_inodes_apart() {
    let own = Own::new("extents");
    let (disk, source) = (own.place.join("disk"), own.place.join("system"));
    Command::new("truncate").args(["-s", "400M"]).arg(&disk).status().unwrap();
    assert!(Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&disk).status().unwrap().success());
    fs::create_dir_all(own.dir()).unwrap();
    assert!(Command::new("mount").args(["-o", "loop"]).arg(&disk).arg(own.dir()).status().unwrap().success());
    let built = std::panic::catch_unwind(|| {
        let from = format!("dir:{}", source.display());
        let mut said = String::new();
        for word in ["one", "two"] {
            system(&source, word);
            said = own.build(&from, &[]).well();
        }
        assert!(said.contains("\n  copied     1 file, 3 B\n  cloned     ") && !said.contains("linked"), "{said}");
        let shown: Vec<serde_json::Value> =
            serde_json::from_str(&jailbase(["image", "show", &format!("{}@2", own.name), "--json"]).well()).unwrap();
        let at = |number, path: &str| fs::metadata(own.file(number, path)).unwrap();
        assert_ne!(at(1, "bin/say").ino(), at(2, "bin/say").ino());
        assert_eq!(at(1, "bin/say").mtime(), at(2, "bin/say").mtime());
        assert_eq!((shown[0]["linked_bytes"].as_u64(), shown[0]["copied_bytes"].as_u64()), (Some(0), Some(3)));
        assert!(shown[0]["cloned_bytes"].as_u64().unwrap() > 500_000);
        jailbase(["image", "verify", &own.name]).well();
    });
    assert!(Command::new("umount").arg(own.dir()).status().unwrap().success());
    built.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_that_no_spec_names_stays_whole_and_in_service_while_a_live_jail_shows_it() {
    let (own, _) = two("rm-live");
    let user = User::with(&["--image", &own.name]);
    let _nobody = sweep::none();
    let mut talk = Talk::with(&user, &["/bin/say", "again"]);
    assert_eq!(talk.word(), "two");
    jailbase(["user", "set", &user.name, "--image", "host"]).well();
    let before = own.digest();
    let used = format!("{}@2: a live jail uses it (uid {}); idle ones expire", own.name, user.uid);
    for words in [&["image", "rm", &own.name][..], &["image", "rm", &own.name, "--dry-run"]] {
        jailbase(words).no(77, &used);
        assert_eq!((talk.word().as_str(), own.digest()), ("two", before.clone()));
    }
    talk.end();
    // Idle, it shows it still.
    jailbase(["image", "rm", &own.name]).no(77, &used);
    seen::take_down(user.uid);
    jailbase(["image", "rm", &own.name]).well();
    assert!(!own.dir().exists());
    assert_eq!(user.run(&["id", "-un"]).well(), user.name);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn after_a_rollback_a_build_shares_with_the_generation_in_service_and_not_with_a_younger_one() {
    let (own, source, from) = Own::of_words("share-rollback", &["one", "two"]);
    jailbase(["image", "rollback", &own.name]).well();
    system(&source, "two");
    own.build(&from, &[]).well();
    let at = |number, path: &str| fs::metadata(own.file(number, path)).unwrap().ino();
    assert_eq!(own.current(), 3);
    assert!((0..20).map(|number| format!("lib/{number}")).all(|path| at(3, &path) == at(1, &path)));
    assert!(at(3, "data/word") != at(2, "data/word") && at(3, "data/word") != at(1, "data/word"));
}
