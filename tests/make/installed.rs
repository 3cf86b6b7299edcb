//! What `make install` puts below a place of a test's own, and takes away again. The programs are stand-ins: nothing is built.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A place to install into, gone with this value.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(std::env::temp_dir().join(format!("jail-install-{}-{name}", std::process::id())));
        let words = place.0.join("out/completions");
        fs::create_dir_all(&words).unwrap();
        for program in ["trampoline", "reaper", "jailbase"] {
            fs::write(place.0.join("out").join(program), program).unwrap();
            for file in [format!("{program}.bash"), format!("{program}.fish"), format!("_{program}")] {
                fs::write(words.join(file), "").unwrap();
            }
        }
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Runs make with these words. The group is one that every machine has, and that root may give away.
    fn make(&self, words: &[&str]) -> Output {
        let own = [format!("OUT={}", self.path("out")), "GROUP=0".to_owned()];
        let mut command = Command::new("make");
        command.args(["-s", "--no-print-directory"]).args(own).args(words);
        output(command)
    }

    /// The same into `root`, which must end well and say nothing.
    #[track_caller]
    fn makes(&self, words: &[&str]) {
        let to = format!("DESTDIR={}", self.path("root"));
        let done = self.make(&[words, &[&to]].concat());
        let said = String::from_utf8_lossy(&done.stderr);
        // Whoever is not root is told that trampoline will not be root's.
        assert!(done.status.success() && said.lines().all(|line| line.contains(" installs, so ")), "{words:?}: {said}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Whoever runs the tests by make has told that make something else.
fn output(mut command: Command) -> Output {
    for name in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PREFIX", "DESTDIR", "MODE"] {
        command.env_remove(name);
    }
    command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

/// Everything below a directory, in order.
fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn every_link_of_an_installed_paper_leads_to_a_file_that_is_installed() {
    let place = Place::new("links");
    place.makes(&["install"]);
    let docs = place.0.join("root/usr/local/share/doc/trampoline");
    let papers: Vec<PathBuf> = below(&docs).into_iter().filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    let (mut dead, mut count) = (Vec::new(), 0);
    for paper in &papers {
        let said = fs::read_to_string(paper).unwrap();
        for link in said.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || link.contains("://") {
                continue;
            }
            count += 1;
            if !paper.parent().unwrap().join(file).exists() {
                dead.push(format!("{} links to {link}", paper.strip_prefix(&docs).unwrap().display()));
            }
        }
    }
    assert!(dead.is_empty(), "\n{}", dead.join("\n"));
    let named = |name: &str| papers.iter().any(|paper| paper.ends_with(name));
    assert!(
        count > 30 && named("trampoline/README.md") && named("adr/0013-an-administrator-enters-as-the-user.md"),
        "{papers:?}"
    );
    // What it is compiled from, to be copied and changed.
    assert_eq!(fs::read(docs.join("policy.toml")).unwrap(), fs::read("policy.toml").unwrap());
    place.makes(&["uninstall"]);
    assert!(!docs.exists());
}

/// What it says on standard error in one line of ours, and whether it goes on.
#[track_caller]
fn one_line(done: &Output) -> (bool, String) {
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    // Make has the last word of its own, and whoever is not root is told that too.
    let ours: Vec<&str> =
        said.lines().filter(|line| !line.starts_with("make: *** ") && !line.contains(" installs, so ")).collect();
    assert_eq!(ours.len(), 1, "{said}");
    (done.status.success(), ours.concat())
}

#[test]
fn a_place_that_cannot_be_is_refused_in_one_line_before_anything_is_made() {
    let place = Place::new("refused");
    let (root, blank) = (format!("DESTDIR={}", place.path("root")), format!("DESTDIR={}", place.path("a b")));
    let file = format!("DESTDIR={}/trampoline", place.path("out"));
    let rows: [(&[&str], &str); 12] = [
        (&["install", &file], "/out/trampoline is no directory; choose another PREFIX= or DESTDIR="),
        (&["install", "DESTDIR=-x"], "DESTDIR=-x has a blank or another sign that means something to shells; choose another"),
        (&["install", &root, "MODE=14755"], "make: MODE=14755 is no mode; say 4750, or 4755 for login shells"),
        (&["install", &blank], "has a blank or another sign that means something to shells; choose another"),
        (&["uninstall", &blank], "has a blank or another sign that means something to shells; choose another"),
        (
            &["install", &root, "PREFIX=/opt/a b"],
            "make: PREFIX=/opt/a b is no absolute path of letters, digits and . _ + - alone",
        ),
        (
            &["uninstall", &root, "PREFIX=/opt/a b"],
            "make: PREFIX=/opt/a b is no absolute path of letters, digits and . _ + - alone",
        ),
        (&["uninstall", &root, "PREFIX=/opt"], "/root/opt; say the PREFIX= and DESTDIR= that make install had"),
        (&["install", &root, "PREFIX=opt"], "make: PREFIX=opt is no absolute path of"),
        (&["install", &root, "MODE=u+s"], "make: MODE=u+s is no mode; say 4750, or 4755 for login shells"),
        (&["install", &root, "MODE=4777"], "make: MODE=4777 would let others than root change trampoline; say 4750"),
        (&["install", &root, "OUT=/nowhere"], "make: /nowhere/trampoline is not there, or not for "),
    ];
    let before = below(&place.0);
    for (words, why) in rows {
        let (well, said) = one_line(&place.make(words));
        assert!(!well && said.starts_with("make: ") && said.contains(why), "{words:?}: {said}");
        assert_eq!(below(&place.0), before, "{words:?}");
    }
    assert!(!Path::new(env!("CARGO_MANIFEST_DIR")).join("b").exists());
}

#[test]
fn what_a_make_that_failed_has_left_is_not_installed() {
    let place = Place::new("unfinished");
    let root = format!("DESTDIR={}", place.path("root"));
    assert!(!place.make(&["build", "LIBC=muls"]).status.success());
    let (well, said) = one_line(&place.make(&["install", &root]));
    assert!(!well && said.starts_with("make: the last make did not come to its end, so what is in "), "{said}");
    assert!(!Path::new(&place.path("root")).exists());
}

#[test]
fn who_may_not_write_there_is_told_who_may() {
    let place = Place::new("closed");
    let closed = place.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    // Root may write everywhere, but for one without the right to.
    let words = ["--bounding-set=-dac_override", "make", "-s", "install", "GROUP=0"];
    let mut command = if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let mut command = Command::new("setpriv");
        command.args(&words[..1]).arg(words[1]);
        command
    } else {
        Command::new(words[1])
    };
    command.args(&words[2..]).args([format!("OUT={}", place.path("out")), format!("DESTDIR={closed}")]);
    let done = output(command);
    let (well, said) = one_line(&done);
    assert!(!well && said.contains(&format!(" cannot write to {closed}; run it as root")), "{said}");
}

