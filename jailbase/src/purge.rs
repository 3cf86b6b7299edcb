//! Removes a directory that a user or an archive filled. The user may have nested it deeper than any stack and, with a descriptor passed
//! out of a jail, may be changing it meanwhile; so no path is ever walked, no link followed, no mount entered.
//!
//! Every directory is first moved, by one rename, into a heap that only root can reach, and is emptied there: files go,
//! directories join the heap. Depth costs nothing, and what is emptied stays where it is.

use crate::progress::Progress;
use jail::error::Error;
use jail::state::Doing;
use jail::sys::fd::{self, FileStat};
use jail::sys::{self, Errno, files, whole};
use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2, renameat};
use nix::sys::stat::{Mode, fchmod, fstatat};
use nix::unistd::{UnlinkatFlags, fchown, getegid, geteuid, unlinkat};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The heap, beside the directory that is removed.
const HEAP: &str = ".purge";

/// How often a directory may be found filled again, or made meanwhile, before we say that somebody is filling it.
const PATIENCE: u32 = 64;

/// Removes `name` of `dir` and all below it, and what an interrupted removal left. Nobody else removes anything of `dir` meanwhile.
pub fn remove(dir: &OwnedFd, name: &str, shown: &str) -> Result<(), Error> {
    remove_known(dir, name, shown, None)
}

/// The same, where it may be known how many things there are.
pub fn remove_known(dir: &OwnedFd, name: &str, shown: &str, things: Option<u64>) -> Result<(), Error> {
    remove_into(HEAP, dir, name, shown, things)
}

/// The same where others may be removing what is beside it.
pub fn remove_among_others(dir: &OwnedFd, name: &str, shown: &str) -> Result<(), Error> {
    remove_into(&format!("{HEAP}.{name}"), dir, name, shown, None)
}

fn remove_into(heap_name: &str, dir: &OwnedFd, name: &str, shown: &str, things: Option<u64>) -> Result<(), Error> {
    let is_own = match files::make_directory(dir, heap_name, 0o700) {
        // On a full disk there is no room for a heap, so what goes becomes it.
        Err(Errno::ENOSPC | Errno::EDQUOT) => {
            whole::rename(dir, name, heap_name).doing("move aside", shown)?;
            false
        }
        made => made.doing("make a place to empty", shown).map(|()| true)?,
    };
    let mut heap = Heap::open(dir, heap_name).doing("open", shown)?;
    heap.progress = Some(Progress::of_some("removing", things));
    // The heap itself, which an interrupted removal left, has only to be emptied.
    if is_own && name != heap_name {
        heap.adopt(dir, c_name(name).doing("remove", shown)?.as_c_str()).doing("move aside", shown)?;
    }
    match heap.empty() {
        Err(Errno::ENOTEMPTY) => {
            return Err(Error::failed("remove", shown, "somebody keeps filling it; end the user's processes and try again"));
        }
        emptied => emptied.doing("empty", shown)?,
    }
    unlinkat(dir, heap_name, UnlinkatFlags::RemoveDir).doing("remove", shown)
}

/// Removes `name` of `dir` and all below it, by a heap in another directory of the same file system.
pub fn remove_by(dir: &OwnedFd, name: &CStr, beside: &OwnedFd) -> sys::Result<()> {
    match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
        Err(Errno::EISDIR | Errno::EPERM) => {}
        removed => return removed,
    }
    files::make_directory(beside, HEAP, 0o700)?;
    let mut heap = Heap::open(beside, HEAP)?;
    heap.adopt(dir, name)?;
    heap.empty()?;
    unlinkat(beside, HEAP, UnlinkatFlags::RemoveDir)
}

struct Heap {
    dir: OwnedFd,
    last: u64,
    refilled: u32,
    began: SystemTime,
    progress: Option<Progress>,
}

impl Heap {
    fn open(beside: &OwnedFd, name: &str) -> sys::Result<Self> {
        let dir = open(beside, c_name(name)?.as_c_str())?;
        // What became the heap was a user's, who may have it open.
        fchown(&dir, Some(geteuid()), Some(getegid()))?;
        fchmod(&dir, Mode::from_bits_truncate(0o700))?;
        Ok(Self { dir, last: 0, refilled: 0, began: SystemTime::now(), progress: None })
    }

