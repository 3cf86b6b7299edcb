//! All that a tree holds. Only for trees that root alone can reach: names are looked up one after the other, and nobody
//! changes them in between. No link is followed.

use crate::interrupt;
use jail::error::Error;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// One thing of a tree.
#[derive(Debug)]
pub struct Found {
    /// Its path, relative to the tree; empty for the tree itself.
    pub path: PathBuf,
    /// What it is.
    pub meta: Metadata,
}

/// Everything, in order of path: what is in a directory comes after it.
pub fn all(tree: &Path) -> Result<Vec<Found>, Error> {
    let look = |path: PathBuf| {
        let meta = std::fs::symlink_metadata(tree.join(&path));
        let meta = meta.map_err(|error| Error::failed("look at", tree.join(&path).display().to_string(), error))?;
        Ok::<_, Error>(Found { path, meta })
    };
    let (mut found, mut open) = (Vec::new(), vec![look(PathBuf::new())?]);
    while let Some(next) = open.pop() {
        if next.meta.is_dir() {
            interrupt::judge()?;
            let path = tree.join(&next.path);
            let failed = |error| Error::failed("list", path.display().to_string(), error);
            for entry in std::fs::read_dir(&path).map_err(failed)? {
                open.push(look(next.path.join(entry.map_err(failed)?.file_name()))?);
            }
        }
        found.push(next);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}
