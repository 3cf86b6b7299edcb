//! A place in a tree that is being unpacked: found beneath the tree's open root, through no link.

use super::budget::{LONGEST_PATH, MOST_PARTS};
use super::unpack::Wrong;
use crate::purge;
use jail::sys::fd::{self, FileStat, errno};
use jail::sys::{self, Errno};
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, fchmod, fstatat, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::{linkat, symlinkat};
use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// The parts of a path that an archive names, without those that say nothing; empty for the tree itself.
pub fn path_of(name: &[u8]) -> Result<Vec<&[u8]>, Wrong> {
    if name.starts_with(b"/") {
        return Err("its name, or what it links to, is absolute".into());
    }
    if name.is_empty() || name.contains(&0) {
        return Err("it has no name".into());
    }
    let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    if parts.iter().any(|part| *part == b"..") {
        return Err("its name, or what it links to, leads upwards".into());
    }
    if name.len() > LONGEST_PATH || parts.len() > MOST_PARTS || parts.iter().any(|part| part.len() > 255) {
        return Err("its name is too long, or nested too deep".into());
    }
    Ok(parts)
}

/// A tree that is being unpacked into, from one archive after the other.
#[derive(Debug)]
pub struct Ground {
    root: OwnedFd,
    /// Where what must go is emptied: beside the tree, and out of its reach.
    beside: OwnedFd,
    /// The directory that was named last: names come in crowds.
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
    /// Everything that the archive at hand named or passed through; what else is there came from those before.
    pub touched: HashSet<Vec<u8>>,
}

/// A name in a directory of the tree, where there is nothing, or a directory that is to stay one.
pub struct Place {
    dir: Rc<OwnedFd>,
    name: Vec<u8>,
    there: bool,
}

impl Place {
    fn name(&self) -> &OsStr {
        OsStr::from_bytes(&self.name)
    }
}

impl Ground {
    /// A tree by its open root, and the directory it lies in.
    pub fn new(root: OwnedFd, beside: OwnedFd) -> Self {
        Self { root, beside, last: None, touched: HashSet::new() }
    }

    /// The next archive begins.
    pub fn next_layer(&mut self) {
        self.touched.clear();
        self.last = None;
    }

    /// The directory of a path, made if there is none.
    pub fn directory_of(&mut self, parts: &[&[u8]]) -> Result<Rc<OwnedFd>, Wrong> {
        let path = parts.join(&b'/');
        if let Some((last, dir)) = &self.last
            && *last == path
        {
            return Ok(Rc::clone(dir));
        }
        let mut dir = self.root.try_clone().map_err(|error| errno(&error))?;
        for (at, part) in (1..).zip(parts) {
            let name = OsStr::from_bytes(part);
            dir = match open(&dir, name, OFlag::O_DIRECTORY) {
                Err(Errno::ENOENT) => {
                    mkdirat(&dir, name, Mode::from_bits_truncate(0o700))?;
                    let made = open(&dir, name, OFlag::O_DIRECTORY)?;
                    fchmod(&made, Mode::from_bits_truncate(0o755))?;
                    made
                }
                Err(Errno::ELOOP) => return Err("it leads through a symbolic link".into()),
                Err(Errno::ENOTDIR) => return Err("it leads through what is no directory".into()),
                opened => opened?,
            };
            self.touched.insert(parts.get(..at).unwrap_or_default().join(&b'/'));
        }
        let dir = Rc::new(dir);
        self.last = Some((path, Rc::clone(&dir)));
        Ok(dir)
    }

    /// The place of an entry. What a layer below had there goes, unless both are directories.
    pub fn place(&mut self, parts: &[&[u8]], directory: bool, layer: bool) -> Result<Place, Wrong> {
        let (name, above) = parts.split_last().ok_or("it stands for the tree itself")?;
        let dir = self.directory_of(above)?;
        let path = parts.join(&b'/');
        let there = match stat(&dir, name)? {
            None => false,
            Some(stat) if directory && fd::is_dir(&stat) => true,
            Some(_) if layer && !self.touched.contains(&path) => {
                self.remove(&dir, name)?;
                false
            }
            Some(_) => return Err("something else of that name is there already".into()),
        };
        self.touched.insert(path);
        Ok(Place { dir, name: name.to_vec(), there })
    }

