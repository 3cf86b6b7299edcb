//! The pins as the other programs see them: listed, asked, taken down. The setuid program only opens one, or makes one.
#![forbid(unsafe_code)]

use super::Doing;
use super::holder::Holder;
use super::host::Host;
use super::jails::JailDir;
use crate::error::Error;
use crate::id::Target;
use crate::layout;
use crate::policy::{ENTER, OWN, RUN};
use crate::sys::expire::is_mount_namespace;
use crate::sys::fd::{self, How};
use crate::sys::lock::Lock;
use crate::sys::mount::{self, Expiry};
use crate::sys::root::Root;
use crate::sys::{self, Errno, files};
use std::os::fd::OwnedFd;

/// The directory of pins, which is the current directory while this value lives.
#[derive(Debug)]
pub struct Pins {
    /// The open directory itself.
    pub dir: OwnedFd,
}

/// What became of a jail that was to be taken down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Pin {
    /// The jail was up, and is down.
    Down,
    /// It was not up.
    NotUp,
    /// Sessions hold it.
    Leased,
}

/// What became of the place of a pin that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Place {
    /// It is gone.
    Removed,
    /// A pin is on it again.
    Taken,
    /// It is no empty file, so none of ours.
    Foreign,
}

/// What a name among the pins leads to.
enum Kind {
    None,
    Jail,
    Other,
}

/// The target a pin belongs to; `None` for a name no jail of ours has.
pub fn target_of(name: &str) -> Option<Target> {
    Target::parse(name)
}

/// Whether the policy lets anybody into a jail of this target; for another one there is no pin but an older policy's.
pub fn may_have_a_jail(target: Target) -> bool {
    let within = |first: u32, last: u32| (first..=last).contains(&target.get());
    ENTER.iter().any(|rule| within(rule.first, rule.last)) || within(OWN.0, OWN.1)
}

/// Whether it is well that there was no holder a moment ago: none was made since the machine started. One that was unmounted took
/// every jail out of sight with it, and nobody can tell any more whether programs run in one.
pub fn judge_absence() -> Result<(), Error> {
    let Ok(run) = fd::open(RUN, How::List) else { return Ok(()) };
    // ORDER: the lock of who makes it. While he has it, his is the first.
    let Some(_lock) = Lock::try_exclusive(&run).doing("lock", RUN)? else { return Ok(()) };
    let place = format!("{RUN}/{}", layout::HOLDER);
    if matches!(fd::open(&place, How::Place), Err(Errno::ENOENT)) || Holder::find()?.is_some() {
        return Ok(());
    }
    let why = format!(
        "somebody unmounted {place}, and who runs in a jail is known to nobody; remove that file if no program does, or else first end \
         each (ps -u USER); the next call of trampoline makes a new one, and nobody is told of the old then"
    );
    Err(Error::failed("find the jails", "", why))
}

impl Pins {
    /// In the holder: makes the directory of pins the current one.
    ///
    /// A pin is named by one component from here on, so that no look at it walks over a mount on the way and nobody's
    /// symbolic link has a say.
    pub fn enter() -> Result<Self, Error> {
        let path = format!("/{}", layout::PINS);
        let dir = fd::open(&path, How::List).doing("open the pins of the holder", path.clone())?;
        files::enter_directory(&dir).doing("enter the pins of the holder", path)?;
        Ok(Self { dir })
    }

