//! Mounts, as detached trees: cloned, given their flags, and only then hung where somebody can see them.
//!
//! KERNEL: `mount(MS_BIND|MS_RDONLY|MS_NOSUID)` in one call ignores every flag but MS_BIND, and the remount that mends it
//! does not reach submounts (mount(2), NOTES). `mount_setattr` on a detached tree has neither fault (5.12).

pub use super::expire::{Expiry, expire, unmount};
use super::{Result, fd, files, raw};
use crate::sys::root::Root;
use nix::NixPath;
use nix::mount::{MntFlags, MsFlags};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// The flags of a mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags(u64);

impl Flags {
    /// Set-user-id bits and devices have no effect: what every mount of a user's files gets.
    pub const PLAIN: Self = Self(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV);
    /// And nothing can be written.
    pub const READ_ONLY: Self = Self(Self::PLAIN.0 | libc::MOUNT_ATTR_RDONLY);
    /// And nothing can be executed, but it can be written.
    pub const NO_EXEC: Self = Self(Self::PLAIN.0 | libc::MOUNT_ATTR_NOEXEC);
    /// Neither written nor executed.
    pub const SEALED: Self = Self(Self::READ_ONLY.0 | libc::MOUNT_ATTR_NOEXEC);
    /// Devices work, nothing else does: for `/dev` while it is filled, and for `/dev/pts`.
    pub const DEVICES: Self = Self(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC);
    /// Devices work and the directory cannot be written: for `/dev` when it is filled.
    pub const DEVICES_SEALED: Self = Self(Self::DEVICES.0 | libc::MOUNT_ATTR_RDONLY);
}

/// Clones the mount of an open directory, file or namespace, from there down, as a detached tree.
#[doc(alias = "OPEN_TREE_CLONE")]
pub fn clone_tree(_: &Root, of: impl AsFd, with_submounts: bool) -> Result<OwnedFd> {
    let recursive = if with_submounts { libc::AT_RECURSIVE } else { 0 };
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | (libc::AT_EMPTY_PATH | recursive).cast_unsigned();
    // SAFETY: the path is an empty C string.
    let fd = raw(unsafe { syscall!(Sysno::open_tree, of.as_fd().as_raw_fd(), c"".as_ptr(), flags) })?;
    owned(fd)
}

/// Gives a tree its flags, and makes it private: what is mounted on the host later does not appear in it.
#[doc(alias = "mount_setattr")]
pub fn set_flags(_: &Root, tree: impl AsFd, flags: Flags, with_submounts: bool) -> Result<()> {
    let attr = libc::mount_attr { attr_set: flags.0, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
    let how = (libc::AT_EMPTY_PATH | if with_submounts { libc::AT_RECURSIVE } else { 0 }).cast_unsigned();
    let size = size_of::<libc::mount_attr>();
    // SAFETY: the path is an empty C string, the attributes are of the size given and outlive the call.
    raw(unsafe { syscall!(Sysno::mount_setattr, tree.as_fd().as_raw_fd(), c"".as_ptr(), how, &raw const attr, size) }).map(|_| ())
}

/// Hangs a detached tree on an open directory or file.
#[doc(alias = "move_mount")]
pub fn attach(_: &Root, tree: impl AsFd, on: impl AsFd) -> Result<()> {
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (from, to, empty) = (tree.as_fd().as_raw_fd(), on.as_fd().as_raw_fd(), c"".as_ptr());
    // SAFETY: both paths are the same empty C string.
    raw(unsafe { syscall!(Sysno::move_mount, from, empty, to, empty, flags) }).map(|_| ())
}

/// Pins an open namespace: hangs it on a file of this name in a directory, made if there is none. The pin cannot expire
/// before the returned descriptor of the mount is closed.
pub fn pin(root: &Root, namespace: impl AsFd, dir: impl AsFd, name: &str) -> Result<OwnedFd> {
    files::touch(&dir, name, 0o600)?;
    let place = fd::open_beneath(&dir, name, fd::How::Place)?;
    let tree = clone_tree(root, namespace, false)?;
    attach(root, &tree, place).map(|()| tree)
}

/// Makes a new file system of a type without a device, as a detached tree. Options are constants of ours.
#[doc(alias = "fsopen")]
pub fn new_filesystem(_: &Root, kind: &CStr, options: &[(&CStr, &str)], flags: Flags) -> Result<OwnedFd> {
    // SAFETY: the type is a C string that outlives the call.
    let fs = owned(raw(unsafe { syscall!(Sysno::fsopen, kind.as_ptr(), libc::FSOPEN_CLOEXEC) })?)?;
    for (key, value) in options {
        let value = CString::new(*value).map_err(|_| super::Errno::EINVAL)?;
        // SAFETY: key and value are C strings that outlive the call.
        raw(unsafe { syscall!(Sysno::fsconfig, fs.as_raw_fd(), libc::FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr(), 0) })?;
    }
    // SAFETY: FSCONFIG_CMD_CREATE takes neither key nor value.
    raw(unsafe { syscall!(Sysno::fsconfig, fs.as_raw_fd(), libc::FSCONFIG_CMD_CREATE, 0, 0, 0) })?;
    // SAFETY: three numbers.
    owned(raw(unsafe { syscall!(Sysno::fsmount, fs.as_raw_fd(), libc::FSMOUNT_CLOEXEC, flags.0) })?)
}

/// Mounts a fresh procfs of the current pid namespace on `proc` of the current directory.
pub fn proc_here(_: &Root) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    nix::mount::mount(Some(c"proc"), c"proc", Some(c"proc"), flags, None::<&CStr>)
}

