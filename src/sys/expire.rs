//! What a sweep asks of the kernel. The setuid program has no use for it, and none of it is linked in there.

use super::lock::Lock;
use super::{Errno, Result, clean, fd, limit};
use crate::sys::root::Root;
use nix::fcntl::{FcntlArg, fcntl};
use nix::mount::MntFlags;
use nix::sys::signal::{SigSet, Signal};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// What the kernel said of a mount that was to expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// It was in use since the last time, and is marked now.
    Marked,
    /// Somebody holds it.
    Busy,
    /// It is gone.
    Gone,
    /// There is no mount of that name.
    NotMounted,
}

/// Asks the kernel to unmount `name` of the current directory if nobody used it since the last time it was asked.
///
/// KERNEL: EAGAIN marks, EBUSY says in use, success unmounts; MNT_DETACH or MNT_FORCE with it is EINVAL (umount(2)).
/// The call looks the name up, and a lookup that meets a change of mounts anywhere on the machine lets go of what it found and
/// begins again (`__legitimize_mnt`, fs/namespace.c, 6.18); letting go takes the mark off. So a call now and then marks once more
/// what nobody used: none of 6,000 on a quiet machine, 12 of 6,000 beside 25,000 mounts a second. The next sweep asks again.
/// What a sweep itself takes down is kept out of its way by [`stay_for_now`](super::processors::stay_for_now).
/// A name with a slash would let UMOUNT_NOFOLLOW guard its last component only.
#[doc(alias = "MNT_EXPIRE")]
pub fn expire(_: &Root, name: &str) -> Result<Expiry> {
    ask(name, MntFlags::MNT_EXPIRE)
}

/// Puts right what root's shell, cron or a supervisor may have left in this process: by a limit of the size of files, or an alarm, it
/// would end between two jails. Signals stay as they are, for who runs it may want to end it.
pub fn keep_no_limits(root: &Root) -> Result<()> {
    // What cannot be written is said, then, and does not end us.
    SigSet::from_iter([Signal::SIGXFSZ]).thread_block()?;
    limit::room(root)?;
    clean::timers()
}

/// Asks the kernel to unmount `name` of the current directory if nobody holds it, used or not. Never [`Expiry::Marked`].
pub fn unmount(_: &Root, name: &str) -> Result<Expiry> {
    ask(name, MntFlags::empty())
}

fn ask(name: &str, how: MntFlags) -> Result<Expiry> {
    if name.contains('/') || name.is_empty() {
        return Err(Errno::EINVAL);
    }
    match nix::mount::umount2(name, how | MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) => Ok(Expiry::Gone),
        Err(Errno::EAGAIN) => Ok(Expiry::Marked),
        Err(Errno::EBUSY) => Ok(Expiry::Busy),
        Err(Errno::EINVAL) => Ok(Expiry::NotMounted),
        Err(errno) => Err(errno),
    }
}

/// The names in an open directory, but `.` and `..`; what is no UTF-8 is shown escaped.
/// KERNEL: reading a directory does not reset the expiry mark of what is mounted on its entries; a stat of one does.
pub fn names(dir: impl AsFd) -> Result<Vec<String>> {
    let copy = fd::open_beneath(dir, ".", fd::How::List)?;
    let mut all = Vec::new();
    for entry in nix::dir::Dir::from_fd(copy)?.iter() {
        let name = entry?;
        let name = name.file_name().to_bytes();
        if name != b"." && name != b".." {
            all.push(std::str::from_utf8(name).map_or_else(|_| crate::report::escaped(name), str::to_owned));
        }
    }
    Ok(all)
}

/// What a name in a directory is, no link followed.
pub fn stat_at(dir: impl AsFd, name: &str) -> Result<fd::FileStat> {
    nix::sys::stat::fstatat(dir, name, nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Whether an open namespace is one of mounts.
///
/// KERNEL: NS_GET_NSTYPE answers with the flag of clone(2) (ioctl_ns(2), 4.11).
pub fn is_mount_namespace(namespace: impl AsFd) -> Result<bool> {
    const NS_GET_NSTYPE: libc::Ioctl = 0xb703;
    // SAFETY: a live descriptor, and a request without an argument.
    let kind = Errno::result(unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), NS_GET_NSTYPE) })?;
    Ok(kind == libc::CLONE_NEWNS)
}

/// Bytes of a directory that [`super::lock::is_barred`] finds barred as long as this value lives, or its process.
///
/// Any number can bar the same byte: the lock is a read lock, and those do not exclude each other.
#[derive(Debug)]
#[must_use]
pub struct Bar(#[expect(dead_code, reason = "held, not used")] OwnedFd);

impl Bar {
    /// Bars one byte, or all of them.
    pub fn put(dir: impl AsFd, byte: Option<u32>) -> Result<Self> {
        // KERNEL: such a lock belongs to the open file description (fcntl(2), 3.15), so it has one of its own.
        let own = fd::open_beneath(dir, ".", fd::How::List)?;
        let kind = i16::try_from(libc::F_RDLCK).map_err(|_| Errno::EINVAL)?;
        let (l_start, l_len) = byte.map_or((0, 0), |byte| (byte.into(), 1));
        let lock = libc::flock { l_type: kind, l_whence: 0, l_start, l_len, l_pid: 0 };
        fcntl(&own, FcntlArg::F_OFD_SETLK(&lock)).map(|_| Self(own))
    }
}

impl Lock {
    /// Takes the lock if nobody holds it, and does not wait.
    pub fn try_exclusive(dir: impl AsFd) -> Result<Option<Self>> {
        match Self::take(dir) {
            Err(Errno::EAGAIN) => Ok(None),
            taken => taken.map(Some),
        }
    }
}
