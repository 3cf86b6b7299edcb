//! The right to be the only one, which is not waited for long.

use jail::error::Error;
use jail::state::Doing;
use jail::sys::lock::Lock;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long one waits for another to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked at in that time.
const PAUSE: Duration = Duration::from_millis(20);

/// The lock on a directory; `None` when another has it for longer than a moment.
pub fn on(dir: impl AsFd, name: &str) -> Result<Option<Lock>, Error> {
    let start = Instant::now();
    loop {
        let lock = Lock::try_exclusive(&dir).doing("lock", name)?;
        if lock.is_some() || start.elapsed() >= PATIENCE {
            return Ok(lock);
        }
        std::thread::sleep(PAUSE);
    }
}
