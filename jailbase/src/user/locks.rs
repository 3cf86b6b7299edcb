//! The two locks under which a jail's files are written: that of all jails, then that of the one.

use crate::store;
use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::policy::STATE;
use jail::state::Doing;
use jail::state::jails::Jails;
use jail::sys::Errno;
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use std::time::{Duration, Instant};

/// How long somebody else may have the lock of the jail.
const PATIENCE: Duration = Duration::from_secs(10);

/// The jails, whose directory is made if there is none.
pub fn jails() -> Result<Jails, Error> {
    store::directory(STATE, 0o755)?;
    store::directory(&format!("{STATE}/{}", layout::JAILS), 0o700)?;
    Jails::open()
}

/// Takes both; of a jail that is not there, the first alone, and nobody can make it meanwhile.
///
/// ORDER: nobody waits for the second while he has the first. Who purges a jail has the second for as long as it takes to
/// remove what its user filled it with, and other users' jails are none of his business.
pub fn both(jails: &Jails, target: Target) -> Result<(Lock, Option<Lock>), Error> {
    let start = Instant::now();
    loop {
        let all = all(jails)?;
        // Not judged: the lock of a directory that trampoline would not believe is nobody else's.
        let taken = match fd::open_beneath(&jails.dir, &layout::pin(target), How::List).and_then(Lock::try_exclusive) {
            Err(Errno::ENOENT) => return Ok((all, None)),
            Ok(None) if start.elapsed() > PATIENCE => Err(Errno::ETIMEDOUT),
            taken => taken,
        };
        if let Some(one) = taken.doing("lock", layout::jail_dir(target))? {
            return Ok((all, Some(one)));
        }
        drop(all);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The first of them.
pub fn all(jails: &Jails) -> Result<Lock, Error> {
    Lock::exclusive(&jails.dir).doing("lock", format!("{STATE}/{}", layout::JAILS))
}
