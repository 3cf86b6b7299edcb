//! The directory of jails: from a name to a uid, from a uid to its spec.
#![forbid(unsafe_code)]

use super::{Doing, judge};
use crate::error::Error;
use crate::id::{Name, Target};
use crate::layout;
use crate::policy::STATE;
use crate::record;
use crate::spec::Spec;
use crate::sys::fd::{self, How};
use crate::sys::lock::{Lock, is_barred};
use crate::sys::{self, Errno};
use std::os::fd::OwnedFd;

/// All jails.
#[derive(Debug)]
pub struct Jails {
    /// The open directory itself.
    pub dir: OwnedFd,
}

/// One target's directory.
#[derive(Debug)]
pub struct JailDir {
    /// The open directory itself; an exclusive flock on it is the lock of making and unmaking this jail.
    pub dir: OwnedFd,
    /// Whose it is.
    pub target: Target,
}

impl Jails {
    /// Opens the directory of jails, which root made and only root writes.
    pub fn open() -> Result<Self, Error> {
        let path = format!("{STATE}/{}", layout::JAILS);
        let dir = there(fd::open(&path, How::List), &path, "no jail was ever made; see jailbase user add")?;
        Ok(Self { dir: judge::directory(dir, &path)? })
    }

    /// The uid a name stands for.
    pub fn target(&self, name: &Name) -> Result<Target, Error> {
        let path = format!("{}/{name}", layout::BY_NAME);
        // The directory of links is in one that root alone writes, and so is what root made.
        let text = there(fd::link_text(&self.dir, &path), &path, "this user has no jail; see jailbase user add")?;
        Target::parse(&text).ok_or_else(|| Error::Refused(format!("the link {path} does not read a uid")))
    }

    /// Refuses an entry while the jail is drained: then the byte of its uid is barred, or all are.
    pub fn admit(&self, target: Target) -> Result<(), Error> {
        let barred = is_barred(&self.dir, target.get()).doing("look for a drain of the jail of uid", target.to_string())?;
        if barred { Err(Error::Later("this jail is being drained; try again later")) } else { Ok(()) }
    }

    /// The directory of a target that has a jail.
    pub fn jail(&self, target: Target) -> Result<JailDir, Error> {
        let path = layout::jail_dir(target);
        let dir = fd::open_beneath(&self.dir, &layout::pin(target), How::List);
        let dir = there(dir, &path, "this uid has no jail; see jailbase user add")?;
        Ok(JailDir { dir: judge::directory(dir, &path)?, target })
    }
}

/// What is not there is a refusal: without a spec there is no jail. A symbolic link is never what root made there.
fn there<T>(found: sys::Result<T>, path: &str, missing: &str) -> Result<T, Error> {
    match found {
        Err(Errno::ENOENT) => Err(Error::Refused(format!("{path} is missing: {missing}"))),
        Err(Errno::ELOOP) => Err(Error::Refused(format!("{path} is a symbolic link"))),
        found => found.doing("open", path),
    }
}

impl JailDir {
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", layout::jail_dir(self.target))
    }

    /// The spec, judged on the open file, read whole, and about this target.
    pub fn spec(&self) -> Result<Spec, Error> {
        let path = self.path(layout::SPEC);
        let file = there(fd::open_beneath(&self.dir, layout::SPEC, How::Read), &path, "see jailbase user add")?;
        let bytes = fd::read_at_most(judge::file(file, &path)?, record::LONGEST).doing("read", &path)?;
        let spec = Spec::read(&bytes).map_err(|why| Error::Refused(format!("{path} is not a spec: {why}")))?;
        if spec.uid == self.target { Ok(spec) } else { Err(Error::Refused(format!("{path} is about uid {}", spec.uid))) }
    }

    /// A root-owned file or directory beside the spec, to be mounted.
    pub fn place(&self, name: &'static str, how: How) -> Result<OwnedFd, Error> {
        let path = self.path(name);
        let place = fd::open_beneath(&self.dir, name, how).doing("open", &path)?;
        if how == How::Place { judge::file(place, &path) } else { judge::directory(place, &path) }
    }

    /// The user's tmp: root made it below a directory that only root writes, so its name leads where root meant.
    pub fn tmp(&self) -> Result<OwnedFd, Error> {
        let path = self.path(layout::TMP);
        let dir = fd::open_beneath(&self.dir, layout::TMP, How::Directory).doing("open", &path)?;
        let owner = fd::stat(&dir).doing("look at", &path)?.st_uid;
        let strange = || Error::Refused(format!("{path} is not owned by the user; chown it"));
        (owner == self.target.get()).then_some(dir).ok_or_else(strange)
    }

    /// Takes the lock of making and unmaking this jail; it falls with the returned value, or with the process.
    pub fn lock(&self) -> Result<Lock, Error> {
        Lock::exclusive(&self.dir).doing("lock", layout::jail_dir(self.target))
    }
}
