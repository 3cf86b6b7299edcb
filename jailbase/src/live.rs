//! Which generation each live jail shows. No pin is opened, so no idle jail is kept, and no `/proc/PID/root` is walked.
//!
//! A jail without a program in it has no process whose mount table could be read. But its mount namespace is in the kernel's
//! list of them all, which can be gone through without its pin ([`jail::sys::images::neighbours`]). Inside, the jail's tree is the
//! very directory of its generation, and its tmp belongs to the user.

use jail::error::Error;
use jail::layout;
use jail::state::Doing;
use jail::state::host::Host;
use jail::sys::fd::{self, FileStat, How};
use jail::sys::images::neighbours::{Towards, neighbour};
use jail::sys::ns::{self, Kind};
use jail::sys::root::Root;
use jail::sys::{self, Errno};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
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

/// The live jails by the tree they show; `None` if this kernel has no list to go through (before 6.12).
pub fn jails(root: &Root, host: &Host) -> Result<Option<Jails>, Error> {
    let found = look(root);
    host.back(root)?;
    match found {
        Err(Errno::ENOTTY | Errno::EINVAL) => Ok(None),
        found => found.map(Some).doing("look at", "the mount namespaces of this machine"),
    }
}

/// Ends in whatever namespace was looked at last.
fn look(root: &Root) -> sys::Result<Jails> {
    let own = fd::open_magic(fd::HERE, "/proc/self/ns/mnt", How::Read)?;
    let mut jails = Jails::new();
    for towards in [Towards::Younger, Towards::Older] {
        let mut namespace = neighbour(root, &own, towards)?;
        while let Some(open) = namespace {
            if let Some((tree, uid)) = shown(root, &open)? {
                jails.entry(tree).or_default().insert(uid);
            }
            namespace = neighbour(root, &open, towards)?;
        }
    }
    Ok(jails)
}

/// The tree and the user of a jail's namespace, or of a session's, which is a copy of it; `None` for any other.
fn shown(root: &Root, namespace: &OwnedFd) -> sys::Result<Option<(Tree, u32)>> {
    match ns::join(root, namespace, Kind::Mount) {
        // It went away, or is not ours to enter: no jail of ours.
        Err(Errno::ENOENT | Errno::EPERM | Errno::EINVAL) => return Ok(None),
        joined => joined?,
    }
    let top = fd::open("/", How::Directory)?;
    // The skeleton of a jail is a tmpfs that holds two directories; nothing of anybody else's is touched.
    let is_jail = fstatfs(&top)?.filesystem_type() == TMPFS_MAGIC && fd::stat_at(&top, layout::NS).is_ok_and(|s| fd::is_dir(&s));
    if !is_jail {
        return Ok(None);
    }
    let look = |path: &str| fd::open_beneath(&top, path, How::Directory).and_then(fd::stat);
    match (look(layout::ROOT), look(&format!("{}/{}", layout::ROOT, layout::TMP))) {
        (Ok(shown), Ok(tmp)) => Ok(Some((tree(&shown), tmp.st_uid))),
        _ => Ok(None),
    }
}
