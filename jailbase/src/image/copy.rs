//! `--from dir:`, and the clone of a generation that an update or an edit works on.
//!
//! Somebody else may own the directory and change it meanwhile, so nothing is looked up twice: every thing is opened beneath
//! the directory, through no link and across no mount, and judged on the open descriptor. What is copied is never a link to
//! the original: two files that were one there are two in the clone of a generation, because there they may be one only by
//! sharing.

use super::budget::{Budget, LONGEST_PATH, MOST_PARTS};
use super::settle::Taken;
use crate::interrupt;
use crate::progress::Progress;
use crate::tell::advised;
use jail::error::Error;
use jail::report::escaped;
use jail::state::Doing;
use jail::sys::fd::{self, FileStat};
use jail::sys::images::attributes::{giving_rights, share_extents};
use jail::sys::{self, Errno};
use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{SFlag, fstatat, futimens};
use nix::sys::time::TimeSpec;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// So many bytes of a file are copied at once, so that a signal is seen in between.
const PIECE: u64 = 64 << 20;

/// What happens to two names of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Links {
    /// They are two names of one file again.
    Keep,
    /// Each becomes a file of its own.
    Part,
}

/// One copy under way.
struct Copy<'a> {
    source: &'a Path,
    from: OwnedFd,
    to: &'a Path,
    links: Links,
    seen: HashMap<(u64, u64), PathBuf>,
    taken: Taken,
    progress: Progress,
}

/// Opens a directory that is to be copied.
pub fn open(source: &Path) -> Result<OwnedFd, Error> {
    let shown = source.display().to_string();
    fd::open(&shown, fd::How::List).doing("open the directory", shown)
}

/// Copies all that is in a directory into another, which is empty and which root alone can reach: so many things, if that is known.
pub fn copy(source: &Path, to: &Path, links: Links, budget: &mut Budget, entries: Option<u64>) -> Result<Taken, Error> {
    let from = open(source)?;
    let progress = Progress::of_some("copying", entries);
    let mut copy = Copy { source, from, to, links, seen: HashMap::new(), taken: Taken::default(), progress };
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        copy.directory(&dir, &mut open, budget)?;
    }
    Ok(copy.taken)
}

impl Copy<'_> {
    fn shown(&self, path: &Path) -> String {
        escaped(self.source.join(path).as_os_str().as_bytes())
    }

    fn refused(&self, path: &Path, why: &str) -> Error {
        Error::Refused(format!("{}: {}", self.shown(path), advised(why, "mend or leave it out, then build again")))
    }

    fn open(&self, path: &Path, flags: OFlag) -> Result<OwnedFd, Error> {
        let resolve = ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_XDEV;
        let how = OpenHow::new().flags(flags | OFlag::O_RDONLY | OFlag::O_CLOEXEC).resolve(resolve);
        let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match openat2(&self.from, here, how) {
            Err(Errno::EXDEV) => Err(self.refused(path, "another file system is mounted there; unmount it first")),
            opened => opened.doing("open", self.shown(path)),
        }
    }

    fn directory(&mut self, path: &Path, open: &mut Vec<PathBuf>, budget: &mut Budget) -> Result<(), Error> {
        if path.as_os_str().len() > LONGEST_PATH || path.components().count() > MOST_PARTS {
            return Err(self.refused(path, "it is nested too deep"));
        }
        let dir = self.open(path, OFlag::O_DIRECTORY)?;
        let stat = fd::stat(&dir).doing("look at", self.shown(path))?;
        let names =
            names(dir.try_clone().map_err(|e| Error::failed("list", self.shown(path), e))?).doing("list", self.shown(path))?;
        for name in names {
            interrupt::judge()?;
            let at = path.join(&name);
            let stat = fstatat(&dir, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW).doing("look at", self.shown(&at))?;
            self.one(&dir, &at, &stat, open, budget)?;
            self.progress.step();
        }
        let mode = Permissions::from_mode(stat.st_mode & 0o0777);
        fs::set_permissions(self.to.join(path), mode).map_err(|e| Error::failed("set the mode of", self.shown(path), e))
    }

    fn one(
        &mut self,
        dir: &OwnedFd,
        at: &Path,
        stat: &FileStat,
        open: &mut Vec<PathBuf>,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        let target = self.to.join(at);
        let failed = |error: std::io::Error| Error::failed("write", target.display().to_string(), sys::why(fd::errno(&error)));
        let over = |this: &Self, why: String| this.refused(at, &why);
        if fd::is_dir(stat) {
            budget.take(0).map_err(|why| over(self, why))?;
            DirBuilder::new().mode(0o700).create(&target).map_err(failed)?;
            open.push(at.to_owned());
            return Ok(());
        }
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFLNK {
            budget.take(0).map_err(|why| over(self, why))?;
            let text = readlinkat(dir, at.file_name().unwrap_or_default()).doing("read the link", self.shown(at))?;
            return symlink(text, &target).map_err(failed);
        }
        if !fd::is_file(stat) {
            return Err(self.refused(at, "is a device, a socket or a pipe; remove it, a jail has a /dev of its own"));
        }
        self.file(at, &target, budget)
    }

    fn file(&mut self, at: &Path, target: &Path, budget: &mut Budget) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::failed("write", target.display().to_string(), sys::why(fd::errno(&error)));
        let source = self.open(at, OFlag::O_NONBLOCK | OFlag::O_NOCTTY)?;
        let stat = fd::stat(&source).doing("look at", self.shown(at))?;
        if !fd::is_file(&stat) {
            return Err(self.refused(at, "it was replaced while it was read"));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let number = (stat.st_dev, stat.st_ino);
        if self.links == Links::Keep
            && stat.st_nlink > 1
            && let Some(first) = self.seen.get(&number)
        {
            budget.take(0).map_err(|why| self.refused(at, &why))?;
            return fs::hard_link(self.to.join(first), target).map_err(failed);
        }
        budget.take(size).map_err(|why| self.refused(at, &why))?;
        let made = File::options().write(true).create_new(true).mode(0o600).open(target).map_err(failed)?;
        if size > 0 && !share_extents(&made, &source).doing("share", self.shown(at))? {
            let mut from = File::from(source.try_clone().map_err(failed)?);
            let mut copied = 0;
            while copied < size {
                interrupt::judge()?;
                let piece = std::io::copy(&mut from.by_ref().take(PIECE.min(size - copied)), &mut &made).map_err(failed)?;
                if piece == 0 {
                    break;
                }
                copied += piece;
            }
            if copied != size {
                return Err(self.refused(at, "it was cut short while it was read"));
            }
        }
        self.taken.setuid += u64::from(stat.st_mode & 0o6000 != 0);
        self.taken.attributes += u64::from(!giving_rights(&source).doing("look at", self.shown(at))?.is_empty());
        made.set_permissions(Permissions::from_mode(stat.st_mode & 0o0777)).map_err(failed)?;
        let time = TimeSpec::new(stat.st_mtime, 0);
        futimens(&made, &time, &time).doing("date", self.shown(at))?;
        self.seen.insert(number, at.to_owned());
        Ok(())
    }
}

/// The names in a directory, whatever bytes they are made of.
fn names(dir: OwnedFd) -> sys::Result<Vec<std::ffi::OsString>> {
    let mut all = Vec::new();
    for entry in Dir::from_fd(dir)?.iter() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            all.push(name.to_owned());
        }
    }
    all.sort();
    Ok(all)
}
