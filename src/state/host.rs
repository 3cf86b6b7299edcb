//! The host's mount namespace: where specs, images and homes are looked up, wherever the caller was.
#![forbid(unsafe_code)]

use super::Doing;
use crate::error::Error;
use crate::sys::Errno;
use crate::sys::fd::{self, How};
use crate::sys::ns::{self, Kind};
use crate::sys::root::{self, Root};
use std::os::fd::OwnedFd;

/// The mount namespace of process 1.
#[derive(Debug)]
pub struct Host(OwnedFd);

impl Host {
    /// Joins it. A service with PrivateTmp= has its own; a chrooted caller has its own idea of every path.
    /// Joining moves root and current directory to the namespace's root, so neither matters after.
    pub fn join(root: &Root) -> Result<Self, Error> {
        let host = Self(Self::namespace(Kind::Mount)?);
        host.back(root).map(|()| host)
    }

    /// A namespace of the host's: the one of process 1.
    pub fn namespace(kind: Kind) -> Result<OwnedFd, Error> {
        let open = |of: &str| fd::open_magic(fd::HERE, &format!("/proc/{of}/ns/{}", kind.name()), How::Read);
        let of_first = format!("/proc/1/ns/{}", kind.name());
        let opened = match open("1") {
            // A security module may keep even root from process 1. KERNEL: in the initial pid namespace process 2 is
            // kthreadd, which lives in the namespaces made at boot (rest_init, init/main.c).
            Err(Errno::EACCES) => open("2").and_then(|of_second| {
                let believed = ns::is_initial(&of_second, kind)?
                    || ns::is_initial(fd::open_magic(fd::HERE, "/proc/self/ns/pid", How::Read)?, Kind::Pid)?;
                if believed { Ok(of_second) } else { Err(Errno::EACCES) }
            }),
            opened => opened,
        };
        if opened.is_err() && ns::in_user_namespace() {
            return Err(root::unreal());
        }
        let namespace = opened.doing("open", of_first.clone())?;
        if fd::is_namespace(&namespace).doing("look at", of_first.clone())? {
            return Ok(namespace);
        }
        Err(Error::failed("believe", of_first, "it is not a namespace; is procfs mounted on /proc?"))
    }

    /// Comes back to it.
    pub fn back(&self, root: &Root) -> Result<(), Error> {
        ns::join(root, &self.0, Kind::Mount).doing("join the mount namespace of process 1", "")
    }
}
