//! A file system that somebody mounted on the host.

use crate::common::process;
use std::fs;
use std::path::{Path, PathBuf};

/// A mount on the host, gone with this value.
pub struct Planted(PathBuf);

impl Planted {
    /// A tmpfs in which set-user-id bits and devices work.
    pub fn new(at: &Path) -> Self {
        Self::with(at, 0)
    }

    /// One with these flags of mount(2).
    pub fn with(at: &Path, flags: u64) -> Self {
        fs::create_dir_all(at).unwrap();
        process::mount("none", at.to_str().unwrap(), "tmpfs", flags, "size=8m,mode=755").unwrap();
        Self(at.to_owned())
    }

    /// Changes how mounts below it spread.
    pub fn spreads(&self, how: u64) {
        process::mount("", self.0.to_str().unwrap(), "", how, "").unwrap();
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        drop(process::unmount(self.0.to_str().unwrap(), libc::MNT_DETACH));
        drop(fs::remove_dir(&self.0));
    }
}
