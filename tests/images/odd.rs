//! Something odd among the images is told of with what to do about it, and hides none of the others.

use super::{Own, has_a_state_of_its_own, jailbase, remove};
use crate::common::STATE;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// Something that is gone when this value goes.
struct Stray(PathBuf);

impl Drop for Stray {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// What every command over all images makes of one that is odd, beside one that is well: the exit codes are those of `ls`,
/// `verify` and `gc`.
#[track_caller]
fn told(odd: &str, good: &Own, codes: [i32; 2], why: &[&str]) {
    let said = |err: &str| err.lines().any(|line| line.contains(odd) && why.iter().all(|part| line.contains(part)));
    let line = |out: &str| out.lines().any(|line| line.starts_with(&format!("{}@1", good.name)));
    let all = jailbase(["image", "ls"]);
    assert_eq!((all.code, said(&all.err), line(&all.out)), (codes[0], codes[0] != 0, true), "{}{}", all.out, all.err);
    assert!(all.out.lines().any(|line| line.starts_with(odd)), "{}", all.out);
    let all = jailbase(["image", "ls", "--json"]);
    let rows: Value = serde_json::from_str(&all.out).unwrap();
    let of = |row: &&Value| row["image"].as_str().is_some_and(|name| odd.starts_with(name)) && row.get("fault").is_some();
    let fault = rows.as_array().unwrap().iter().find(of).map(|row| row["fault"].as_str().unwrap().to_owned());
    assert_eq!((all.code, fault.is_some()), (codes[0], codes[0] != 0), "{rows}");
    let all = jailbase(["image", "verify"]);
    assert_eq!((all.code, line(&all.out)), (codes[1], true), "{}{}", all.out, all.err);
    assert!(codes[1] == 0 || said(&all.out), "{}", all.out);
    let all = jailbase(["image", "gc", "--keep", "100"]);
    assert!(all.out.contains("nothing to remove"), "{}{}", all.out, all.err);
    // A stray is no failure of a collection; an image of which nobody knows what is in service is one.
    assert_eq!(all.code, if why[0].contains("names no generation") { 125 } else { 0 }, "{}", all.err);
    for words in [&["show", good.name.as_str()][..], &["verify", &good.name], &["gc", &good.name]] {
        jailbase(["image"].iter().chain(words)).well();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_file_or_a_link_among_the_images_is_named_and_the_images_are_listed_verified_and_collected() {
    if !has_a_state_of_its_own("odd::a_file_or_a_link_among_the_images_is_named_and_the_images_are_listed_verified_and_collected")
    {
        return;
    }
    let (good, ..) = Own::of_words("odd-good", &["one"]);
    let path = format!("{STATE}/images/t-odd-file");
    fs::write(&path, "notes").unwrap();
    let why = "t-odd-file is no directory, and so no image; move it elsewhere";
    {
        let _stray = Stray(PathBuf::from(&path));
        told("t-odd-file", &good, [125, 125], &[why]);
        jailbase(["image", "show", "t-odd-file"]).no(77, why);
    }
    symlink(&good.name, &path).unwrap();
    let _stray = Stray(PathBuf::from(&path));
    told("t-odd-file", &good, [125, 125], &[why]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_that_everybody_could_write_is_named_and_the_others_are_listed_verified_and_collected() {
    if !has_a_state_of_its_own(
        "odd::an_image_that_everybody_could_write_is_named_and_the_others_are_listed_verified_and_collected",
    ) {
        return;
    }
    let ((good, ..), (odd, ..)) = (Own::of_words("odd-good-too", &["one"]), Own::of_words("odd-open", &["one"]));
    fs::set_permissions(odd.dir(), Permissions::from_mode(0o777)).unwrap();
    told(&odd.name, &good, [125, 125], &["can be written by others than root; chmod it"]);
    fs::set_permissions(odd.dir(), Permissions::from_mode(0o755)).unwrap();
    jailbase(["image", "ls"]).well();
    fs::remove_file(odd.dir().join("current")).unwrap();
    symlink("nowhere", odd.dir().join("current")).unwrap();
    let why = format!("current: it names no generation; jailbase image rollback {}@N puts one in service", odd.name);
    told(&odd.name, &good, [125, 125], &[&why]);
    jailbase(["image", "rollback", &format!("{}@1", odd.name)]).well();
    jailbase(["image", "verify", &odd.name]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_old_generation_whose_record_is_broken_is_named_and_everything_else_is_told_of_it() {
    if !has_a_state_of_its_own("odd::an_old_generation_whose_record_is_broken_is_named_and_everything_else_is_told_of_it") {
        return;
    }
    let ((good, ..), (odd, ..)) = (Own::of_words("odd-good-three", &["one"]), Own::of_words("odd-about", &["one", "two"]));
    fs::write(odd.dir().join("1/about"), "{").unwrap();
    let first = format!("{}@1", odd.name);
    told(&first, &good, [125, 0], &["1/about: ", "remove this generation with jailbase image rm"]);
    let said = jailbase(["image", "show", &odd.name]);
    assert!(said.code == 125 && said.out.contains(&format!("image       {first}\n")), "{}{}", said.out, said.err);
    assert!(said.out.contains(&format!("image       {}@2\nin service  yes\n", odd.name)), "{}", said.out);
    jailbase(["image", "show", &format!("{}@2", odd.name)]).well();
    jailbase(["image", "update", &odd.name, "--dry-run"]).well();
    jailbase(["image", "rollback", &odd.name])
        .no(77, "with jailbase image rm if it is an old one; name another generation, or say --unverified to put it");
    jailbase(["image", "rollback", &odd.name, "--unverified"]).well();
    assert_eq!(odd.current(), 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_an_image_lacks_and_what_lies_in_it_and_is_none_of_its_is_listed() {
    if !has_a_state_of_its_own("odd::what_an_image_lacks_and_what_lies_in_it_and_is_none_of_its_is_listed") {
        return;
    }
    let (own, ..) = Own::of_words("odd-inside", &["one", "two"]);
    let says = |fault: &str| {
        let said = jailbase(["image", "ls"]);
        assert!(said.code == 125 && said.err.contains(fault), "{fault}: {}{}", said.out, said.err);
        assert!(said.out.contains(&format!("{}@2 ", own.name)), "{}", said.out);
    };
    fs::create_dir(own.dir().join("2.old")).unwrap();
    says("2.old in it is no generation; move it away");
    fs::remove_dir(own.dir().join("2.old")).unwrap();
    fs::remove_file(own.dir().join("1/image")).unwrap();
    says(&format!("{}@1: \"image\" of it is missing, and no jail can be made of it; ", own.name));
    remove(&own.dir().join("1"));
    jailbase(["image", "ls"]).well();
    fs::remove_file(own.dir().join("current")).unwrap();
    let why = format!("no generation of {0} is in service; jailbase image rollback {0}@GENERATION puts one in service", own.name);
    says(&why);
    let words = ["user", "add", "t-none", "--uid", "29999", "--gid", "29999", "--home", "/home/t-none", "--create-home"];
    jailbase(words.iter().copied().chain(["--image", &own.name])).no(77, &why);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_generation_that_no_jail_could_show_is_put_in_service_by_nobody() {
    let (own, ..) = Own::of_words("odd-empty", &["one", "two"]);
    for (gone, why) in [("root", "its tree is gone"), ("image", "No such file or directory")] {
        let (there, aside) = (own.dir().join("1").join(gone), own.dir().join("1/aside"));
        fs::rename(&there, &aside).unwrap();
        for how in ["--unverified", "--dry-run"] {
            jailbase(["image", "rollback", &own.name, how]).no(77, why);
        }
        fs::rename(&aside, &there).unwrap();
        assert_eq!(own.current(), 2);
    }
}
