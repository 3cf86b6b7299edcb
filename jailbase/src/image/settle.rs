//! What came from elsewhere is made fit for jails before it is looked at: everything becomes root's, loses its set-user-id
//! bits and what else gives rights, and the places that every jail mounts on are made where they are missing.

use super::host::PLACES;
use super::verify::{LISTED, is_listed};
use super::{share, tree::Tree, walk};
use jail::error::Error;
use jail::state::Doing;
use jail::sys::fd;
use jail::sys::images::attributes::{giving_rights, remove_attribute};
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchownat};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What was taken off, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Taken {
    /// Files with a set-user-id or set-group-id bit.
    pub setuid: u64,
    /// Files with a capability, and things with an access control list.
    pub attributes: u64,
    /// Things that everybody could write, taken off because `--mend` was given.
    pub writable: u64,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.setuid, "set-user-id or set-group-id bits"),
            (self.attributes, "file capabilities or access control lists"),
            (self.writable, "rights of everybody to write"),
        ];
        let said: Vec<String> =
            all.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        write!(f, "{}", said.join(", "))
    }
}

/// Everybody needs to find root and nobody; each jail mounts its own over these two.
const FILES: [(&str, &str); 2] = [("etc/passwd", super::etc::PASSWD), ("etc/group", super::etc::GROUP)];

/// The mode of a tree's own top: root's, and everybody finds what is below it.
const TOP: u32 = 0o755;

/// Settles a tree that root alone can reach.
pub fn settle(tree: &Path, mend: bool) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    let places = Tree::there(tree.to_owned());
    for (name, mode) in PLACES {
        let path = tree.join(name);
        // What is a link, or lies behind one, is left to be refused or to be right.
        if path.symlink_metadata().is_err() && path.parent().is_some_and(|p| p.symlink_metadata().is_ok_and(|m| m.is_dir())) {
            places.directory(name, mode)?;
        }
    }
    for (name, text) in FILES {
        if tree.join(name).symlink_metadata().is_err() {
            places.file(name, text.as_bytes(), 0o644)?;
            share::date(&tree.join(name), 0).doing("date", name)?;
        }
    }
    for one in walk::all(tree)? {
        settle_one(tree, &one, mend, &mut taken)?;
    }
    Ok(taken)
}

fn settle_one(tree: &Path, one: &walk::Found, mend: bool, taken: &mut Taken) -> Result<(), Error> {
    let path = tree.join(&one.path);
    let shown = || path.display().to_string();
    if one.meta.uid() != 0 || one.meta.gid() != 0 {
        // KERNEL: giving a file away takes its set-user-id bit and its capability off, but not from root's hands (chown(2)).
        let owner = (Some(Uid::from_raw(0)), Some(Gid::from_raw(0)));
        fchownat(fd::HERE, &path, owner.0, owner.1, AtFlags::AT_SYMLINK_NOFOLLOW).doing("take", shown())?;
    }
    if !one.meta.is_dir() && !one.meta.is_file() {
        return Ok(());
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = open(&path, flags, Mode::empty()).doing("open", shown())?;
    for name in giving_rights(&file).doing("look at", shown())? {
        remove_attribute(&file, name).doing("take the rights off", shown())?;
        taken.attributes += 1;
    }
    let was = one.meta.mode() & 0o7777;
    let mut mode = was & 0o0777;
    // Its group is root's now, and root needs no bit.
    mode &= !0o020;
    if was & 0o6000 != 0 && one.meta.is_file() {
        taken.setuid += 1;
    }
    if mode & 0o002 != 0 && !one.path.as_os_str().is_empty() && (mend || is_listed(&one.path)) {
        taken.writable += u64::from(!is_listed(&one.path));
        mode &= !0o002;
    }
    if one.path.as_os_str().is_empty() {
        // The root of every jail; how the source itself was closed, or left open, is no property of the system in it.
        mode = TOP;
    }
    if mode != was { fchmod(&file, Mode::from_bits_truncate(mode)).doing("set the mode of", shown()) } else { Ok(()) }
}

/// Empties the places that a running system fills, and that every jail mounts over: for a tree that a tool of this machine
/// made. What an archive holds there is refused or kept.
pub fn empty_places(tree: &Path) -> Result<(), Error> {
    LISTED.iter().chain(&["dev", "proc", "sys", "run"]).try_for_each(|name| empty(&tree.join(name)))
}

/// Removes all that is in a directory, if it is there and no link.
pub fn empty(path: &Path) -> Result<(), Error> {
    let Ok(entries) = std::fs::read_dir(path) else { return Ok(()) };
    if path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return Ok(());
    }
    for entry in entries {
        let failed = |error| Error::failed("empty", path.display().to_string(), error);
        let entry = entry.map_err(failed)?;
        let removed = match entry.file_type().map_err(failed)?.is_dir() {
            true => std::fs::remove_dir_all(entry.path()),
            false => std::fs::remove_file(entry.path()),
        };
        removed.map_err(failed)?;
    }
    Ok(())
}
