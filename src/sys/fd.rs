//! Descriptors: opened beneath a directory, looked at on the open descriptor, never inherited.

pub use super::expire::stat_at;
use super::{Errno, Result};
pub use nix::fcntl::AT_FDCWD as HERE;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
pub use nix::sys::stat::{FileStat, fstat as stat};
use nix::sys::stat::{Mode, SFlag};
use nix::sys::statfs::fstatfs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// How a file beneath a directory is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// To be read.
    Read,
    /// To be written.
    Write,
    /// A directory, to be named or mounted on, not read (`O_PATH`).
    Directory,
    /// A directory, to be locked or listed.
    List,
    /// A file, to be named or mounted on, not read (`O_PATH`).
    Place,
}

impl How {
    fn flags(self) -> OFlag {
        OFlag::O_CLOEXEC
            | match self {
                Self::Read => OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY,
                Self::Write => OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY,
                Self::Directory => OFlag::O_PATH | OFlag::O_DIRECTORY,
                Self::List => OFlag::O_RDONLY | OFlag::O_DIRECTORY,
                Self::Place => OFlag::O_PATH,
            }
    }
}

/// Opens an absolute path, following no symbolic link in any component.
pub fn open(path: &str, how: How) -> Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    openat2(HERE, path, OpenHow::new().flags(how.flags()).resolve(resolve))
}

/// Opens a path beneath a directory: no symbolic link in any component, no way out.
pub fn open_beneath(dir: impl AsFd, path: &str, how: How) -> Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    openat2(dir, path, OpenHow::new().flags(how.flags()).resolve(resolve))
}

/// Opens a magic link of procfs: by a constant path, or relative to a directory there. The caller judges what came of it.
pub fn open_magic(dir: impl AsFd, path: &str, how: How) -> Result<OwnedFd> {
    nix::fcntl::openat(dir, path, how.flags(), Mode::empty())
}

/// Whether this is a directory.
pub fn is_dir(stat: &FileStat) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}

/// Whether this is a regular file.
pub fn is_file(stat: &FileStat) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
}

/// Whether somebody other than the owner may write.
pub fn others_write(stat: &FileStat) -> bool {
    Mode::from_bits_truncate(stat.st_mode).intersects(Mode::S_IWGRP | Mode::S_IWOTH)
}

/// Whether the file lies on nsfs: whether it is a namespace.
pub fn is_namespace(fd: impl AsFd) -> Result<bool> {
    Ok(fstatfs(fd)?.filesystem_type() == nix::sys::statfs::NSFS_MAGIC)
}

/// The text of a symbolic link in a directory.
pub fn link_text(dir: impl AsFd, name: &str) -> Result<String> {
    readlinkat(dir, name)?.into_string().map_err(|_| Errno::EILSEQ)
}

/// At most `most` bytes of a file, and one more if there is more.
pub fn read_at_most(fd: OwnedFd, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most.saturating_add(1));
    let end = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::from(fd).take(end).read_to_end(&mut bytes).map_err(|e| errno(&e))?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// The errno inside an error of the standard library.
pub fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Closes every descriptor from 3 up.
pub fn close_from_3() -> Result<()> {
    // SAFETY: every descriptor above 2 belongs to the caller who left it to us; none is owned by a Rust value yet.
    super::raw(unsafe { syscalls::syscall!(syscalls::Sysno::close_range, 3, u32::MAX, 0) }).map(|_| ())
}

/// A pipe, both ends close-on-exec: to be read, to be written.
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    // KERNEL: a full pipe must not stop a supervisor that keeps the time; init reads only when poll says so.
    nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
}