    /// Their names, in order. Listing touches no pin; a stat or an open of one would undo its mark.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let mut names = files::names(&self.dir).doing("list", "the pins of the holder")?;
        names.sort_unstable();
        Ok(names)
    }

    /// Whether a name on which nothing is mounted is the place of a pin, an empty file; `None` if there is no such name.
    pub fn is_place(&self, name: &str) -> Result<Option<bool>, Error> {
        match fd::stat_at(&self.dir, name) {
            Err(Errno::ENOENT) => Ok(None),
            stat => {
                let stat = stat.doing("look at the place of the pin", name)?;
                Ok(Some(fd::is_file(&stat) && stat.st_size == 0))
            }
        }
    }

    /// Removes the empty file that a pin was mounted on. Nobody can be about to mount there: the caller holds the jail's
    /// lock, or there is no jail of that name.
    ///
    /// KERNEL: removing a file that is a mount point in our own mount namespace is EBUSY (`vfs_unlink`, fs/namei.c; 3.18).
    pub fn remove_place(&self, target: Target) -> Result<Place, Error> {
        let name = layout::pin(target);
        match self.is_place(&name)? {
            None => return Ok(Place::Removed),
            Some(false) => return Ok(Place::Foreign),
            Some(true) => {}
        }
        match files::remove(&self.dir, &name) {
            Err(Errno::EBUSY) => Ok(Place::Taken),
            removed => removed.doing("remove the place of the pin", name).map(|()| Place::Removed),
        }
    }

    /// Unmounts a pin that nobody holds, used a moment ago or not, and removes its place.
    fn unmount(&self, root: &Root, target: Target) -> Result<Pin, Error> {
        let name = layout::pin(target);
        let mut gone = Pin::NotUp;
        loop {
            match self.kind(&name).doing("look at the pin", name.clone())? {
                Kind::None => return Ok(gone),
                Kind::Other => match self.remove_place(target)? {
                    Place::Removed => return Ok(gone),
                    Place::Taken | Place::Foreign => {
                        let why = "what is in the place of its pin is no jail; look what it is and move or unmount it";
                        return Err(Error::failed("take down the jail of uid", name, why));
                    }
                },
                Kind::Jail => {}
            }
            match mount::unmount(root, &name) {
                // Two pins can lie on one another in theory; what is mounted below shows at the next turn.
                Ok(Expiry::Gone) => gone = Pin::Down,
                Ok(Expiry::NotMounted) | Err(Errno::ENOENT) => {}
                Ok(Expiry::Busy | Expiry::Marked) => return Ok(Pin::Leased),
                Err(errno) => return Err(Error::failed("unmount the pin", name, sys::why(errno))),
            }
        }
    }

    /// What a name leads to. The look undoes a mark, which means nothing to who takes the jail down anyway.
    fn kind(&self, name: &str) -> sys::Result<Kind> {
        let place = match fd::open_beneath(&self.dir, name, How::Place) {
            Err(Errno::ENOENT) => return Ok(Kind::None),
            Err(Errno::ELOOP) => return Ok(Kind::Other),
            place => place?,
        };
        // Only what is known to be a namespace is opened: to open a device or a pipe may do something.
        let is_jail = fd::is_namespace(place)? && is_mount_namespace(fd::open_beneath(&self.dir, name, How::Read)?)?;
        Ok(if is_jail { Kind::Jail } else { Kind::Other })
    }
}

/// Takes a jail down if nobody holds a lease. Under the lock, so nobody makes it anew meanwhile; and if entries are barred
/// as well, it is down for good. The process is in the host's mount namespace before and after.
pub fn take_down(root: &Root, host: &Host, dir: &JailDir, _: &Lock) -> Result<Pin, Error> {
    take_down_without_directory(root, host, dir.target)
}

/// The same of a target that has no directory of jails: nobody who comes now can make that jail, and there is nothing to lock.
pub fn take_down_without_directory(root: &Root, host: &Host, target: Target) -> Result<Pin, Error> {
    // ORDER: before the holder is looked for. Who could not come back from it after another jail finds none from there, and what is
    // not found is not up.
    host.back(root)?;
    let Some(holder) = Holder::find()? else { return judge_absence().map(|()| Pin::NotUp) };
    holder.enter(root)?;
    let done = Pins::enter().and_then(|pins| pins.unmount(root, target));
    host.back(root)?;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_pin_only_if_it_is_a_uid_as_we_write_it() {
        for strange in
            ["", "0", "02001", "2001 ", " 2001", "2001\n", "2001 (deleted)", "2001\\040", "-1", "x", "4294967295", "2001.old"]
        {
            assert_eq!(target_of(strange), None, "{strange:?}");
        }
        for uid in [1, 10, 100, 1000, 2001, 59_999] {
            assert_eq!(target_of(&uid.to_string()).map(layout::pin), Some(uid.to_string()));
        }
    }
}
