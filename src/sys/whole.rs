//! Files that are there whole or not at all. The setuid program writes none.

use super::{Errno, Result, fd, files};
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::fsync;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

/// Puts a file in the place of whatever has that name, a link included, which is not followed: a reader finds the old one
/// or the new one, also after a crash.
pub fn write(dir: impl AsFd, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    write_ahead(&dir, name, bytes, mode)?;
    fsync(dir)
}

/// The same for what comes before something else in the same directory: when the disk knows the name of that, it knows this
/// one too, and nobody waits for it twice.
///
/// KERNEL: fsync of a directory waits for all that was renamed in it before (fsync(2)), and a journal keeps the order of what
/// it was given; so a crash cannot leave the later name without the earlier one.
pub fn write_ahead(dir: impl AsFd, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    let new = unfinished(name);
    clear(&dir, &new)?;
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(&dir, new.as_str(), flags, Mode::from_bits_truncate(0o600))?);
    let written = file.write_all(bytes).map_err(|e| fd::errno(&e));
    // ORDER: the mode and the bytes are on disk before the name is; a crash must not leave the name of an empty file.
    let done = written.and_then(|()| fchmod(&file, Mode::from_bits_truncate(mode))).and_then(|()| fsync(&file));
    replace(done, dir, &new, name)
}

/// Puts a symbolic link in the place of whatever has that name.
pub fn link(dir: impl AsFd, name: &str, text: &str) -> Result<()> {
    let new = unfinished(name);
    clear(&dir, &new)?;
    replace(files::link(text, &dir, new.as_str()), &dir, &new, name)?;
    fsync(dir)
}

/// Renames within a directory, and waits until the disk knows.
pub fn rename(dir: impl AsFd, from: &str, to: &str) -> Result<()> {
    renameat(&dir, from, &dir, to).and_then(|()| fsync(dir))
}

/// Removes a file or link, if there is one.
pub fn clear(dir: impl AsFd, name: &str) -> Result<()> {
    match files::remove(dir, name) {
        Err(Errno::ENOENT) => Ok(()),
        removed => removed,
    }
}

/// A name no user, image or file of ours has, for what is not complete.
pub fn unfinished(name: &str) -> String {
    format!(".{name}.new")
}

fn replace(made: Result<()>, dir: impl AsFd, new: &str, name: &str) -> Result<()> {
    let done = made.and_then(|()| renameat(&dir, new, &dir, name));
    if done.is_err() {
        // What is left of it is in nobody's way, and the next attempt clears it.
        files::remove(dir, new).unwrap_or(());
    }
    done
}
