//! The holder: the small mount namespace in which all pins live, itself pinned by the one line the host sees.
#![forbid(unsafe_code)]

use super::host::Host;
use super::{Doing, judge};
use crate::error::Error;
use crate::id::Target;
use crate::layout;
use crate::policy::RUN;
use crate::sys::fd::{self, How};
use crate::sys::lock::Lock;
use crate::sys::mount::{self, Flags};
use crate::sys::ns::{self, Kind};
use crate::sys::root::Root;
use crate::sys::{Errno, files};
use std::os::fd::OwnedFd;

/// How often a pin is tried on a new namespace; see [`Holder::pin`].
const TRIES: usize = 48;

/// The holder, held open: while this value lives its own pin cannot expire.
#[derive(Debug)]
pub struct Holder {
    namespace: OwnedFd,
}

/// An open pin. While one is open, the kernel answers EBUSY to whoever asks that the jail expire.
#[derive(Debug)]
#[must_use]
pub struct Lease(OwnedFd);

impl Lease {
    /// The jail's mount namespace.
    pub fn namespace(&self) -> &OwnedFd {
        &self.0
    }
}

impl Holder {
    /// The holder, if there is one.
    pub fn find() -> Result<Option<Self>, Error> {
        let path = format!("{RUN}/{}", layout::HOLDER);
        let namespace = match fd::open(&path, How::Read) {
            Err(Errno::ENOENT) => return Ok(None),
            opened => opened.doing("open", path.clone())?,
        };
        // A plain file is what is left when somebody unmounted the pin: there is no holder.
        Ok(fd::is_namespace(&namespace).doing("look at", path)?.then_some(Self { namespace }))
    }

    /// Moves into the holder.
    pub fn enter(&self, root: &Root) -> Result<(), Error> {
        ns::join(root, &self.namespace, Kind::Mount).doing("join", "the holder")
    }

    /// In the holder: the lease on a target's jail, if it lives.
    pub fn lease(&self, target: Target) -> Result<Option<Lease>, Error> {
        let path = format!("/{}/{}", layout::PINS, layout::pin(target));
        let pin = match fd::open(&path, How::Read) {
            Err(Errno::ENOENT) => return Ok(None),
            opened => opened.doing("open the pin", path.clone())?,
        };
        // An empty file is what a sweep leaves for a moment between unmounting a pin and removing its place.
        Ok(fd::is_namespace(&pin).doing("look at the pin", path)?.then_some(Lease(pin)))
    }

    /// In a new jail's mount namespace: pins it, and comes out in the holder with the lease.
    ///
    /// KERNEL: to prevent loops of pins, a mount namespace can be mounted only where its id is higher than the id of the
    /// namespace it is mounted in (`mnt_ns_loop`, fs/namespace.c). Since 6.18 ids are handed out per processor, in
    /// batches of 4096, so a namespace made later on another processor can have a lower one, and the mount is refused:
    /// EINVAL for mount(2), ELOOP for move_mount(2). A copy of the namespace has another id.
    pub fn pin(&self, root: &Root, target: Target, own_namespaces: &OwnedFd) -> Result<Lease, Error> {
        let name = layout::pin(target);
        for turn in 0..TRIES {
            let jail =
                fd::open_magic(own_namespaces, Kind::Mount.name(), How::Read).doing("open", "the jail's mount namespace")?;
            self.enter(root)?;
            let pins = fd::open(&format!("/{}", layout::PINS), How::Directory).doing("open", "the pins")?;
            match mount::pin(root, &jail, &pins, &name) {
                Err(Errno::ELOOP | Errno::EINVAL) => {
                    ns::join(root, &jail, Kind::Mount).doing("go back into", "the new jail")?;
                    ns::copy_mounts_anew(root, turn).doing("copy", "the jail's mount namespace")?;
                }
                Err(errno) => {
                    // The empty place would do no harm, but nobody would miss it either.
                    files::remove(&pins, &name).unwrap_or(());
                    return Err(errno).doing("pin", name);
                }
                Ok(()) => {
                    return self.lease(target)?.ok_or_else(|| Error::failed("hold", name, "the pin expired at once; try again"));
                }
            }
        }
        Err(Error::failed("pin", name, format!("the kernel refused {TRIES} namespaces in a row")))
    }

    /// Makes the holder, if nobody was faster: a tmpfs with a place for pins and nothing else of the host's in it. The
    /// process is in the host's mount namespace before and after.
    pub fn make(root: &Root, host: &Host) -> Result<Self, Error> {
        files::make_directory(fd::HERE, RUN, 0o700).doing("make", RUN)?;
        let run = judge::open_directory(RUN, How::List)?;
        let lock = Lock::exclusive(&run).doing("lock", RUN)?;
        if let Some(holder) = Self::find()? {
            return Ok(holder);
        }
        let own = fd::open_magic(fd::HERE, "/proc/self/ns", How::Directory).doing("open", "/proc/self/ns")?;
        ns::unshare(root, &[Kind::Mount]).doing("make", "the holder's mount namespace")?;
        mount::all_private(root).doing("make private", "the holder")?;
        let tree = mount::new_filesystem(root, c"tmpfs", &[(c"mode", "0700")], Flags::NO_EXEC).doing("make", "a tmpfs")?;
        let place = fd::open(RUN, How::Directory).doing("open", RUN)?;
        mount::attach(root, &tree, &place).doing("mount", RUN)?;
        files::enter_directory(&tree).doing("enter", RUN)?;
        mount::pivot_here(root).doing("make the root of", "the holder")?;
        files::make_directory(fd::HERE, layout::PINS, 0o700).doing("make", layout::PINS)?;
        let holder = fd::open_magic(&own, Kind::Mount.name(), How::Read).doing("open", "the holder")?;
        host.back(root)?;
        Self::pin_itself(root, &holder)?;
        drop(lock);
        Self::find()?.ok_or_else(|| Error::failed("find", format!("{RUN}/{}", layout::HOLDER), "it vanished; try again"))
    }

    /// KERNEL: a mount of a mount namespace is never copied to another namespace, so mounting one below a shared mount
    /// that has peers or slaves is EINVAL (`copy_tree`, fs/namespace.c). Then, and only then, a private mount of our own
    /// directory is put in between.
    fn pin_itself(root: &Root, holder: &OwnedFd) -> Result<(), Error> {
        // Opened anew at each try: the private mount lies over what was open before.
        let pin = || mount::pin(root, holder, fd::open(RUN, How::Directory)?, layout::HOLDER);
        let pinned = match pin() {
            Err(Errno::EINVAL) => {
                mount::private_bind(root, RUN).doing("make private", RUN)?;
                pin()
            }
            pinned => pinned,
        };
        pinned.doing("pin the holder in", RUN)
    }
}
