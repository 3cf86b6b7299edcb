//! The way of a drain when its bars are up: jails are taken down as their sessions end. The reaper and jailbase both go it;
//! the setuid program does not.
#![forbid(unsafe_code)]

use super::Doing;
use super::host::Host;
use super::jails::{JailDir, Jails};
use super::pins::{self, Pin};
use crate::error::Error;
use crate::id::Target;
use crate::layout;
use crate::sys::Errno;
use crate::sys::fd::{self, How};
use crate::sys::lock::Lock;
use crate::sys::root::Root;
use std::time::{Duration, Instant};

/// How often sessions are looked at: soon at first, and then at leisure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// After this long it is said whom the drain waits for.
const SILENCE: Duration = Duration::from_secs(1);

/// How a jail was found that is down now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It lived.
    Up,
    /// It did not.
    NotUp,
    /// It lived, and its directory is not there: somebody moved or removed it.
    WithoutDirectory,
}

/// Takes these jails down as their sessions end, until `patience` after `start`, and returns those that are left.
///
/// `done` hears of each that is down, or could not be taken down; `waiting`, once, of those that take long.
pub fn until_down(
    (root, host, jails): (&Root, &Host, &Jails),
    mut left: Vec<Target>,
    (start, patience): (Instant, Duration),
    mut done: impl FnMut(Target, Result<Found, Error>),
    mut waiting: impl FnMut(&[Target]),
) -> Vec<Target> {
    let (mut pause, mut is_silent) = (PAUSES.0, true);
    loop {
        left.retain(|target| match down(root, host, jails, *target) {
            Ok(None) => true,
            Ok(Some(found)) => {
                done(*target, Ok(found));
                false
            }
            Err(error) => {
                done(*target, Err(error));
                false
            }
        });
        let rest = patience.checked_sub(start.elapsed()).filter(|_| !left.is_empty());
        let Some(rest) = rest else { return left };
        if is_silent && start.elapsed() >= SILENCE {
            is_silent = false;
            waiting(&left);
        }
        std::thread::sleep(pause.min(rest));
        pause = PAUSES.1.min(pause.saturating_mul(2));
    }
}

/// Takes a jail down if nobody holds it, and says how it was found; nothing if somebody does.
///
/// ORDER: under the jail's lock. Who makes a jail does so under that lock and looks for the bar there, so he either is
/// done by now and his jail is found, or he will be refused.
fn down(root: &Root, host: &Host, jails: &Jails, target: Target) -> Result<Option<Found>, Error> {
    // Not judged: what trampoline would not believe nobody enters, and it must go all the same.
    let dir = match fd::open_beneath(&jails.dir, &layout::pin(target), How::List) {
        // The user was removed meanwhile, and the jail before that; or somebody moved the directory away below a jail that lives, and
        // may have put something else in its place.
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR) => {
            return Ok(match pins::take_down_without_directory(root, host, target)? {
                Pin::Down => Some(Found::WithoutDirectory),
                Pin::NotUp => Some(Found::NotUp),
                Pin::Leased => None,
            });
        }
        opened => JailDir { dir: opened.doing("open", layout::jail_dir(target))?, target },
    };
    let Some(lock) = Lock::try_exclusive(&dir.dir).doing("lock", layout::jail_dir(target))? else { return Ok(None) };
    Ok(match pins::take_down(root, host, &dir, &lock)? {
        Pin::Down => Some(Found::Up),
        Pin::NotUp => Some(Found::NotUp),
        Pin::Leased => None,
    })
}
