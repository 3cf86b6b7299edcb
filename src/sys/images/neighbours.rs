//! All mount namespaces of the machine, one after the other, without touching a pin. jailbase looks at them, and the reaper.

use crate::sys::mount::owned;
use crate::sys::root::Root;
use crate::sys::{Errno, Result, raw};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// To which side of a namespace the next one is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Towards {
    /// Higher ids.
    Younger,
    /// Lower ids.
    Older,
}

/// The mount namespace that comes after another in the kernel's own list; `None` at its end.
///
/// KERNEL: NS_MNT_GET_NEXT and NS_MNT_GET_PREV, ioctls of nsfs since 6.12 (include/uapi/linux/nsfs.h). The kernel opens the
/// namespace through its own mount of nsfs, so a pin, which is another mount of the same file, is neither held by it nor
/// used: `MNT_EXPIRE` asks the mount. A kernel without them says ENOTTY.
pub fn neighbour(_: &Root, namespace: impl AsFd, towards: Towards) -> Result<Option<OwnedFd>> {
    // _IOR(0xb7, 11 or 12, 16 bytes): what it would tell of the namespace is not asked for.
    let request = match towards {
        Towards::Younger => 0x8010_b70b_u32,
        Towards::Older => 0x8010_b70c_u32,
    };
    // SAFETY: a live descriptor; a null pointer says that nothing is to be told.
    match raw(unsafe { syscall!(Sysno::ioctl, namespace.as_fd().as_raw_fd(), request, 0) }) {
        Err(Errno::ENOENT) => Ok(None),
        fd => owned(fd?).map(Some),
    }
}
