//! `image verify`: what changed in a generation since it was published is found, whatever it is.

use super::tiny::system;
use super::{Own, jailbase};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

type Spoil = fn(&Path);

const SPOILED: &[(&str, Spoil, &str)] = &[
    ("content", |root| fs::write(root.join("lib/3"), "3\n".repeat(999) + "4\n").unwrap(), "/lib/3: holds something else\n"),
    (
        "length",
        |root| fs::write(root.join("data/word"), "longer").unwrap(),
        "/data/word: holds something else: 6 bytes instead of 3",
    ),
    ("mode", |root| mode(&root.join("bin/say"), 0o700), "/bin/say: has mode 0700 instead of 0755"),
    ("setuid", |root| mode(&root.join("bin/say"), 0o4755), "/bin/say: is setuid or setgid; chmod ug-s it"),
    (
        "setgid",
        |root| {
            fs::write(root.join("lib/new"), "").unwrap();
            mode(&root.join("lib/new"), 0o2755);
        },
        "/lib/new: is setuid or setgid; chmod ug-s it\n",
    ),
    ("setgid directory", |root| mode(&root.join("data"), 0o2755), "/data: is setuid or setgid; chmod ug-s it"),
    ("writable", |root| mode(&root.join("data"), 0o777), "/data: can be written by others than root"),
    ("owner", |root| chown(root.join("bin/say"), Some(1000), None).unwrap(), "/bin/say: does not belong to root"),
    ("gone", |root| fs::remove_file(root.join("lib/7")).unwrap(), "/lib/7: is gone"),
    ("new", |root| fs::write(root.join("lib/new"), "").unwrap(), "/lib/new: is new"),
    ("link", |root| swap(root, "lib/8", "9"), "/lib/8: is of another kind"),
    ("elsewhere", |root| swap(root, "lib/first", "1"), "/lib/first: leads to 1 instead of 0"),
    ("date", |root| run("touch", &["-d", "2001-01-01", root.join("lib/4").to_str().unwrap()]), "/lib/4: has another date"),
    ("place", |root| fs::remove_dir(root.join("tmp")).unwrap(), "/tmp: is not a directory, and jails mount on it"),
    ("tmp", |root| led(root, "tmp", "var/tmp"), "/tmp: is a symbolic link, and jails mount on it; make it a directory"),
    ("etc", |root| led(root, "etc", "data"), "/etc: is a symbolic link, and jails mount on it; make it a directory"),
    ("var", |root| led(root, "var", "data"), "/var: is not a directory; make it one, or remove it"),
    ("device", |root| run("mknod", &[root.join("null").to_str().unwrap(), "c", "1", "3"]), "/null: is a device"),
    ("pipe", |root| run("mkfifo", &[root.join("pipe").to_str().unwrap()]), "/pipe: is a device, a socket or a pipe"),
    (
        "capability",
        |root| run("setcap", &["cap_net_raw+ep", root.join("bin/say").to_str().unwrap()]),
        "/bin/say: has a file capability",
    ),
    ("list", |root| run("setfacl", &["-m", "u:1000:r", root.join("data/word").to_str().unwrap()]), "access control list"),
];

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn swap(root: &Path, name: &str, text: &str) {
    fs::remove_file(root.join(name)).unwrap();
    symlink(text, root.join(name)).unwrap();
}

/// A directory goes elsewhere, and a link has its name.
fn led(root: &Path, name: &str, text: &str) {
    fs::rename(root.join(name), root.join(format!("{name}.old"))).unwrap();
    symlink(text, root.join(name)).unwrap();
}

fn run(program: &str, words: &[&str]) {
    let path = "/usr/bin:/usr/sbin:/bin:/sbin";
    assert!(Command::new(program).env("PATH", path).args(words).status().unwrap().success(), "{program} {words:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whatever_changed_in_a_generation_is_found_and_told() {
    let own = Own::new("verified");
    let source = own.place.join("system");
    system(&source, "one");
    symlink("0", source.join("lib/first")).unwrap();
    for (number, (name, spoil, told)) in (1..).zip(SPOILED) {
        // Whatever befell the generation before, the next one shares with it and is sound.
        own.build(&format!("dir:{}", source.display()), &[]).well();
        jailbase(["image", "verify", &own.name]).well();
        spoil(&own.file(number, ""));
        let said = jailbase(["image", "verify", &own.name]);
        assert_eq!(said.code, 125, "{name}");
        assert!(said.out.contains(told), "{name}: {:?}", said.out);
        assert!(said.err.contains("jailbase image rollback puts an older generation in service"), "{}", said.err);
        let json: Vec<serde_json::Value> = serde_json::from_str(&jailbase(["image", "verify", &own.name, "--json"]).out).unwrap();
        assert_eq!(json[0]["image"], format!("{}@{number}", own.name));
    }
}
