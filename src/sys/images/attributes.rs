//! Extended attributes and shared extents of an open file: what jailbase asks of a tree that it builds. The setuid program
//! has no use for it, and none of it is linked in there.

use crate::sys::{Errno, Result, raw};
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd};
use syscalls::{Sysno, syscall};

/// The most bytes of names one file can have: the kernel's own limit.
const LONGEST: usize = 65_536;

/// The attributes that give rights: a file capability, and the lists that let others in whatever the mode says.
pub const GIVING_RIGHTS: [&str; 3] = ["security.capability", "system.posix_acl_access", "system.posix_acl_default"];

/// The names of the attributes that give rights.
pub fn giving_rights(file: impl AsFd) -> Result<Vec<&'static str>> {
    let mut bytes = Vec::new();
    // Nearly every file has none, and to be told so costs no buffer.
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: a live descriptor; a null buffer of no length asks for the length.
    let length = match raw(unsafe { syscall!(Sysno::flistxattr, fd, std::ptr::null_mut::<u8>(), 0) }) {
        Ok(0) | Err(Errno::EOPNOTSUPP) => return Ok(Vec::new()),
        length => length?,
    };
    bytes.resize(length.max(1).saturating_mul(2).min(LONGEST), 0_u8);
    // SAFETY: a live descriptor and a buffer of the length given.
    let length = raw(unsafe { syscall!(Sysno::flistxattr, fd, bytes.as_mut_ptr(), bytes.len()) })?;
    bytes.truncate(length);
    let names: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    Ok(GIVING_RIGHTS.into_iter().filter(|name| names.contains(&name.as_bytes())).collect())
}

/// Removes one attribute.
pub fn remove_attribute(file: impl AsFd, name: &str) -> Result<()> {
    let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a live descriptor and a C string that outlives the call.
    raw(unsafe { syscall!(Sysno::fremovexattr, file.as_fd().as_raw_fd(), name.as_ptr()) }).map(|_| ())
}

/// Gives one file the content of another by sharing its storage, each keeping its own if it is written later; `false`
/// where the file system cannot.
#[doc(alias = "FICLONE")]
pub fn share_extents(to: impl AsFd, from: impl AsFd) -> Result<bool> {
    let (to, from) = (to.as_fd().as_raw_fd(), from.as_fd().as_raw_fd());
    // SAFETY: two live descriptors.
    match raw(unsafe { syscall!(Sysno::ioctl, to, libc::FICLONE, from) }) {
        Ok(_) => Ok(true),
        // KERNEL: no such call on the file system is EOPNOTSUPP or ENOTTY, two file systems are EXDEV, and a length that is
        // no whole number of blocks is EINVAL in some old ones (ioctl_ficlone(2)).
        Err(Errno::EOPNOTSUPP | Errno::ENOTTY | Errno::EXDEV | Errno::EINVAL) => Ok(false),
        Err(errno) => Err(errno),
    }
}
