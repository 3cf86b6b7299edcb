//! Specs, and the directories and links they lie behind, that may not be believed.

use super::{asked, refused};
use crate::common::call::Call;
use crate::common::user::User;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

/// Spoils a user's jail in some way, and looks that every way to ask for it is refused with this reason.
fn spoiled(reason: &str, spoil: impl Fn(&User, &Path)) {
    let user = User::new();
    spoil(&user, &user.spoil());
    for call in asked(&user) {
        refused(&user, &call.run(), reason);
    }
}

fn respec(from: &'static str, to: &'static str) -> impl Fn(&User, &Path) {
    move |user, _| {
        user.respec(|text| {
            assert!(text.contains(from), "{from} is not in {text}");
            text.replacen(from, to, 1)
        });
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_of_another_owner_is_refused() {
    spoiled("is not owned by root", |user, dir| chown(dir.join("spec"), Some(user.uid), None).unwrap());
    spoiled("is not owned by root", |_, dir| chown(dir.join("spec"), Some(33), Some(33)).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_that_others_can_write_is_refused() {
    for mode in [0o664, 0o646, 0o666, 0o602, 0o777] {
        spoiled("can be written by others than root", |_, dir| {
            fs::set_permissions(dir.join("spec"), Permissions::from_mode(mode)).unwrap()
        });
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_with_a_second_hard_link_is_refused() {
    spoiled("has a second hard link", |_, dir| fs::hard_link(dir.join("spec"), dir.join("other")).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_that_is_a_symbolic_link_is_refused_wherever_it_leads() {
    spoiled("is a symbolic link", |_, dir| {
        fs::rename(dir.join("spec"), dir.join("real")).unwrap();
        symlink("real", dir.join("spec")).unwrap();
    });
    spoiled("is a symbolic link", |_, dir| {
        fs::remove_file(dir.join("spec")).unwrap();
        symlink("/etc/passwd", dir.join("spec")).unwrap();
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_that_is_no_file_is_refused_and_nobody_waits_for_it() {
    spoiled("is not a regular file", |_, dir| {
        fs::remove_file(dir.join("spec")).unwrap();
        fs::create_dir(dir.join("spec")).unwrap();
    });
    spoiled("is not a regular file", |_, dir| {
        fs::remove_file(dir.join("spec")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(dir.join("spec")).status().unwrap().success());
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_missing_spec_is_refused() {
    spoiled("is missing", |_, dir| fs::remove_file(dir.join("spec")).unwrap());
    let user = User::without_jail();
    for call in asked(&user) {
        refused(&user, &call.run(), "has no jail");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_unknown_key_refuses_the_whole() {
    spoiled("the key \"nmae\" is not known", respec("name = ", "nmae = x\nname = "));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_key_that_stands_twice_refuses_the_whole_even_with_the_same_value() {
    spoiled("line 2 repeats the key \"format\"", respec("format = 1\n", "format = 1\nformat = 1\n"));
    spoiled("repeats the key \"network\"", respec("network = none\n", "network = none\nnetwork = host\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_missing_key_refuses_the_whole() {
    spoiled("the key \"network\" is missing", respec("network = none\n", ""));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_value_out_of_range_refuses_the_whole() {
    for (from, to, reason) in [
        ("network = none", "network = bridge", "\"bridge\" is not a value of \"network\""),
        ("groups = none", "groups = 0", "\"0\" is not a value of \"groups\""),
        ("root = readonly", "root = writable", "\"writable\" is not a value of \"root\""),
        ("init = builtin", "init = /sbin/init", "is not a value of \"init\""),
        ("image = host", "image = ../host", "\"../host\" is not a value of \"image\""),
        ("home = /home/", "home = /home/../home/", "is not a value of \"home\""),
        ("shell = /bin/sh", "shell = sh", "\"sh\" is not a value of \"shell\""),
        ("cpu = 3600", "cpu = 86401", "\"cpu = 86401\" is not between 1 and the compiled ceiling 86400"),
        ("cpu = 3600", "cpu = 0", "\"cpu = 0\" is not between 1 and the compiled ceiling 86400"),
        ("processes = 256", "processes = -1", "\"-1\" is not a value of \"processes\""),
        ("open-files = 1024", "open-files = 65537", "is not between 1 and the compiled ceiling 65536"),
        ("format = 1", "format = 2", "\"2\" is not a value of \"format\""),
        ("format = 1", "format=1", "line 1 does not read \"key = value\""),
        ("format = 1", "# format\nformat = 1", "line 1 does not read \"key = value\""),
        ("format = 1", "format = 1\n", "line 2 does not read \"key = value\""),
        ("format = 1", "format = 1\r", "something other than printable ASCII"),
        ("format = 1", "format = 1\u{0}", "something other than printable ASCII"),
    ] {
        spoiled(reason, respec(from, to));
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_over_4_kibibytes_or_empty_or_without_an_end_is_refused() {
    spoiled("is longer than 4096 bytes", |user, _| user.respec(|text| text + &"x = y\n".repeat(700)));
    spoiled("is not a spec", |user, _| user.respec(|_| String::new()));
    spoiled("its last line has no end", |user, _| user.respec(|text| text.trim_end().to_owned()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_about_somebody_else_is_refused() {
    let user = User::new();
    let other = user.uid + 1_000;
    user.set("uid", &other.to_string());
    for call in asked(&user) {
        refused(&user, &call.run(), &format!("is about uid {other}"));
    }
    for uid in ["0", "4294967295", "4294967296", "-1", "0x5"] {
        user.set("uid", uid);
        for call in asked(&user) {
            refused(&user, &call.run(), &format!("\"{uid}\" is not a value of \"uid\""));
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_s_directory_that_is_not_root_s_alone_is_refused() {
    spoiled("is not owned by root", |user, dir| chown(dir, Some(user.uid), None).unwrap());
    spoiled("can be written by others than root", |_, dir| fs::set_permissions(dir, Permissions::from_mode(0o770)).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_name_that_leads_to_another_s_jail_or_nowhere_is_refused() {
    let (user, other) = (User::new(), User::new());
    let link = format!("{}/jails/by-name/{}", crate::common::STATE, user.name);
    user.spoil();
    for (text, reason) in [
        (other.uid.to_string(), format!("{} leads to the spec of {}", user.name, other.name)),
        ("0".into(), "does not read a uid".into()),
        ("../../etc".into(), "does not read a uid".into()),
        ("33".into(), "the compiled policy does not let uid 33 enter the jail of uid 33".into()),
        ("29999".into(), "/29999 is missing".into()),
    ] {
        fs::remove_file(&link).unwrap();
        symlink(&text, &link).unwrap();
        let done = Call::new([&user.name, "--", "id"]).run();
        refused(&user, &done, &reason);
        other.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_live_jail_is_not_entered_when_its_spec_went_bad() {
    let user = User::new();
    user.ensure();
    fs::set_permissions(user.spoil().join("spec"), Permissions::from_mode(0o666)).unwrap();
    let done = user.run(&["id"]);
    done.failed(77);
    assert!(crate::common::log::line_of(&done).contains("can be written by others"));
}
