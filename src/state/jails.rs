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
use crate::sys::{self, Errno};
use std::os::fd::OwnedFd;

/// All jails.
#[derive(Debug)]
pub struct Jails {
    dir: OwnedFd,
}

/// One target's directory.
#[derive(Debug)]
pub struct JailDir {
    dir: OwnedFd,
    target: Target,
}

impl Jails {
    /// Opens the directory of jails, which root made and only root writes.
    pub fn open() -> Result<Self, Error> {
        let path = format!("{STATE}/{}", layout::JAILS);
        let opened = match judge::open_directory(&path, How::List) {
            Err(Errno::ENOENT) => {
                return Err(Error::Refused(format!("{path} is missing: no jail was ever made; see jailbase user add")));
            }
            opened => opened.doing("open", path.clone())?,
        };
        let dir = opened.map_err(|fault| Error::Refused(format!("{path} {fault}")))?;
        Ok(Self { dir })
    }

    /// The open directory itself.
    pub fn as_dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// The uid a name stands for.
    pub fn target(&self, name: &Name) -> Result<Target, Error> {
        let path = format!("{}/{name}", layout::BY_NAME);
        let text =
            fd::open_beneath(&self.dir, layout::BY_NAME, How::Directory).and_then(|dir| fd::link_text(&dir, name.as_str()));
        match text {
            Err(Errno::ENOENT) => Err(Error::Refused(format!("{name} has no jail; see jailbase user add"))),
            text => {
                let text = text.doing("read the link", path.clone())?;
                Target::parse(&text).ok_or_else(|| Error::Refused(format!("the link {path} does not read a uid")))
            }
        }
    }

    /// The directory of a target that has a jail.
    pub fn jail(&self, target: Target) -> Result<JailDir, Error> {
        let dir = match fd::open_beneath(&self.dir, &layout::pin(target), How::List) {
            Err(Errno::ENOENT) => return Err(Error::Refused(format!("uid {target} has no jail; see jailbase user add"))),
            opened => opened.doing("open", layout::jail_dir(target))?,
        };
        match judge::directory(&dir).doing("look at", layout::jail_dir(target))? {
            Ok(()) => Ok(JailDir { dir, target }),
            Err(fault) => Err(Error::Refused(format!("{} {fault}", layout::jail_dir(target)))),
        }
    }
}

impl JailDir {
    /// The open directory itself; an exclusive flock on it is the lock of making and unmaking this jail.
    pub fn as_dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// Whose it is.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The spec, judged on the open file, read whole, and about this target.
    pub fn spec(&self) -> Result<Spec, Error> {
        let path = format!("{}/{}", layout::jail_dir(self.target), layout::SPEC);
        let refused = |why: &str| Error::Refused(format!("{path} {why}"));
        let file = match fd::open_beneath(&self.dir, layout::SPEC, How::Read) {
            Err(Errno::ENOENT) => return Err(refused("is missing; see jailbase user add")),
            Err(Errno::ELOOP) => return Err(refused("is a symbolic link")),
            opened => opened.doing("open", path.clone())?,
        };
        judge::file(&file).doing("look at", path.clone())?.map_err(refused)?;
        let bytes = fd::read_at_most(file, record::LONGEST).doing("read", path.clone())?;
        let spec = Spec::read(&bytes).map_err(|why| refused(&format!("is not a spec: {why}")))?;
        if spec.uid == self.target { Ok(spec) } else { Err(refused(&format!("is about uid {}", spec.uid))) }
    }

    /// A root-owned file beside the spec, to be mounted.
    pub fn place(&self, name: &'static str) -> Result<OwnedFd, Error> {
        let path = format!("{}/{name}", layout::jail_dir(self.target));
        let file = fd::open_beneath(&self.dir, name, How::Place).doing("open", path.clone())?;
        match judge::file(&file).doing("look at", path.clone())? {
            Ok(()) => Ok(file),
            Err(fault) => Err(Error::failed("use", path, format!("it {fault}"))),
        }
    }

    /// The user's tmp: root made it below a directory that only root writes, so its name leads where root meant.
    pub fn tmp(&self) -> Result<OwnedFd, Error> {
        let path = format!("{}/{}", layout::jail_dir(self.target), layout::TMP);
        let dir = fd::open_beneath(&self.dir, layout::TMP, How::Directory).doing("open", path.clone())?;
        let stat = fd::stat(&dir).doing("look at", path.clone())?;
        if stat.st_uid == self.target.get() {
            Ok(dir)
        } else {
            Err(Error::failed("use", path, "it is not owned by the user; chown it"))
        }
    }

    /// Takes the lock of making and unmaking this jail; it falls with the returned value, or with the process.
    pub fn lock(&self) -> Result<sys::lock::Lock, Error> {
        sys::lock::Lock::exclusive(&self.dir).doing("lock", layout::jail_dir(self.target))
    }
}
