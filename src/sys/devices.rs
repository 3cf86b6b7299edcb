//! The device file systems of a jail: few nodes, own terminals, own shared memory.

use super::mount::{Flags, device, new_filesystem, set_flags};
use super::{Result, files};
use crate::sys::root::Root;
use std::os::fd::OwnedFd;

/// The devices a program cannot do without, by the numbers of Documentation/admin-guide/devices.txt.
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

/// The links that stand beside them.
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// `/dev`, filled and then closed.
pub fn tree(root: &Root) -> Result<OwnedFd> {
    let tree = new_filesystem(root, c"tmpfs", &[(c"mode", "0755"), (c"size", "64k")], Flags::DEVICES)?;
    NODES.into_iter().try_for_each(|(name, major, minor)| device(root, &tree, name, 0o666, major, minor))?;
    LINKS.into_iter().try_for_each(|(name, text)| files::link(text, &tree, name))?;
    ["pts", "shm"].into_iter().try_for_each(|name| files::make_directory(&tree, name, 0o755))?;
    set_flags(root, &tree, Flags::DEVICES_SEALED, false).map(|()| tree)
}

/// `/dev/pts`: an instance of its own, so that no terminal of the host or of another jail has a name here.
///
/// Group 5 is that of terminals on every distribution: a slave belongs to it so that write(1) and its kin can be let in. One jail
/// has 64 at the most: the host has 4096 for all.
pub fn pts(root: &Root) -> Result<OwnedFd> {
    new_filesystem(root, c"devpts", &[(c"mode", "0620"), (c"ptmxmode", "0666"), (c"gid", "5"), (c"max", "64")], Flags::DEVICES)
}

/// `/dev/shm` of so many bytes.
pub fn shm(root: &Root, bytes: u64) -> Result<OwnedFd> {
    let size = bytes.to_string();
    new_filesystem(root, c"tmpfs", &[(c"mode", "1777"), (c"size", &size), (c"nr_inodes", "16384")], Flags::NO_EXEC)
}
