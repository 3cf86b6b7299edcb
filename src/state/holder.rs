//! The holder: the small mount namespace in which all pins live, itself pinned by the one line the host sees.
//!
//! Beside the pins of jails it has that of the template: a mount namespace with nothing but empty places and a `/dev`, of
//! which every jail begins as a copy. KERNEL: to copy a mount namespace is to look at each of its mounts, those that are not
//! copied included, with all changes of mounts on the machine held up meanwhile (`copy_tree` under `namespace_sem`,
//! fs/namespace.c); of the holder itself that would be one for every live jail.
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
use crate::sys::{self, Errno, devices, files};
use std::os::fd::OwnedFd;

/// How often a pin is tried on a new namespace; see [`settle`].
const TRIES: usize = 48;

/// What came of a try: no try was possible, or what the kernel said to it.
type Tried<T> = Result<sys::Result<T>, Error>;

/// The holder, held open: while this value lives its own pin cannot expire.
#[derive(Debug)]
pub struct Holder(OwnedFd);

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
        Ok(pinned(&format!("{RUN}/{}", layout::HOLDER))?.map(Self))
    }

    /// Moves into the holder.
    pub fn enter(&self, root: &Root) -> Result<(), Error> {
        ns::join(root, &self.0, Kind::Mount).doing("join", "the holder")
    }

    /// In the holder: the lease on a target's jail, if it lives.
    pub fn lease(&self, target: Target) -> Result<Option<Lease>, Error> {
        Ok(pinned(&format!("/{}/{}", layout::PINS, layout::pin(target)))?.map(Lease))
    }

    /// In a new mount namespace: pins it on a path of the holder's, and comes out in the holder. No sweep takes the pin
    /// before the returned descriptor is closed, however long it takes its maker to open it.
    pub fn pin(&self, root: &Root, name: &str, own_namespaces: &OwnedFd) -> Result<OwnedFd, Error> {
        let pinned = settle(root, own_namespaces, |made| {
            self.enter(root)?;
            // An empty place would do no harm, but nobody would miss it either.
            Ok(mount::pin(root, made, fd::HERE, name).inspect_err(|_| files::remove(fd::HERE, name).unwrap_or(())))
        });
        pinned?.doing("pin", name)
    }

    /// Makes the holder, if nobody was faster: a tmpfs with places and nothing of the host's in it. The template is a copy
    /// with the same tmpfs, which can be read only there and so in every jail: nothing can be left in what jails share. The
    /// process is in the host's mount namespace before and after.
    pub fn make(root: &Root, host: &Host) -> Result<Self, Error> {
        files::make_directory(fd::HERE, RUN, 0o700).doing("make", RUN)?;
        let run = judge::open_directory(RUN, How::List)?;
        let _lock = Lock::exclusive(&run).doing("lock", RUN)?;
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
        let mut dirs = [layout::PINS, layout::ROOT, layout::NS, layout::DEV].into_iter();
        dirs.try_for_each(|dir| files::make_directory(fd::HERE, dir, 0o700)).doing("make", "the holder's directories")?;
        let mut kinds = Kind::BESIDE_MOUNT.into_iter().map(|kind| format!("{}/{}", layout::NS, kind.name()));
        kinds.try_for_each(|kind| files::touch(fd::HERE, &kind, 0o600)).doing("make", "the places of pins")?;
        // ORDER: the template first, so that nobody ever finds a holder without one; a copy of the holder has it not.
        let pinned = settle(root, &own, |_| {
            let holder = Self(fd::open_magic(&own, Kind::Mount.name(), How::Read).doing("open", "the holder")?);
            ns::unshare(root, &[Kind::Mount]).doing("make", "the template")?;
            let dev = devices::tree(root).and_then(|dev| mount::attach(root, dev, fd::open(layout::DEV, How::Directory)?));
            let sealed = dev.and_then(|()| mount::set_flags(root, fd::open("/", How::Directory)?, Flags::SEALED, false));
            sealed.doing("fill and seal", "the template")?;
            holder.pin(root, layout::TEMPLATE, &own)?;
            host.back(root)?;
            Ok(Self::pin_itself(root, &holder.0))
        });
        pinned?.doing("pin the holder in", RUN)?;
        Self::find()?.ok_or_else(|| Error::failed("find", format!("{RUN}/{}", layout::HOLDER), "it vanished; try again"))
    }

    /// KERNEL: a mount of a mount namespace is never copied to another namespace, so mounting one below a shared mount
    /// that has peers or slaves is EINVAL (`copy_tree`, fs/namespace.c). Then, and only then, a private mount of our own
    /// directory is put in between.
    fn pin_itself(root: &Root, holder: &OwnedFd) -> sys::Result<OwnedFd> {
        // Opened anew at each try: the private mount lies over what was open before.
        let pin = || mount::pin(root, holder, fd::open(RUN, How::Directory)?, layout::HOLDER);
        match pin() {
            Err(Errno::EINVAL) => mount::private_bind(root, RUN).and_then(|()| pin()),
            pinned => pinned,
        }
    }
}

/// In a new mount namespace: has it pinned by `put`, which leaves it for the one where the pin is to be.
///
/// KERNEL: to prevent loops of pins, a mount namespace can be mounted only where its id is higher than the id of the
/// namespace it is mounted in (`mnt_ns_loop`, fs/namespace.c). Since 6.18 ids are handed out per processor, in batches of
/// 4096, so a namespace made later on another processor can have a lower one, and the mount is refused: EINVAL for
/// mount(2), ELOOP for move_mount(2). A copy of the namespace has another id. The holder meets this in a container, whose
/// own namespace is young as well.
fn settle<T>(root: &Root, own: &OwnedFd, put: impl Fn(&OwnedFd) -> Tried<T>) -> Tried<T> {
    for turn in 0..TRIES {
        let made = fd::open_magic(own, Kind::Mount.name(), How::Read).doing("open", "the new mount namespace")?;
        match put(&made)? {
            Err(Errno::ELOOP | Errno::EINVAL) => {
                ns::join(root, &made, Kind::Mount).doing("go back into", "the new mount namespace")?;
                ns::copy_mounts_anew(root, turn).doing("copy", "the new mount namespace")?;
            }
            done => return Ok(done),
        }
    }
    Err(Error::failed("pin", "a mount namespace", format!("the kernel refused {TRIES} of them in a row")))
}

/// The namespace that is pinned on a place. An empty file is what a sweep leaves for a moment between unmounting a pin and
/// removing its place, and what is left when somebody unmounted the holder.
fn pinned(path: &str) -> Result<Option<OwnedFd>, Error> {
    let pin = match fd::open(path, How::Read) {
        Err(Errno::ENOENT) => return Ok(None),
        opened => opened.doing("open the pin", path)?,
    };
    Ok(fd::is_namespace(&pin).doing("look at the pin", path)?.then_some(pin))
}
