//! Base images: the usual one, built once, and copies of it that a test may break.

use super::{STATE, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Builds the image `host` if there is none.
pub fn host() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !Path::new(&format!("{STATE}/images/host/current")).is_symlink() {
            let done = Command::new(program("jailbase")).args(["image", "build", "host", "--from", "host"]).output().unwrap();
            assert!(done.status.success(), "jailbase image build: {}", String::from_utf8_lossy(&done.stderr));
        }
    });
}

/// A copy of the image `host` that a test may break.
pub struct Image {
    pub name: String,
    pub dir: PathBuf,
}

impl Image {
    /// A copy with this name, which no other test has.
    pub fn copy(name: &str) -> Self {
        host();
        let dir = PathBuf::from(format!("{STATE}/images/{name}"));
        fs::create_dir(&dir).unwrap();
        // The generation in service alone: a machine on which the tests often run has many.
        let host = format!("{STATE}/images/host");
        let number = fs::read_link(format!("{host}/current")).unwrap();
        let from = [format!("{host}/current"), format!("{host}/{}", number.display())];
        let done = Command::new("cp").arg("-a").args(from).arg(&dir).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { name: name.to_owned(), dir }
    }

    /// The generation in service.
    pub fn generation(&self) -> PathBuf {
        self.dir.join(fs::read_link(self.dir.join("current")).unwrap())
    }

    /// Its tree.
    pub fn tree(&self) -> PathBuf {
        self.generation().join("root")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // A test may have put a link in its place.
        if self.dir.is_symlink() {
            fs::remove_file(&self.dir).unwrap();
        } else if self.dir.exists() {
            fs::remove_dir_all(&self.dir).unwrap();
        }
    }
}