#[test]
fn a_mode_without_the_setuid_bit_is_installed_with_a_warning() {
    let place = Place::new("mode");
    let (well, said) = one_line(&place.make(&["install", &format!("DESTDIR={}", place.path("root")), "MODE=755"]));
    assert!(well && said.starts_with("make: warning: MODE=755 has no setuid bit, so trampoline will enter no jail; "), "{said}");
    place.makes(&["install", "MODE=04755"]);
}

#[test]
fn who_names_a_policy_when_it_is_too_late_is_warned() {
    let place = Place::new("policy");
    let (well, said) = one_line(&place.make(&["install", &format!("DESTDIR={}", place.path("root")), "JAIL_POLICY=policy.toml"]));
    assert!(well && said.starts_with("make: warning: JAIL_POLICY counts when the programs are built; "), "{said}");
}

#[test]
fn what_was_made_for_the_programs_goes_with_them_and_what_was_there_or_is_used_stays() {
    let place = Place::new("empty");
    let root = place.0.join("root");
    place.makes(&["install"]);
    place.makes(&["install"]);
    place.makes(&["uninstall"]);
    assert!(below(&root).is_empty(), "{:?}", below(&root));
    let there = ["usr/local/bin", "usr/local/share/zsh"].map(|dir| root.join(dir));
    there.iter().for_each(|dir| fs::create_dir_all(dir).unwrap());
    let mut stays = below(&root);
    place.makes(&["install"]);
    let man = root.join("usr/local/share/man");
    fs::write(man.join("man5/other.5"), "").unwrap();
    stays.extend([man.clone(), man.join("man5"), man.join("man5/other.5")]);
    stays.sort();
    place.makes(&["uninstall"]);
    assert_eq!(below(&root), stays);
}

#[test]
fn whoever_removes_the_programs_while_jails_are_up_is_warned() {
    let place = Place::new("live");
    fs::create_dir_all(place.0.join("sbin")).unwrap();
    for (says, warned) in [("echo '[]'", false), ("echo '[{}]'", true), ("exit 125", false)] {
        let program = place.0.join("sbin/jailbase");
        fs::write(&program, format!("#!/bin/sh\n[ \"$*\" = 'ls --json' ] || exit 64\n{says}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let judge = |dest: &str, prefix: &str| {
            let mut command = Command::new("build/place");
            command.arg("judge-uninstall").env("DESTDIR", dest).env("PREFIX", prefix);
            let done = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
            assert!(done.status.success() && done.stdout.is_empty(), "{done:?}");
            String::from_utf8(done.stderr).unwrap()
        };
        let said = judge("", &place.path(""));
        assert_eq!(said.contains("warning: jails are still up") && said.lines().count() == 1, warned, "{says}: {said}");
        assert_eq!(said.is_empty(), !warned, "{says}: {said}");
        assert_eq!(judge(&place.path(""), "/."), "", "another machine's");
    }
}
