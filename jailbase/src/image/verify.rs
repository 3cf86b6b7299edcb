//! A last look at a tree before it is published: what must hold of every image, however it was made.

use jail::error::Error;
use jail::image::Image;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What every jail mounts on, beside the host's directories.
const DIRECTORIES: [&str; 5] = ["dev", "proc", "tmp", "var/tmp", "etc"];
const FILES: [&str; 2] = ["etc/passwd", "etc/group"];

/// Refuses a tree with a wrong owner, mode or kind anywhere, or without a place that a jail mounts on.
pub fn tree(root: &Path, image: &Image) -> Result<(), Error> {
    let places = DIRECTORIES.iter().chain(&image.host).map(|name| (*name, true)).chain(FILES.map(|name| (name, false)));
    for (name, directory) in places {
        let good =
            std::fs::symlink_metadata(root.join(name)).is_ok_and(|meta| if directory { meta.is_dir() } else { meta.is_file() });
        if !good {
            let kind = if directory { "directory" } else { "file" };
            return Err(Error::failed(
                "publish",
                root.join(name).display().to_string(),
                format!("it is not a {kind}, and jails mount on it"),
            ));
        }
    }
    below(root)
}

fn below(path: &Path) -> Result<(), Error> {
    let failed = |error| Error::failed("look at", path.display().to_string(), error);
    let meta = std::fs::symlink_metadata(path).map_err(failed)?;
    if let Some(fault) = fault(&meta) {
        return Err(Error::failed("publish", path.display().to_string(), fault));
    }
    if meta.is_dir() {
        for entry in std::fs::read_dir(path).map_err(failed)? {
            below(&entry.map_err(failed)?.path())?;
        }
    }
    Ok(())
}

fn fault(meta: &Metadata) -> Option<&'static str> {
    if meta.uid() != 0 || meta.gid() != 0 {
        Some("it does not belong to root and root's group")
    } else if meta.is_symlink() {
        None
    } else if !meta.is_dir() && !meta.is_file() {
        Some("it is a device, a socket or a pipe")
    } else if meta.mode() & 0o6000 != 0 {
        Some("it is setuid or setgid")
    } else if meta.mode() & 0o022 != 0 {
        Some("others than root can write it")
    } else {
        None
    }
}
