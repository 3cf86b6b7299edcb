//! The mounts that a program finds which works on a tree. They are in a mount namespace of jailbase's own, and the tree is a mount of
//! its own there: so the kernel can say, when the program has ended, whether anybody is left who could write into what is published.

use jail::error::Error;
use jail::image::Image;
use jail::state::Doing;
use jail::state::host::Host;
use jail::sys::fd::{self, How};
use jail::sys::mount::{self, Flags};
use jail::sys::ns::{self, Kind};
use jail::sys::root::Root;
use jail::sys::{Errno, devices};
use nix::sys::stat::{Mode, umask};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The most shared memory a program in there may use.
const SHM_BYTES: u64 = 256 << 20;

/// Does something while they are there; it has ended all that it started when it returns. Then the tree is shut for whoever still has
/// something of it open, and that must be nobody who can write. Killed here, the namespace goes, and the mounts with it.
pub fn within<T>(
    root: &Root,
    host: &Host,
    tree: &Path,
    image: &Image,
    what: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    ns::unshare(root, &[Kind::Mount]).doing("make", "a mount namespace")?;
    // The modes of what is made there are meant as they are.
    let strict = umask(Mode::empty());
    let made = all(root, tree, image);
    umask(strict);
    let done = made.and_then(|own| {
        let done = what()?;
        shut(root, &own, tree).map(|()| done)
    });
    // ORDER: before what was made is taken away or published, which cannot be done to a directory with a mount on it.
    host.back(root).and(done)
}

/// Makes them; the mount of the tree.
fn all(root: &Root, tree: &Path, image: &Image) -> Result<OwnedFd, Error> {
    let shown = tree.display().to_string();
    mount::all_private(root).doing("make private", "the mounts")?;
    let source = fd::open(&shown, How::Directory).doing("open", &shown)?;
    let own = mount::clone_tree(root, &source, false).doing("clone", &shown)?;
    mount::set_flags(root, &own, Flags::PLAIN, false).doing("set the flags of", &shown)?;
    mount::attach(root, &own, &source).doing("mount", &shown)?;
    let at = |name: &str| fd::open_beneath(&own, name, How::Directory).doing("find in the image", name);
    mount::attach(root, devices::tree(root).doing("make", "/dev")?, at("dev")?).doing("mount", "/dev")?;
    mount::attach(root, devices::pts(root).doing("make", "/dev/pts")?, at("dev/pts")?).doing("mount", "/dev/pts")?;
    mount::attach(root, devices::shm(root, SHM_BYTES).doing("make", "/dev/shm")?, at("dev/shm")?).doing("mount", "/dev/shm")?;
    for name in ["tmp", "var/tmp"] {
        // Closed in an image; here everybody needs it, apt's own user among them.
        let tmp = mount::new_filesystem(root, c"tmpfs", &[(c"mode", "1777")], Flags::PLAIN).doing("make", "a tmpfs")?;
        mount::attach(root, tmp, at(name)?).doing("mount", name)?;
    }
    for dir in image.host.iter().copied() {
        let from = fd::open(&format!("/{dir}"), How::Directory).doing("open", dir)?;
        let clone = mount::clone_tree(root, from, true).doing("clone", dir)?;
        mount::set_flags(root, &clone, Flags::READ_ONLY, true).doing("set the flags of", dir)?;
        mount::attach(root, &clone, at(dir)?).doing("mount", dir)?;
    }
    names_of_hosts(root, &own).map(|()| own)
}

/// The host's way to find names of the network, if the image has a place for it.
fn names_of_hosts(root: &Root, tree: &OwnedFd) -> Result<(), Error> {
    let place = fd::open_beneath(tree, "etc/resolv.conf", How::Place);
    // What is no file there is no place for one.
    let place = place.ok().filter(|place| fd::stat(place).is_ok_and(|stat| fd::is_file(&stat)));
    if let (Some(place), Ok(file)) = (place, File::open("/etc/resolv.conf")) {
        let clone = mount::clone_tree(root, &file, false).doing("clone", "/etc/resolv.conf")?;
        mount::set_flags(root, &clone, Flags::SEALED, false).doing("set the flags of", "/etc/resolv.conf")?;
        mount::attach(root, &clone, place).doing("mount", "/etc/resolv.conf")?;
    }
    Ok(())
}

/// Makes the tree read-only for those who have it from in there.
///
/// KERNEL: a mount on which a file is open for writing, or mapped so, stays writable (EBUSY, `mnt_hold_writers`, fs/namespace.c,
/// 5.12). Through a directory of it that somebody took over nothing is written afterwards.
fn shut(root: &Root, own: &OwnedFd, tree: &Path) -> Result<(), Error> {
    match mount::set_flags(root, own, Flags::READ_ONLY, false) {
        Err(Errno::EBUSY) => Err(Error::Refused(
            "a process outside took over a file of the image that is open for writing, and nothing was published; it runs as a \
             user that a program in there ran as, too: end it, and do it again"
                .into(),
        )),
        shut => shut.doing("make read-only", tree.display().to_string()),
    }
}