    /// Moves a directory here, under a number of its own.
    fn adopt(&mut self, from: &OwnedFd, name: &CStr) -> sys::Result<()> {
        loop {
            self.last += 1;
            let number = c_name(&self.last.to_string())?;
            // A number that an interrupted removal left is taken; rename would replace an empty directory and lose nothing.
            match renameat(from, name, &self.dir, number.as_c_str()) {
                Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOTDIR) => {}
                Err(Errno::ENOENT) => return Ok(()),
                moved => return moved,
            }
        }
    }

    fn empty(&mut self) -> sys::Result<()> {
        loop {
            let numbers = names(open(&self.dir, c".")?)?;
            if numbers.is_empty() {
                return Ok(());
            }
            for number in numbers {
                self.take_apart(&number)?;
            }
        }
    }

    /// Gives up on a tree that grows faster than it goes: who holds a directory in its depth can add to it without end.
    ///
    /// A directory that nobody touched since we began was there before; what we do to one changes it after this look. One
    /// that changed in the future is what a clock left that was wrong.
    fn notice(&mut self, dir: &OwnedFd, name: &CStr) -> sys::Result<()> {
        let changed = match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => return Ok(()),
            stat => u64::try_from(stat?.st_ctime).map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        };
        if changed.is_ok_and(|changed| changed > self.began && changed <= SystemTime::now()) {
            self.refilled += 1;
        }
        if self.refilled > PATIENCE { Err(Errno::ENOTEMPTY) } else { Ok(()) }
    }

    /// Removes one directory of the heap; the directories in it join the heap.
    fn take_apart(&mut self, number: &CStr) -> sys::Result<()> {
        if !is_directory(&self.dir, number)? {
            return unlinkat(&self.dir, number, UnlinkatFlags::NoRemoveDir);
        }
        let one = open(&self.dir, number)?;
        for name in names(open(&one, c".")?)? {
            match unlinkat(&one, name.as_c_str(), UnlinkatFlags::NoRemoveDir) {
                Ok(()) => self.step(),
                Err(Errno::ENOENT) => {}
                // KERNEL: unlink of a directory is EISDIR on Linux, EPERM by POSIX; a file that is EPERM is immutable.
                Err(Errno::EISDIR | Errno::EPERM) if is_directory(&one, &name)? => {
                    self.notice(&one, &name)?;
                    match unlinkat(&one, name.as_c_str(), UnlinkatFlags::RemoveDir) {
                        Ok(()) => self.step(),
                        Err(_) => self.adopt(&one, &name)?,
                    }
                }
                Err(errno) => return Err(errno),
            }
        }
        match unlinkat(&self.dir, number, UnlinkatFlags::RemoveDir) {
            Err(Errno::ENOTEMPTY) if self.refilled < PATIENCE => {
                self.refilled += 1;
                Ok(())
            }
            removed => removed.map(|()| self.step()),
        }
    }

    /// One thing is gone.
    fn step(&self) {
        if let Some(progress) = &self.progress {
            progress.step();
        }
    }
}

/// Opens a directory in a directory: never through a link, never across a mount.
fn open(dir: &OwnedFd, name: &CStr) -> sys::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    openat2(dir, name, OpenHow::new().flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).resolve(resolve))
}

fn is_directory(dir: &OwnedFd, name: &CStr) -> sys::Result<bool> {
    let stat: FileStat = match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(false),
        stat => stat?,
    };
    Ok(fd::is_dir(&stat))
}

/// All names in a directory but its own two, whatever bytes they are made of.
fn names(dir: OwnedFd) -> sys::Result<Vec<CString>> {
    let mut all = Vec::new();
    for entry in Dir::from_fd(dir)?.iter() {
        let entry = entry?;
        if ![c".", c".."].contains(&entry.file_name()) {
            all.push(entry.file_name().to_owned());
        }
    }
    Ok(all)
}

fn c_name(name: &str) -> sys::Result<CString> {
    CString::new(name).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_deep_and_odd_tree_goes_and_what_its_links_lead_to_stays() -> Result<(), Box<dyn std::error::Error>> {
        let top = std::env::temp_dir().join(format!("jailbase-purge-{}", std::process::id()));
        let (tmp, kept) = (top.join("tmp"), top.join("kept"));
        fs::create_dir_all(kept.join("below"))?;
        fs::create_dir_all(tmp.join("d/".repeat(1500)))?;
        fs::write(tmp.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "")?;
        symlink(&kept, tmp.join("d/link"))?;
        // What an interrupted removal left: a number that is taken, full.
        fs::create_dir_all(top.join(".purge/1/left"))?;
        let dir = OwnedFd::from(fs::File::open(&top)?);
        remove(&dir, "tmp", "tmp")?;
        remove(&dir, "tmp", "tmp")?;
        // Nothing but the heap is left of a removal that was interrupted.
        fs::create_dir_all(top.join(".purge/1/left"))?;
        remove(&dir, HEAP, "heap")?;
        let left: Vec<_> = fs::read_dir(&top)?.collect::<Result<_, _>>()?;
        assert_eq!(left.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), ["kept"]);
        assert!(kept.join("below").is_dir());
        fs::remove_dir_all(&top)?;
        Ok(())
    }
}
