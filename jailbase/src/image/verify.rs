//! A last look at a tree before it is published: what must hold of every image, however it was made.

use super::walk::{self, Found};
use crate::parallel;
use jail::error::Error;
use jail::image::Image;
use jail::report::escaped;
use jail::state::Doing;
use jail::sys::images::attributes::giving_rights;
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What every jail mounts on, beside the host's directories.
const DIRECTORIES: [&str; 6] = ["dev", "proc", "tmp", "var/tmp", "etc", "home"];
const FILES: [&str; 2] = ["etc/passwd", "etc/group"];
/// May be missing, but if they are there they must be real.
const NO_LINKS: [&str; 2] = ["sys", "var"];

/// Where everybody may write on a running system. In an image nobody writes, so what comes from elsewhere is closed there
/// without a word; anywhere else it is a fault.
pub const LISTED: [&str; 6] = ["tmp", "var/tmp", "dev/shm", "run/lock", "run/shm", "var/lock"];

/// How many faults are told.
const TOLD: usize = 10;

/// Whether a path is one of the listed ones.
pub fn is_listed(path: &Path) -> bool {
    LISTED.iter().any(|name| path == Path::new(name))
}

/// One thing that must not be so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where, relative to the tree.
    pub path: String,
    /// What is wrong, and how to mend it.
    pub what: &'static str,
}

/// Looks at a whole tree, and refuses it with a fault anywhere.
pub fn tree(tree: &Path, image: &Image) -> Result<(), Error> {
    judge(tree, image, &walk::all(tree)?)
}

/// Refuses a tree with a fault anywhere; tells the first few.
pub fn judge(tree: &Path, image: &Image, found: &[Found]) -> Result<(), Error> {
    let faults = faults(tree, image, found)?;
    if faults.is_empty() {
        return Ok(());
    }
    let mut said: Vec<String> = faults.iter().take(TOLD).map(|fault| format!("/{}: {}", fault.path, fault.what)).collect();
    if faults.len() > TOLD {
        said.push(format!("and {} more", faults.len() - TOLD));
    }
    Err(Error::Refused(said.join("; ")))
}

/// Everything in a tree that must not be so.
pub fn faults(tree: &Path, image: &Image, found: &[Found]) -> Result<Vec<Fault>, Error> {
    let kind = |name: &str| std::fs::symlink_metadata(tree.join(name)).ok();
    let mut faults = Vec::new();
    for name in DIRECTORIES.iter().chain(&image.host) {
        match kind(name) {
            Some(meta) if meta.is_dir() => {}
            Some(meta) if meta.is_symlink() => {
                faults.push(fault(name, "is a symbolic link, and jails mount on it; make it a directory"))
            }
            _ => faults.push(fault(name, "is not a directory, and jails mount on it; make it one")),
        }
    }
    for name in FILES.iter().filter(|name| !kind(name).is_some_and(|meta| meta.is_file())) {
        faults.push(fault(name, "is not a file, and jails mount on it; make it one"));
    }
    for name in NO_LINKS.iter().filter(|name| kind(name).is_some_and(|meta| !meta.is_dir())) {
        faults.push(fault(name, "is not a directory; make it one, or remove it"));
    }
    let looked = parallel::each(found, |one| Ok(fault_of(tree, one)?.map(|what| (one.path.clone(), what))))?;
    let mut looked: Vec<_> = looked.into_iter().flatten().collect();
    looked.sort();
    faults.extend(looked.into_iter().map(|(path, what)| fault(&escaped(path.as_os_str().as_bytes()), what)));
    Ok(faults)
}

fn fault(path: &str, what: &'static str) -> Fault {
    Fault { path: path.to_owned(), what }
}

fn fault_of(tree: &Path, one: &Found) -> Result<Option<&'static str>, Error> {
    if let Some(what) = by_mode(&one.meta) {
        return Ok(Some(what));
    }
    if one.path.as_os_str().is_empty() && one.meta.mode() & 0o001 == 0 {
        return Ok(Some("is closed to everybody but root, so no jail of it can be entered; chmod 0755 it"));
    }
    if one.meta.is_symlink() {
        return Ok(None);
    }
    let path = tree.join(&one.path);
    let shown = || path.display().to_string();
    let file = File::options().read(true).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits()).open(&path);
    let file = file.map_err(|error| Error::failed("open", shown(), error))?;
    let given = giving_rights(&file).doing("look at", shown())?;
    Ok((!given.is_empty()).then_some("has a file capability or an access control list; setcap -r or setfacl -b takes it off"))
}

fn by_mode(meta: &Metadata) -> Option<&'static str> {
    if meta.uid() != 0 || meta.gid() != 0 {
        Some("does not belong to root and root's group; chown it to 0:0")
    } else if meta.is_symlink() {
        None
    } else if !meta.is_dir() && !meta.is_file() {
        Some("is a device, a socket or a pipe; remove it, a jail has a /dev of its own")
    } else if meta.mode() & 0o6000 != 0 {
        Some("is setuid or setgid; chmod ug-s it")
    } else if meta.mode() & 0o022 != 0 {
        Some("can be written by others than root; chmod go-w it where the image is made from, or give --mend")
    } else {
        None
    }
}
