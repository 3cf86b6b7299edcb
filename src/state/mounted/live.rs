//! Which generation each live jail shows. No pin is opened, so no idle jail is kept, and no `/proc/PID/root` is walked.
//!
//! A jail without a program in it has no process whose mount table could be read. But its mount namespace is in the kernel's
//! list of them all, which can be gone through without its pin ([`crate::sys::images::neighbours`]). Inside, the jail's tree is the
//! very directory of its generation, and its tmp belongs to the user.

#![forbid(unsafe_code)]

use crate::error::Error;
use crate::layout;
use crate::state::Doing;
use crate::state::host::Host;
use crate::sys::fd::{self, FileStat, How};
use crate::sys::images::neighbours::{Towards, neighbour};
use crate::sys::images::tmpfs;
use crate::sys::ns::{self, Kind};
use crate::sys::root::Root;
use crate::sys::{self, Errno};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

/// A tree, whatever its path: device and inode.
pub type Tree = (u64, u64);

/// The uids of the live jails that show each tree.
pub type Jails = BTreeMap<Tree, BTreeSet<u32>>;

/// Which tree an open directory is.
pub fn tree(stat: &FileStat) -> Tree {
    (stat.st_dev, stat.st_ino)
}

/// What a jail's mount namespace is like inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inside {
    /// The tree it shows.
    pub tree: Tree,
    /// Bytes in its shared memory.
    pub shared: u64,
    /// When it was made, in seconds since 1970.
    pub made: i64,
}

/// The live jails by the tree they show; `None` if this kernel has no list to go through
/// (before 6.12), or shows it to nobody here (in a pid namespace of its own).
pub fn jails(root: &Root, host: &Host) -> Result<Option<Jails>, Error> {
    let mut jails = Jails::new();
    let looked = each(root, host, |namespace| {
        if let Some((tree, uid)) = enter(root, namespace)?.and_then(|top| shown(&top)) {
            jails.entry(tree).or_default().insert(uid);
        }
        Ok(())
    })?;
    Ok(looked.then_some(jails))
}

/// The same of these mount namespaces alone, each named by its inode.
pub fn of(root: &Root, host: &Host, wanted: &BTreeSet<u64>) -> Result<Option<BTreeMap<u64, Inside>>, Error> {
    let mut found = BTreeMap::new();
    let looked = each(root, host, |namespace| {
        // KERNEL: the inode of a namespace is made when it is first opened, which for a jail is when it is pinned, and lives as
        // long as the pin (nsfs_init_inode, fs/nsfs.c).
        let stat = fd::stat(namespace)?;
        if wanted.contains(&stat.st_ino)
            && let Some(top) = enter(root, namespace)?
            && let Some((tree, _)) = shown(&top)
        {
            let memory = fd::open_beneath(&top, &format!("{}/dev/shm", layout::ROOT), How::Directory);
            let shared = memory.and_then(tmpfs::used).unwrap_or(0);
            found.insert(stat.st_ino, Inside { tree, shared, made: stat.st_ctime });
        }
        Ok(())
    })?;
    Ok(looked.then_some(found))
}

/// Does something with each mount namespace of the machine; `false` if this kernel has no list of them.
fn each(root: &Root, host: &Host, what: impl FnMut(&OwnedFd) -> sys::Result<()>) -> Result<bool, Error> {
    let done = go_through(root, what);
    host.back(root)?;
    match done {
        // KERNEL: EPERM is for who is in a pid namespace of his own, root or not
        // (may_see_all_namespaces, kernel/nscommon.c; seen on 6.18.44).
        Err(Errno::ENOTTY | Errno::EINVAL | Errno::EPERM) => Ok(false),
        done => done.map(|()| true).doing("look at", "the mount namespaces of this machine"),
    }
}

/// Ends in whatever namespace was looked at last.
fn go_through(root: &Root, mut what: impl FnMut(&OwnedFd) -> sys::Result<()>) -> sys::Result<()> {
    let own = fd::open_magic(fd::HERE, "/proc/self/ns/mnt", How::Read)?;
    for towards in [Towards::Younger, Towards::Older] {
        let mut namespace = neighbour(root, &own, towards)?;
        while let Some(open) = namespace {
            what(&open)?;
            namespace = neighbour(root, &open, towards)?;
        }
    }
    Ok(())
}

/// The root of a jail's namespace, or of a session's, which is a copy of it; `None` for any other.
fn enter(root: &Root, namespace: &OwnedFd) -> sys::Result<Option<OwnedFd>> {
    match ns::join(root, namespace, Kind::Mount) {
        // It went away, or is not ours to enter: no jail of ours.
        Err(Errno::ENOENT | Errno::EPERM | Errno::EINVAL) => return Ok(None),
        joined => joined?,
    }
    let top = fd::open("/", How::Directory)?;
    // The skeleton of a jail is a tmpfs that holds two directories; nothing of anybody else's is touched.
    let is_jail = tmpfs::is_tmpfs(&top)? && fd::stat_at(&top, layout::NS).is_ok_and(|s| fd::is_dir(&s));
    Ok(is_jail.then_some(top))
}

/// The tree and the user of a jail.
fn shown(top: &OwnedFd) -> Option<(Tree, u32)> {
    let look = |path: &str| fd::open_beneath(top, path, How::Directory).and_then(fd::stat).ok();
    Some((tree(&look(layout::ROOT)?), look(&format!("{}/{}", layout::ROOT, layout::TMP))?.st_uid))
}
