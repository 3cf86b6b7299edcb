//! A user's directory, gone through without trusting what is in it. The user may change it meanwhile, nest it deeper than any
//! path and than there are descriptors, and put links and mounts into it.
//!
//! One directory is open at a time. The way down is one name beneath it, through no link and onto no other mount; the way up
//! is `..`, believed if it leads to the very directory we came from.

use jail::sys::fd::{self, FileStat};
use jail::sys::{self, Errno};
use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, fstatat};
use std::ffi::CString;
use std::os::fd::OwnedFd;

/// What of a directory was not gone through.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Missed {
    /// Directories that even root may not read: on a file server, for one.
    pub unreadable: u64,
    /// Directories on which something is mounted.
    pub mounts: u64,
    /// It was moved while it was gone through, and the rest was left.
    pub moved: bool,
}

/// A directory on the way, and the names in it that are not done.
struct Level {
    id: (u64, u64),
    names: Vec<CString>,
}

/// Calls `each` with every file and directory, the top one as well, each with the directory it is in, its name and what it is.
pub fn go_through(top: OwnedFd, each: &mut impl FnMut(&OwnedFd, Option<&CString>, &FileStat)) -> sys::Result<Missed> {
    let mut missed = Missed::default();
    let stat = fd::stat(&top)?;
    each(&top, None, &stat);
    let mut here = top;
    let mut way = vec![Level { id: id(&stat), names: names(&here)? }];
    while let Some(level) = way.last_mut() {
        let Some(name) = level.names.pop() else {
            way.pop();
            let Some(above) = way.last() else { break };
            match up(&here, above.id) {
                Some(found) => here = found,
                None => {
                    missed.moved = true;
                    break;
                }
            }
            continue;
        };
        // What vanished meanwhile is not there.
        let Ok(stat) = fstatat(&here, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_NO_AUTOMOUNT) else { continue };
        if !fd::is_dir(&stat) {
            each(&here, Some(&name), &stat);
            continue;
        }
        match down(&here, &name).and_then(|dir| Ok((fd::stat(&dir)?, names(&dir)?, dir))) {
            Ok((stat, names, dir)) => {
                each(&here, Some(&name), &stat);
                way.push(Level { id: id(&stat), names });
                here = dir;
            }
            Err(Errno::EXDEV) => missed.mounts += 1,
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
            Err(_) => missed.unreadable += 1,
        }
    }
    Ok(missed)
}

fn id(stat: &FileStat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn down(here: &OwnedFd, name: &CString) -> sys::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOATIME;
    openat2(here, name.as_c_str(), OpenHow::new().flags(flags).resolve(resolve))
}

fn up(here: &OwnedFd, expected: (u64, u64)) -> Option<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let above = openat(here, c"..", flags, Mode::empty()).ok()?;
    (id(&fd::stat(&above).ok()?) == expected).then_some(above)
}

fn names(dir: &OwnedFd) -> sys::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::openat(dir, c".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?.iter() {
        let name = entry?.file_name().to_owned();
        if name.as_bytes() != b"." && name.as_bytes() != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_directory_that_is_deeper_than_any_path_is_gone_through_and_no_link_is_followed() -> Result<(), Box<dyn std::error::Error>>
    {
        let top = std::env::temp_dir().join(format!("jailbase-places-{}", std::process::id()));
        fs::create_dir(&top)?;
        std::os::unix::fs::symlink("/", top.join("link"))?;
        fs::write(top.join("file"), "x")?;
        let mut at = OwnedFd::from(fs::File::open(&top)?);
        // Deeper than a process may have descriptors, usually 1024, and than a path may be long.
        for _ in 0..3000 {
            nix::sys::stat::mkdirat(&at, "dddd", Mode::S_IRWXU)?;
            at = down(&at, &c"dddd".to_owned())?;
        }
        let mut count = 0;
        let missed = go_through(fs::File::open(&top)?.into(), &mut |_, _, _| count += 1)?;
        assert_eq!((count, missed), (3003, Missed::default()));
        // No path leads to the end of it; the removal of directories by descriptors does.
        let dir = OwnedFd::from(fs::File::open(std::env::temp_dir())?);
        let name = top.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        crate::purge::remove(&dir, name, name)?;
        Ok(())
    }
}
