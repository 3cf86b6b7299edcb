//! The host's mount namespace: where specs, images and homes are looked up, wherever the caller was.
#![forbid(unsafe_code)]

use super::Doing;
use crate::error::Error;
use crate::sys::Errno;
use crate::sys::fd::{self, How};
use crate::sys::ns::{self, Kind};
use crate::sys::root::Root;
use std::os::fd::OwnedFd;

/// The mount namespace of process 1.
#[derive(Debug)]
pub struct Host {
    mounts: OwnedFd,
}

impl Host {
    /// Joins it. A service with PrivateTmp= has its own; a chrooted caller has its own idea of every path.
    /// Joining moves root and current directory to the namespace's root, so neither matters after.
    pub fn join(root: &Root) -> Result<Self, Error> {
        let host = Self { mounts: Self::namespace(Kind::Mount)? };
        host.back(root)?;
        Ok(host)
    }

    /// A namespace of the host's: the one of process 1.
    pub fn namespace(kind: Kind) -> Result<OwnedFd, Error> {
        let of_first = format!("/proc/1/ns/{}", kind.name());
        let opened = match fd::open_magic(fd::HERE, &of_first, How::Read) {
            // A security module may keep even root from process 1. KERNEL: in the initial pid namespace process 2 is
            // kthreadd, which lives in the namespaces made at boot (rest_init, init/main.c).
            Err(Errno::EACCES) if ns::is_initial(Kind::Pid).doing("look at", "/proc/self/ns/pid")? => {
                fd::open_magic(fd::HERE, &format!("/proc/2/ns/{}", kind.name()), How::Read)
            }
            opened => opened,
        };
        let namespace = opened.doing("open", of_first.clone())?;
        if fd::is_namespace(&namespace).doing("look at", of_first.clone())? {
            return Ok(namespace);
        }
        Err(Error::failed("believe", of_first, "it is not a namespace; is procfs mounted on /proc?"))
    }

    /// Comes back to it.
    pub fn back(&self, root: &Root) -> Result<(), Error> {
        ns::join(root, &self.mounts, Kind::Mount).doing("join the mount namespace of process 1", "")
    }
}
