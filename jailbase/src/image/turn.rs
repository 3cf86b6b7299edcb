//! One command at a time changes an image. Who comes second waits, and says for whom.

use super::generations::Generations;
use crate::{interrupt, store};
use jail::error::Error;
use jail::id::Name;
use jail::layout;
use jail::policy::STATE;
use jail::report::escaped;
use jail::state::Doing;
use jail::sys::fd;
use jail::sys::images::locked::locking;
use jail::sys::lock::Lock;
use nix::sys::stat::{Mode, fchmod};
use std::fs;
use std::os::fd::OwnedFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Who is done within this time is not spoken of.
const SOON: Duration = Duration::from_millis(200);
/// How long one waits for another to end: as long as for programs in a jail, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

impl Generations {
    /// An image that is there, to be changed by us alone; what an interrupted command left is gone.
    pub fn change(name: &Name) -> Result<Self, Error> {
        let found = Self::alone(name)?;
        found.clear_unfinished()?;
        Ok(found)
    }

    /// The same as it is: nothing goes.
    pub fn alone(name: &Name) -> Result<Self, Error> {
        let mut found = Self::look(name)?;
        found.lock = Some(turn(&found)?);
        // It may have been removed while we waited, and what we hold has no name any more.
        let ino = |dir: &OwnedFd| fd::stat(dir).map(|stat| stat.st_ino);
        let still = Self::look(name)?;
        if ino(&still.dir).doing("look at", &found.path)? != ino(&found.dir).doing("look at", &found.path)? {
            return Err(Error::failed("lock", found.path, "somebody else replaced it meanwhile; try again"));
        }
        Ok(found)
    }

    /// An image that was in service: what a first build left that was interrupted goes instead, but for
    /// a generation: that is whole, and if somebody removed the links, live jails may show it.
    pub fn change_born(name: &Name) -> Result<Self, Error> {
        let found = Self::change(name)?;
        if !found.is_unborn()? {
            return Ok(found);
        }
        if !found.numbers()?.is_empty() {
            return Err(Error::Refused(found.lacks()?));
        }
        found.remove_all()?;
        Err(Error::Refused(format!(
            "its first build was interrupted, and what that left is removed now; make it with jailbase image build {name}"
        )))
    }

    /// An image to be changed by us alone, made if there is none.
    pub fn make(name: &Name) -> Result<Self, Error> {
        store::directory(STATE, 0o755)?;
        // An image may hold programs that are set-user-id in its own files; outside of jails nobody is to reach them.
        store::directory(&format!("{STATE}/{}", layout::IMAGES), 0o700)?;
        store::directory(&layout::image_dir(name), 0o755)?;
        let made = match Self::change(name) {
            // A collection took it for what an interrupted first build left, before we had the lock.
            Err(_) if Self::there(name)?.is_none() => {
                store::directory(&layout::image_dir(name), 0o755)?;
                Self::change(name)
            }
            made => made,
        }?;
        if made.is_unborn()? {
            // Who made the directory may have been interrupted before it had its mode.
            fchmod(&made.dir, Mode::from_bits_truncate(0o755)).doing("set the mode of", &made.path)?;
        }
        Ok(made)
    }
}

/// Waits for the lock of an image's directory.
fn turn(image: &Generations) -> Result<Lock, Error> {
    let (start, mut is_told) = (Instant::now(), false);
    loop {
        if let Some(lock) = Lock::try_exclusive(&image.dir).doing("lock", image.path.clone())? {
            return Ok(lock);
        }
        interrupt::judge()?;
        let waited = start.elapsed();
        if waited > PATIENCE {
            let why = format!(
                "another command{} has been changing it for the {} s of waiting; let that end, then try again",
                who(&image.path),
                PATIENCE.as_secs()
            );
            return Err(Error::failed("change", image.path.clone(), why));
        }
        if waited > SOON && !is_told {
            log::warn!("waiting for another command that changes {}{}", image.name, who(&image.path));
            is_told = true;
        }
        sleep(Duration::from_millis(5));
    }
}

/// Who is changing an image, in brackets; nothing if that cannot be seen from here.
pub fn who(path: &str) -> String {
    let Some(pid) = locking(path).first().copied() else { return String::new() };
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = words.split(|byte| *byte == 0).filter(|word| !word.is_empty() && !word.starts_with(b"-"));
    let name = |word: &[u8]| escaped(word.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
    // The program, the noun and the verb.
    let words: Vec<String> = words.take(3).map(name).collect();
    if words.is_empty() { format!(" (pid {pid})") } else { format!(" (pid {pid}, {})", words.join(" ")) }
}
