//! flock(2) on a directory: the kernel lets go of it when the process ends, however it ends.

use super::{Errno, Result};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// An exclusive lock, held as long as this value lives.
#[derive(Debug)]
#[must_use]
pub struct Lock {
    // A duplicate shares the open file description, and with it the lock; the lock falls when it is unlocked in `drop`.
    file: OwnedFd,
}

impl Lock {
    /// Waits for the lock, ten seconds at most: who holds it may be frozen, and others must not freeze with him.
    pub fn exclusive(dir: impl AsFd) -> Result<Self> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            match Self::take(&dir, libc::LOCK_EX | libc::LOCK_NB) {
                Err(Errno::EAGAIN) => std::thread::sleep(Duration::from_millis(5)),
                taken => return taken,
            }
        }
        Err(Errno::ETIMEDOUT)
    }

    pub(super) fn take(dir: impl AsFd, how: i32) -> Result<Self> {
        let file = dir.as_fd().try_clone_to_owned().map_err(|e| super::fd::errno(&e))?;
        loop {
            // SAFETY: a live descriptor and a constant.
            match Errno::result(unsafe { libc::flock(file.as_raw_fd(), how) }) {
                Err(Errno::EINTR) => {}
                done => return done.map(|_| Self { file }),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // SAFETY: a live descriptor and a constant. The description may live on in `dir`, so it is unlocked by hand.
        unsafe { libc::flock(self.file.as_raw_fd(), libc::LOCK_UN) };
    }
}
