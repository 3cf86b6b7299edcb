//! A sweep: each pin is asked once, and one that went gives its place back.

use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::Doing;
use jail::state::jails::Jails;
use jail::state::pins::{self, Pins};
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::mount::{self, Expiry};
use jail::sys::root::Root;
use jail::sys::{self, Errno, files};
use std::time::{Duration, Instant};

/// How long a sweep waits for another to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it looks in that time.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of one name among the pins.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// The jail was used since the last sweep, and is marked now.
    Marked,
    /// A program runs in the jail, or is about to.
    InUse,
    /// Nobody used the jail between two sweeps: it is gone.
    Unmounted,
    /// The jail was gone before, and only the place of its pin was left; that is gone now.
    Cleared,
    /// There is a place without a pin, and somebody who holds the jail's lock, or just did: he is making the jail.
    InMaking,
    /// It is not ours, and is as it was.
    Foreign,
    /// It could not be decided, and the next sweep will try again.
    Failed(Error),
}

/// What became of the place of a pin that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Removed,
    Taken,
    Foreign,
}

/// The right to sweep, which one process has at a time; `None` when another has it for longer than a moment.
///
/// The lock is on the directory of all jails because nothing else locks that one: a jail is made under the lock of its
/// own directory, the holder under that of the directory of its pin.
pub fn turn(jails: &Jails) -> Result<Option<Lock>, Error> {
    let start = Instant::now();
    loop {
        let lock = Lock::try_exclusive(&jails.dir).doing("lock", layout::JAILS)?;
        if lock.is_some() || start.elapsed() >= PATIENCE {
            return Ok(lock);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks the kernel about one name: whoever used it since the last time keeps it, and so does whoever holds it.
pub fn ask(root: &Root, jails: &Jails, pins: &Pins, name: &str) -> Outcome {
    let Some(target) = pins::target_of(name) else { return Outcome::Foreign };
    let outcome = match mount::expire(root, name) {
        Ok(Expiry::Marked) => Ok(Outcome::Marked),
        Ok(Expiry::Busy) => Ok(Outcome::InUse),
        // Whether its place goes in this sweep or the next, the jail itself is gone.
        Ok(Expiry::Gone) => give_back(jails, pins, target).map(|_| Outcome::Unmounted),
        Ok(Expiry::NotMounted) => give_back(jails, pins, target).map(|place| match place {
            Place::Removed => Outcome::Cleared,
            Place::Taken => Outcome::InMaking,
            Place::Foreign => Outcome::Foreign,
        }),
        Err(Errno::ENOENT) => Ok(Outcome::Cleared),
        Err(errno) => Err(Error::failed("unmount the pin", name, sys::why(errno))),
    };
    outcome.unwrap_or_else(Outcome::Failed)
}

/// Removes the empty file that a pin was mounted on.
///
/// ORDER: the lock, then the removal, and no second question to the kernel between them. A cold entry makes the file,
/// opens it and mounts the pin on it, all under this lock; so under the lock the file either is free or carries its
/// pin. Without it we could remove the file after it was opened, and the mount on it would be ENOENT. Which of the two
/// it is the removal finds out by itself, in one step. To ask [`mount::expire`] once more would be wrong: it would
/// set, or act on, the mark of a jail that was made this instant.
/// KERNEL: removing a file that is a mount point in our own mount namespace is EBUSY (`vfs_unlink`, fs/namei.c; 3.18).
///
/// A warm entry takes no lock. It finds the pin and holds the jail, or it finds the empty file, or nothing; either of
/// those sends it to the cold entry, which waits for the lock and looks again.
fn give_back(jails: &Jails, pins: &Pins, target: Target) -> Result<Place, Error> {
    let name = layout::pin(target);
    // Not judged: the lock of a directory that trampoline would not believe is nobody else's.
    let dir = match fd::open_beneath(&jails.dir, &name, How::List) {
        // The user was removed. An entry that began before that may fail now, as it should.
        Err(Errno::ENOENT) => None,
        opened => Some(opened.doing("open", layout::jail_dir(target))?),
    };
    let _lock = match &dir {
        None => None,
        // Not waited for: the maker may wait for a file server, and the other jails must not. What is left lying here
        // is an empty file, and the next sweep asks for it again.
        Some(dir) => match Lock::try_exclusive(dir).doing("lock", layout::jail_dir(target))? {
            None => return Ok(Place::Taken),
            lock => lock,
        },
    };
    match fd::stat_at(&pins.dir, &name) {
        Err(Errno::ENOENT) => return Ok(Place::Removed),
        stat => {
            let stat = stat.doing("look at the place of the pin", name.clone())?;
            if !fd::is_file(&stat) || stat.st_size != 0 {
                return Ok(Place::Foreign);
            }
        }
    }
    match files::remove(&pins.dir, &name) {
        Err(Errno::EBUSY) => Ok(Place::Taken),
        removed => removed.doing("remove the place of the pin", name).map(|()| Place::Removed),
    }
}