/// Makes the mount of a directory private, so that what is mounted in it propagates nowhere. Is it none, it becomes one.
///
/// ORDER: private first. KERNEL: that is EINVAL unless a mount is there (`do_change_type`, fs/namespace.c). What is there
/// may be ours: whoever was killed between the two calls of the second line left it, and another would lie on top for good.
pub fn private_bind(_: &Root, path: &str) -> Result<()> {
    let private = || nix::mount::mount(None::<&str>, path, None::<&str>, MsFlags::MS_PRIVATE, None::<&str>);
    let bind = || nix::mount::mount(Some(path), path, None::<&str>, MsFlags::MS_BIND, None::<&str>);
    private().or_else(|errno| if errno == super::Errno::EINVAL { bind().and_then(|()| private()) } else { Err(errno) })
}

/// Makes the current directory, which is a mount, the root of the mount namespace, and lets go of the old one.
pub fn pivot_here(_: &Root) -> Result<()> {
    // KERNEL: pivot_root(".", ".") stacks the old root on the new one; the unmount takes it off again (pivot_root(2), NOTES).
    nix::unistd::pivot_root(".", ".")?;
    nix::mount::umount2(".", MntFlags::MNT_DETACH)
}

/// Makes the whole mount namespace private.
pub fn all_private(_: &Root) -> Result<()> {
    nix::mount::mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
}

/// Makes the current directory, which is a mount, the root of this process.
///
/// KERNEL: on a mount `..` of the root leads nowhere (5.x, CVE-2015-2925), and a process whose root is not its mount
/// namespace's cannot make user namespaces (`current_chrooted`, kernel/user_namespace.c).
pub fn root_here(_: &Root) -> Result<()> {
    nix::unistd::chroot(".")?;
    nix::unistd::chdir("/")
}

/// Makes a character device. `path` is one component.
pub fn device(_: &Root, dir: impl AsFd, path: &(impl NixPath + ?Sized), mode: u32, major: u32, minor: u32) -> Result<()> {
    use nix::sys::stat::{Mode, SFlag, makedev, mknodat};
    let mode = Mode::from_bits_truncate(mode);
    mknodat(dir, path, SFlag::S_IFCHR, mode, makedev(u64::from(major), u64::from(minor)))
}

pub(super) fn owned(fd: usize) -> Result<OwnedFd> {
    let fd = i32::try_from(fd).map_err(|_| super::Errno::EBADF)?;
    // SAFETY: the kernel just returned this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
