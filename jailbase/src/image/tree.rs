//! A tree in the making: nobody but root can reach it before it is published.

use jail::error::Error;
use jail::sys::{self, fd};
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The root directory of the tree. Names are relative to it, and the directory above each was made before.
#[derive(Debug)]
pub struct Tree(PathBuf);

impl Tree {
    /// Makes the root directory.
    pub fn new(path: PathBuf) -> Result<Self, Error> {
        let tree = Self(path);
        tree.directory("", 0o755)?;
        Ok(tree)
    }

    /// A root directory that is there.
    pub fn there(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a directory.
    pub fn directory(&self, name: &str, mode: u32) -> Result<(), Error> {
        let path = self.0.join(name);
        let made = DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .and_then(|()| std::fs::set_permissions(&path, Permissions::from_mode(mode)));
        made.map_err(|error| failed("make", &path, &error))
    }

    /// Makes a file.
    pub fn file(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), Error> {
        let path = self.0.join(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let made =
            made.and_then(|mut file| file.write_all(bytes).and_then(|()| file.set_permissions(Permissions::from_mode(mode))));
        made.map_err(|error| failed("write", &path, &error))
    }

    /// Makes a symbolic link.
    pub fn link(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.0.join(name);
        symlink(text, &path).map_err(|error| failed("make the link", &path, &error))
    }
}

fn failed(doing: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::failed(doing, path.display().to_string(), sys::why(fd::errno(error)))
}
