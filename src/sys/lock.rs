//! flock(2) on a directory: the kernel lets go of it when the process ends, however it ends.

use super::fd::{self, How};
use super::{Errno, Result};
use nix::fcntl::{FcntlArg, fcntl};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// An exclusive lock, held as long as this value lives.
#[derive(Debug)]
#[must_use]
pub struct Lock(#[allow(dead_code)] OwnedFd);

impl Lock {
    /// Waits for the lock, ten seconds at most: who holds it may be frozen, and others must not freeze with him.
    pub fn exclusive(dir: impl AsFd) -> Result<Self> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            match Self::take(&dir) {
                Err(Errno::EAGAIN) => std::thread::sleep(Duration::from_millis(5)),
                taken => return taken,
            }
        }
        Err(Errno::ETIMEDOUT)
    }

    /// Takes the lock or says EAGAIN. It never waits, so no signal can interrupt it.
    pub(super) fn take(dir: impl AsFd) -> Result<Self> {
        // A description of its own: the lock is on that, and falls with it; `dir` may live on.
        let own = fd::open_beneath(dir, ".", How::List)?;
        // SAFETY: a live descriptor and a constant.
        Errno::result(unsafe { libc::flock(own.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }).map(|_| Self(own))
    }
}

/// Whether a byte of an open directory is barred by [`super::expire::Bar`].
///
/// KERNEL: F_OFD_GETLK locks nothing and waits for nobody (fcntl(2), 3.15), so who asks cannot hold up who bars. A record
/// lock can lie past the end of a file, and on a directory, which has none.
pub fn is_barred(dir: impl AsFd, byte: u32) -> Result<bool> {
    let kind = i16::try_from(libc::F_WRLCK).map_err(|_| Errno::EINVAL)?;
    let mut lock = libc::flock { l_type: kind, l_whence: 0, l_start: byte.into(), l_len: 1, l_pid: 0 };
    fcntl(dir, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}
