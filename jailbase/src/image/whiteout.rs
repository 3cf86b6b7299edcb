//! What a layer takes away from the layers below it: `.wh.NAME` one name, `.wh..wh..opq` all of a directory.

use super::place::{Ground, stat};
use super::unpack::Wrong;
use jail::sys::fd;
use jail::sys::{self, Errno};
use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

const MARK: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Takes away what an entry of this path stands for; `false` if it stands for itself. What this layer itself brought stays,
/// wherever in the layer the whiteout stands.
pub fn apply(ground: &mut Ground, parts: &[&[u8]]) -> Result<bool, Wrong> {
    let Some((name, above)) = parts.split_last() else { return Ok(false) };
    if above.iter().any(|part| part.starts_with(MARK)) {
        return Err("it lies below a whiteout".into());
    }
    let Some(gone) = name.strip_prefix(MARK) else { return Ok(false) };
    let dir = ground.directory_of(above)?;
    if *name == OPAQUE {
        empty(ground, &dir, above)?;
        return Ok(true);
    }
    if gone.is_empty() || gone == b"." || gone == b".." {
        return Err("it is a whiteout of nothing".into());
    }
    let path: Vec<&[u8]> = above.iter().copied().chain([gone]).collect();
    take(ground, &dir, &path)?;
    Ok(true)
}

/// Takes one name away, but for what this layer brought.
fn take(ground: &mut Ground, dir: &OwnedFd, path: &[&[u8]]) -> Result<(), Wrong> {
    let Some((name, stat)) = path.last().map(|name| Ok::<_, Errno>((name, stat(dir, name)?))).transpose()? else { return Ok(()) };
    match stat {
        None => Ok(()),
        Some(_) if !ground.touched.contains(&path.join(&b'/')) => ground.remove(dir, name),
        Some(stat) if fd::is_dir(&stat) => empty(ground, &list(dir, name)?, path),
        Some(_) => Ok(()),
    }
}

/// Takes all that is in a directory away, but for what this layer brought. As deep as a path has parts, which is not deep.
fn empty(ground: &mut Ground, dir: &OwnedFd, path: &[&[u8]]) -> Result<(), Wrong> {
    for name in names(&list(dir, b".")?)? {
        let below: Vec<&[u8]> = path.iter().copied().chain([name.as_slice()]).collect();
        take(ground, dir, &below)?;
    }
    Ok(())
}

fn list(dir: &OwnedFd, name: &[u8]) -> sys::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(dir, OsStr::from_bytes(name), flags, Mode::empty())
}

fn names(dir: &OwnedFd) -> sys::Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for entry in Dir::from_fd(list(dir, b".")?)?.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            all.push(name.to_vec());
        }
    }
    Ok(all)
}
