//! `image verify`: what changed in a generation since it was published is found, whatever it is.

use super::tiny::system;
use super::{Own, jailbase};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

/// The sha256 of the word `two`.
const TWO: &str = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

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
    ("top", |root| mode(root, 0o700), "/: is closed to everybody but root, so no jail of it can be entered; chmod 0755 it"),
    ("top's mode", |root| mode(root, 0o711), "/: has mode 0711 instead of 0755"),
    ("top's owner", |root| chown(root, Some(1000), None).unwrap(), "/: does not belong to root"),
    ("open top", |root| mode(root, 0o777), "/: can be written by others than root"),
    (
        "digests",
        |root| {
            let word = Command::new("sha256sum").arg(root.join("data/word")).output().unwrap();
            let was = String::from_utf8(word.stdout).unwrap().split(' ').next().unwrap().to_owned();
            fs::write(root.join("data/word"), "two").unwrap();
            let seconds = fs::metadata(root.join("data/word")).unwrap().mtime().to_string();
            rewrite(&root.join("../digests"), |line| {
                let mut fields: Vec<&str> = line.split('\t').collect();
                if fields[4] == was {
                    (fields[2], fields[4]) = (&seconds, TWO);
                }
                fields.join("\t")
            });
        },
        "/digests: is not the list that was published",
    ),
    (
        "manifest",
        |root| rewrite(&root.join("../image"), |line| line.replace("host = none", "host = opt")),
        "/image: is not what was published; it says what of this machine shows",
    ),
    (
        "record",
        |root| fs::remove_file(root.join("../about")).unwrap(),
        "/about: is gone, and with it what the other papers must be",
    ),
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

/// Each line of a paper becomes another.
fn rewrite(paper: &Path, line: impl Fn(&str) -> String) {
    let text = fs::read_to_string(paper).unwrap();
    let new: String = text.lines().map(|old| line(old) + "\n").collect();
    assert_ne!(text, new);
    fs::write(paper, new).unwrap();
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

/// As it would be if it had been published before the top of the tree and the manifest were digested.
fn grown_old(own: &Own, number: u32) {
    let paper = |name: &str| own.file(number, "..").join(name);
    let list = fs::read_to_string(paper("digests")).unwrap();
    let (top, rest) = list.split_once('\n').unwrap();
    assert_eq!(top, "d\t755\t-\t-\t-\t");
    fs::write(paper("digests"), rest).unwrap();
    let sum = Command::new("sha256sum").arg(paper("digests")).output().unwrap();
    let mut about: serde_json::Value = serde_json::from_slice(&fs::read(paper("about")).unwrap()).unwrap();
    about["digest"] = String::from_utf8(sum.stdout).unwrap()[..64].into();
    assert!(about.as_object_mut().unwrap().remove("image_digest").is_some());
    fs::write(paper("about"), about.to_string()).unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_generation_older_than_the_digests_of_its_top_and_its_manifest_verifies_and_says_what_nobody_knows() {
    let (own, ..) = Own::of_words("verified-old", &["one"]);
    grown_old(&own, 1);
    let said = jailbase(["image", "verify", &own.name]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(jailbase(["image", "update", &own.name]).well().contains("nothing changed"));
    // What it shows of this machine, and a top that lets nobody in, are seen without a digest.
    let manifest = own.file(1, "../image");
    let was = fs::read(&manifest).unwrap();
    rewrite(&manifest, |line| line.replace("host = none", "host = opt"));
    assert!(jailbase(["image", "verify", &own.name]).out.contains("/image: shows directories of this machine"));
    fs::write(&manifest, was).unwrap();
    mode(&own.file(1, ""), 0o700);
    assert!(jailbase(["image", "verify", &own.name]).out.contains("/: is closed to everybody but root"));
    jailbase(["image", "update", &own.name]).well();
    assert_eq!(own.current(), 2);
    jailbase(["image", "verify", &own.name]).well();

    let host = Own::new("verified-old-host");
    host.build("host", &[]).well();
    grown_old(&host, 1);
    let said = jailbase(["image", "verify", &host.name]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("nobody can say whether it shows the directories of this machine that it showed then"),
        "{}",
        said.err
    );
    host.build("host", &[]).well();
    let said = jailbase(["image", "verify", &host.name]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
}