    /// Removes a name and all below it.
    pub fn remove(&mut self, dir: &OwnedFd, name: &[u8]) -> Result<(), Wrong> {
        // What is open may be what goes.
        self.last = None;
        let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
        purge::remove_by(dir, &name, &self.beside)?;
        Ok(())
    }

    /// Opens a file of the tree, to be linked to.
    fn file(&self, parts: &[&[u8]]) -> Result<OwnedFd, Wrong> {
        let path = parts.join(&b'/');
        let file = open(&self.root, OsStr::from_bytes(&path), OFlag::O_PATH | OFlag::O_NOFOLLOW);
        let file = file.map_err(|errno| match errno {
            Errno::ENOENT => Wrong::from("what it links to is not in the image, or comes later"),
            Errno::ELOOP | Errno::ENOTDIR => Wrong::from("what it links to is, or lies behind, a symbolic link"),
            errno => errno.into(),
        })?;
        if fd::is_file(&fd::stat(&file)?) { Ok(file) } else { Err("what it links to is not a file".into()) }
    }

    /// Makes a second name of a file.
    pub fn hard_link(&self, place: &Place, to: &[&[u8]]) -> Result<(), Wrong> {
        let file = self.file(to)?;
        // KERNEL: the empty name stands for the open file itself, which root may link (linkat(2), AT_EMPTY_PATH).
        Ok(linkat(&file, c"", &*place.dir, place.name(), AtFlags::AT_EMPTY_PATH)?)
    }
}

/// Makes a directory, or gives the one that is there its mode.
pub fn directory(place: &Place, mode: u32) -> Result<(), Wrong> {
    if !place.there {
        mkdirat(&*place.dir, place.name(), Mode::from_bits_truncate(0o700))?;
    }
    let made = open(&*place.dir, place.name(), OFlag::O_DIRECTORY)?;
    Ok(fchmod(&made, Mode::from_bits_truncate(mode))?)
}

/// Makes a file of exactly this length.
pub fn file(place: &Place, from: &mut impl Read, size: u64, mode: u32, mtime: i64) -> Result<(), Wrong> {
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = File::from(openat(&*place.dir, place.name(), flags, Mode::from_bits_truncate(0o600))?);
    let mut written = Written { file: &file, failed: None };
    let copied = io::copy(from, &mut written);
    if let Some(errno) = written.failed {
        return Err(errno.into());
    }
    if copied.map_err(Wrong::Reading)? != size {
        return Err("it ends early; the archive was cut short".into());
    }
    fchmod(&file, Mode::from_bits_truncate(mode))?;
    let time = TimeSpec::new(mtime, 0);
    Ok(futimens(&file, &time, &time)?)
}

/// Makes a symbolic link. Nobody of ours will follow it.
pub fn symbolic_link(place: &Place, text: &[u8]) -> Result<(), Wrong> {
    if text.is_empty() || text.contains(&0) {
        return Err("it is a link without a text".into());
    }
    Ok(symlinkat(OsStr::from_bytes(text), &*place.dir, place.name())?)
}

/// So that a full disk is not taken for a bad archive.
struct Written<'a> {
    file: &'a File,
    failed: Option<Errno>,
}

impl io::Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file;
        file.write(bytes).inspect_err(|error| self.failed = Some(errno(error)))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a name is, if there is something.
pub fn stat(dir: &OwnedFd, name: &[u8]) -> sys::Result<Option<FileStat>> {
    match fstatat(dir, OsStr::from_bytes(name), AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => Ok(None),
        stat => stat.map(Some),
    }
}

fn open(dir: impl AsFd, name: &OsStr, flags: OFlag) -> sys::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_SYMLINKS
        | ResolveFlag::RESOLVE_NO_MAGICLINKS
        | ResolveFlag::RESOLVE_NO_XDEV;
    openat2(dir, name, OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve))
}
