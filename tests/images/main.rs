//! Images: where they may come from, how a generation replaces another, and what a hostile source gets.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod archives;
mod buildah;
mod changed;
mod collected;
mod corpus;
mod edited;
mod first;
mod full;
mod generations;
mod killed;
mod layers;
mod layout;
mod machines;
mod oci;
mod odd;
mod packing;
mod room;
mod sources;
mod stopped;
mod stopped_debian;
mod strangers;
mod talk;
mod tiny;
mod told;
mod turns;
mod upgraded;
mod verified;
mod writable;
mod writes;

use common::{STATE, program};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What jailbase said.
struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs jailbase.
fn jailbase<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Said {
    Said::of(&Command::new(program("jailbase")).args(words).env_clear().output().unwrap())
}

/// What a command over all images says. Of one that another test is spoiling meanwhile it may complain.
#[track_caller]
fn of_all<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> String {
    let said = jailbase(words);
    assert!([0, 125].contains(&said.code), "{}{}", said.out, said.err);
    said.out
}

/// Whether this is the copy of a test that has a state of its own, with no image in it; else there is one now, it went well, and
/// the test is done. What this machine's kernel knows of mount namespaces the copy is not told.
fn has_a_state_of_its_own(test: &str) -> bool {
    if std::env::var_os("JAIL_OWN_STATE").is_some() {
        return true;
    }
    let line = format!("mount -t tmpfs -o mode=755 none {STATE} && exec \"$0\" --exact {test} --include-ignored --nocapture");
    let words = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", &line];
    let mut copy = Command::new("unshare");
    copy.args(words).arg(std::env::current_exe().unwrap()).env("JAIL_OWN_STATE", "1").env(tiny::COMPILED, tiny::program());
    let done = Said::of(&copy.output().unwrap());
    assert!(done.code == 0 && done.out.contains("1 passed"), "{}{}", done.out, done.err);
    println!("{}", done.out);
    false
}

impl Said {
    fn of(done: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: done.status.code().unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) }
    }

    /// It went well; what was said on standard output.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// It was refused, or failed, with a line that holds this, and nothing on standard output.
    #[track_caller]
    pub fn no(self, code: i32, reason: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(reason), "{reason:?} is not in {:?}", self.err);
        assert!(self.err.lines().count() == 1 && !self.err.trim_end().chars().any(char::is_control), "{:?}", self.err);
        assert_eq!(self.out, "");
    }
}

/// Removes what is there, if anything is, however deep.
fn remove(path: &Path) {
    assert!(Command::new("rm").arg("-rf").arg(path).status().unwrap().success(), "{}", path.display());
}

/// An image of a test's own, and a place for its source; both are gone when the test ends.
struct Own {
    pub name: String,
    pub place: PathBuf,
}

impl Own {
    /// With this name, which no other test has.
    pub fn new(name: &str) -> Self {
        let own = Self {
            name: format!("t-{name}"),
            place: std::env::temp_dir().join(format!("jail-images-{}-{name}", std::process::id())),
        };
        own.clear();
        fs::create_dir(&own.place).unwrap();
        own
    }

    /// Where the image is.
    pub fn dir(&self) -> PathBuf {
        Path::new(STATE).join("images").join(&self.name)
    }

    /// The number in service.
    pub fn current(&self) -> u32 {
        fs::read_link(self.dir().join("current")).unwrap().to_str().unwrap().parse().unwrap()
    }

    /// A file of a generation.
    pub fn file(&self, number: u32, path: &str) -> PathBuf {
        self.dir().join(number.to_string()).join("root").join(path)
    }

    /// All names in the image's directory, in order.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.dir()) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A digest of all that is in the image's directory: names, owners, modes, dates and contents.
    pub fn digest(&self) -> String {
        let line = "find . -printf '%p %y %m %U %G %s %T@ %l\\n' | sort | sha256sum; find . -type f -print0 | sort -z | xargs -0 sha256sum";
        let done = Command::new("/bin/sh").args(["-c", line]).current_dir(self.dir()).output().unwrap();
        let digest = String::from_utf8(done.stdout).unwrap();
        assert!(digest.lines().count() > 5, "{digest}");
        digest
    }

    /// An image of a small system whose word was each of these in turn, in a generation each; its source, and how a build names it.
    pub fn of_words(name: &str, words: &[&str]) -> (Self, PathBuf, String) {
        let own = Self::new(name);
        let source = own.place.join("system");
        let from = format!("dir:{}", source.display());
        for word in words {
            tiny::system(&source, word);
            own.build(&from, &[]).well();
        }
        (own, source, from)
    }

    /// The words of a build from a source, and further ones.
    pub fn build(&self, from: &str, words: &[&str]) -> Said {
        jailbase(["image", "build", &self.name, "--from", from].into_iter().chain(words.iter().copied()))
    }

    /// As if it had never been built.
    pub fn clear_image(&self) {
        remove(&self.dir());
    }

    fn clear(&self) {
        self.clear_image();
        remove(&self.place);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.clear();
    }
}
