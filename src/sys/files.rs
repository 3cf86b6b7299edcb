//! Small changes in directories that only root writes: exact modes, one component at a time.

pub use super::expire::names;
use super::{Errno, Result, fd};
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
pub use nix::unistd::{chdir as enter, fchdir as enter_directory, symlinkat as link};
use std::os::fd::AsFd;

/// Makes an empty file if there is none.
pub fn touch(dir: impl AsFd, name: &str, mode: u32) -> Result<()> {
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(dir, name, flags, Mode::from_bits_truncate(mode)) {
        Err(Errno::EEXIST) => Ok(()),
        made => made.map(|_| ()),
    }
}

/// Writes a text, in one call, to a file that is there.
pub fn write(dir: impl AsFd, name: &str, text: &str) -> Result<()> {
    nix::unistd::write(fd::open_beneath(dir, name, fd::How::Write)?, text.as_bytes()).map(|_| ())
}

/// Makes a directory in a directory if there is nothing of that name.
pub fn make_directory(dir: impl AsFd, name: &str, mode: u32) -> Result<()> {
    match mkdirat(dir, name, Mode::from_bits_truncate(mode)) {
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    }
}

/// Removes a file from a directory.
pub fn remove(dir: impl AsFd, name: &str) -> Result<()> {
    nix::unistd::unlinkat(dir, name, nix::unistd::UnlinkatFlags::NoRemoveDir)
}

/// Sets the umask of the session.
pub fn session_umask() {
    nix::sys::stat::umask(Mode::from_bits_truncate(0o022));
}
