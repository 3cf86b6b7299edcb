//! Files that a finished tree has in common with an older generation share their storage with it.
//!
//! Where the file system can, two inodes share extents, and each gets its own if it is written. Elsewhere the new name
//! becomes a hard link to the old file. Then the two generations have one inode, so this is done last, when nobody is going
//! to write the tree any more; and whoever makes a generation out of another copies ([`super::copy`]), and never writes
//! what was published. A file whose date alone is new becomes a link too, and has the old date; but for those whose date
//! somebody compares.

use super::about::Cost;
use super::digests::{Digests, Thing};
use crate::parallel;
use jail::error::Error;
use jail::state::Doing;
use jail::sys::images::attributes::{giving_rights, share_extents};
use jail::sys::{Errno, fd};
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{Mode, UtimensatFlags, futimens, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::linkat;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A tree and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Where it is.
    pub tree: &'a Path,
    /// Its digests.
    pub digests: &'a Digests,
}

/// Programs that compile such a file compare its date with that of the result; any other date means to compile it again.
const DATED: [&str; 3] = ["py", "el", "scm"];

/// How many links were made: each gets a name of its own first.
static LINKS: AtomicU64 = AtomicU64::new(0);

/// What became of one file.
enum Storage {
    Own,
    /// With the date of the old file.
    Linked(i64),
    Cloned,
}

/// One file of the new tree, and those of the old one that hold the same.
struct Task<'a> {
    path: &'a PathBuf,
    size: u64,
    mode: u32,
    mtime: i64,
    same: &'a [(u32, i64, &'a PathBuf)],
}

/// Lets a finished tree share with an older one, and says what that saved, and which files have an older date now.
pub fn share(new: Known<'_>, old: Option<Known<'_>>) -> Result<(Cost, Vec<(PathBuf, i64)>), Error> {
    let mut by_content: HashMap<&str, Vec<(u32, i64, &PathBuf)>> = HashMap::new();
    for (path, thing) in old.iter().flat_map(|old| old.digests) {
        if let Thing::File { mode, mtime, sha256, .. } = thing {
            by_content.entry(sha256).or_default().push((*mode, *mtime, path));
        }
    }
    let tasks = new.digests.iter().filter_map(|(path, thing)| match thing {
        Thing::File { mode, mtime, size, sha256 } => {
            let same = by_content.get(sha256.as_str()).map_or(&[][..], Vec::as_slice);
            Some(Task { path, size: *size, mode: *mode, mtime: *mtime, same })
        }
        _ => None,
    });
    let done = parallel::each(&tasks.collect::<Vec<Task<'_>>>(), |task| {
        let storage = match old {
            Some(old) if task.size > 0 => one(task, new.tree, old.tree)?,
            _ => Storage::Own,
        };
        Ok((storage, task.size, task.path.clone()))
    })?;
    let (mut cost, mut dated) = (Cost::default(), Vec::new());
    for (storage, size, path) in done {
        let (files, bytes) = match storage {
            Storage::Own => (&mut cost.copied_files, &mut cost.copied_bytes),
            Storage::Linked(mtime) => {
                dated.push((path, mtime));
                (&mut cost.linked_files, &mut cost.linked_bytes)
            }
            Storage::Cloned => (&mut cost.cloned_files, &mut cost.cloned_bytes),
        };
        *files += 1;
        *bytes += size;
    }
    Ok((cost, dated))
}

fn one(task: &Task<'_>, new: &Path, old: &Path) -> Result<Storage, Error> {
    let at = new.join(task.path);
    let shown = || at.display().to_string();
    // One with the same mode and date, if there is one.
    let alike = |(mode, mtime, _): &&(u32, i64, &PathBuf)| (*mode != task.mode, *mtime != task.mtime);
    let Some((_, _, path)) = task.same.iter().min_by_key(alike) else { return Ok(Storage::Own) };
    let from = old.join(path);
    // The digests say that the two hold the same, but the old file may have changed since, by a fault of the disk or of a
    // person; that must not spread.
    let (Ok(source), Ok(mine)) = (File::open(&from), File::open(&at)) else { return Ok(Storage::Own) };
    let meta = source.metadata().map_err(|error| Error::failed("look at", from.display().to_string(), error))?;
    if !meta.is_file() || !same(&source, &mine).map_err(|error| Error::failed("compare", shown(), error))? {
        return Ok(Storage::Own);
    }
    if extents(task, &at, &source).doing("share the storage of", shown())? {
        return Ok(Storage::Cloned);
    }
    let dated = task.path.extension().is_some_and(|ending| DATED.iter().any(|dated| ending == *dated));
    // A link would bring along what else the old file got since it was published.
    let clean = giving_rights(&source).doing("look at", from.display().to_string())?.is_empty();
    let equal =
        clean && (meta.mode() & 0o7777, meta.uid(), meta.gid()) == (task.mode, 0, 0) && (!dated || meta.mtime() == task.mtime);
    Ok(if equal && link(&from, &at).doing("link", shown())? { Storage::Linked(meta.mtime()) } else { Storage::Own })
}

/// Shares extents, and gives the file the time it had.
fn extents(task: &Task<'_>, at: &Path, source: &File) -> jail::sys::Result<bool> {
    let mine = open(at, OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())?;
    let shared = share_extents(&mine, source)?;
    if shared {
        let time = TimeSpec::new(task.mtime, 0);
        futimens(&mine, &time, &time)?;
    }
    Ok(shared)
}

/// Puts a link to the old file in the place of the new one; `false` if it cannot have another.
fn link(from: &Path, at: &Path) -> jail::sys::Result<bool> {
    let beside = at.with_file_name(format!(".jailbase-{}", LINKS.fetch_add(1, Ordering::Relaxed)));
    match linkat(fd::HERE, from, fd::HERE, &beside, AtFlags::empty()) {
        Err(Errno::EMLINK | Errno::EXDEV | Errno::EPERM | Errno::EOPNOTSUPP | Errno::EEXIST) => return Ok(false),
        linked => linked?,
    }
    nix::fcntl::renameat(fd::HERE, &beside, fd::HERE, at).map(|()| true)
}

/// Whether two files hold the same bytes.
fn same(one: &File, other: &File) -> std::io::Result<bool> {
    let (mut left, mut right) = (vec![0_u8; 128 << 10], vec![0_u8; 128 << 10]);
    loop {
        let count = fill(one, &mut left)?;
        if count != fill(other, &mut right)? || left.get(..count) != right.get(..count) {
            return Ok(false);
        }
        if count < left.len() {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file at its end.
fn fill(mut file: &File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

/// Gives a file the time it is to have.
pub fn date(path: &Path, seconds: i64) -> jail::sys::Result<()> {
    let time = TimeSpec::new(seconds, 0);
    utimensat(fd::HERE, path, &time, &time, UtimensatFlags::NoFollowSymlink)
}
