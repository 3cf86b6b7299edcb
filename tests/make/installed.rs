//! What `make install` puts below a place of a test's own, and takes away again. The programs are stand-ins: nothing is built.

use std::fs;
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
