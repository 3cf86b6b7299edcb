//! Homes that jailbase makes: the user's before they have their name, and known again when they are to go.

use super::about::Home;
use super::account::Account;
use crate::store;
use jail::error::Error;
use jail::id::Target;
use jail::state::{Doing, judge};
use jail::sys::Errno;
use jail::sys::fd::{self, How};
use nix::fcntl::renameat;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::UNIX_EPOCH;

/// Where a home may be made: root alone can make one there, so nobody can put something else there meanwhile.
pub struct Vacant<'a> {
    account: &'a Account,
    dir: OwnedFd,
    name: &'a str,
}

/// A home that has not its name yet.
pub struct Unnamed<'a> {
    place: Vacant<'a>,
    /// By which it is known again.
    pub inode: u64,
    /// And when it was made.
    pub born: Option<u64>,
}

/// What a home is called before it has its name.
fn unnamed(name: &str) -> String {
    format!(".{name}.jailbase")
}

/// Looks where the home is to be.
pub fn vacant(account: &Account) -> Result<Vacant<'_>, Error> {
    let home = account.home.as_str();
    let (dir, name) = place(home).map_err(|why| match why {
        Error::Refused(why) => Error::Refused(format!("{why}, or make the home {home} yourself")),
        other => other,
    })?;
    // It was judged before the locks were taken.
    match fd::stat_at(&dir, name) {
        // Before anything is noted of the one that is to be.
        Err(Errno::ENOENT) => clear_unnamed(&dir, name, home).map(|()| Vacant { account, dir, name }),
        _ => Err(Error::Refused(format!("the home {home} came into being meanwhile; try again"))),
    }
}

impl<'a> Vacant<'a> {
    /// Makes the home under another name. ORDER: it is the user's before it has its own, or whoever is killed in between leaves a
    /// home that is root's. What he leaves instead is removed by the next attempt or by a removal, and refused if it is not empty.
    pub fn make(self) -> Result<Unnamed<'a>, Error> {
        let Account { uid, gid, home, .. } = self.account;
        let made = store::directory_at(&self.dir, &unnamed(self.name), 0o700, (uid.get(), gid.get()), home.as_str())?;
        let inode = fd::stat(&made).doing("look at", home.as_str())?.st_ino;
        let born = born(&made);
        Ok(Unnamed { place: self, inode, born })
    }
}

impl Unnamed<'_> {
    /// Gives it its name.
    pub fn name(self) -> Result<(), Error> {
        let Vacant { account, dir, name } = self.place;
        let unnamed = unnamed(name);
        // KERNEL: a directory takes the name of nothing but an empty directory (rename(2)).
        let named = renameat(&dir, unnamed.as_str(), &dir, name);
        let named = named.inspect_err(|_| unlinkat(&dir, unnamed.as_str(), UnlinkatFlags::RemoveDir).unwrap_or(()));
        named.doing("make the home", account.home.as_str())
    }
}

/// Removes a home that never had its name, as one leaves it who is killed meanwhile.
pub fn clear_unnamed(dir: &OwnedFd, name: &str, home: &str) -> Result<(), Error> {
    let unnamed = unnamed(name);
    match unlinkat(dir, unnamed.as_str(), UnlinkatFlags::RemoveDir) {
        Err(Errno::ENOENT) => Ok(()),
        removed => removed.doing("remove what is left of an unfinished home", format!("{home} ({unnamed})")),
    }
}

/// The directory that a home is in, which root alone writes, and its name there.
fn place(home: &str) -> Result<(OwnedFd, &str), Error> {
    let (above, name) = home.rsplit_once('/').unwrap_or_default();
    match fd::open(above, How::List) {
        Err(Errno::ENOENT) => Err(Error::Refused(format!("{above} does not exist, so no home can be there; make it first"))),
        dir => Ok((judge::directory(dir.doing("open", above)?, above)?, name)),
    }
}

/// When a file was made, in nanoseconds since 1970; statx(2) does not say it of every file system.
fn born(file: &OwnedFd) -> Option<u64> {
    let meta = File::from(file.try_clone().ok()?).metadata().ok()?;
    meta.created().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()
}

/// Whether it was made when that was noted, if it was.
fn is_as_old(dir: &OwnedFd, name: &str, home: &Home) -> bool {
    let now = || fd::open_beneath(dir, name, How::Directory).ok().and_then(|found| born(&found));
    home.born.is_none_or(|then| now() == Some(then))
}

/// A home that jailbase made, to be removed: its place, and its name there. Refused if it is not the directory that was made.
/// Where a removal that was interrupted is `resumed` it may be gone, but for what that one left beside it.
pub fn known(home: &Home, target: Target, resumed: bool) -> Result<(OwnedFd, &str), Error> {
    let (dir, name) = place(&home.path)?;
    match fd::stat_at(&dir, name) {
        Ok(stat)
            if fd::is_dir(&stat) && stat.st_ino == home.inode && stat.st_uid == target.get() && is_as_old(&dir, name, home) =>
        {
            Ok((dir, name))
        }
        Err(Errno::ENOENT) if resumed => Ok((dir, name)),
        Err(Errno::ENOENT) => {
            Err(Error::Refused(format!("the home {} is not there any more; leave --remove-home out", home.path)))
        }
        Err(errno) => Err(Error::failed("look at", &home.path, jail::sys::why(errno))),
        Ok(_) => Err(Error::Refused(format!(
            "{} is not the home that jailbase made any more; leave --remove-home out, and remove it yourself",
            home.path
        ))),
    }
}
