//! Changes on disk that are either not there or there whole, with exact modes. Only for directories that root alone writes.

use jail::error::Error;
use jail::state::{Doing, judge};
use jail::sys::fd::{self, How};
pub use jail::sys::whole::unfinished;
use jail::sys::{Errno, files, whole};
use nix::sys::stat::{Mode, fchmod, umask};
use nix::unistd::{Gid, Uid, fchown};
use std::os::fd::OwnedFd;

/// What is made starts closed to everybody but root, and is opened by an exact mode when it is complete.
pub fn strict_umask() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Opens a directory of root's by its absolute path, made with this mode if there is none.
pub fn directory(path: &str, mode: u32) -> Result<OwnedFd, Error> {
    let made = matches!(fd::open(path, How::List), Err(Errno::ENOENT));
    files::make_directory(fd::HERE, path, mode).doing("make", path)?;
    let dir = judge::open_directory(path, How::List)?;
    if made {
        fchmod(&dir, Mode::from_bits_truncate(mode)).doing("set the mode of", path)?;
    }
    Ok(dir)
}

/// Opens a directory in a directory, made if there is none, and gives it this mode and owner. `shown` is its path, for messages.
pub fn directory_at(dir: &OwnedFd, name: &str, mode: u32, owner: (u32, u32), shown: &str) -> Result<OwnedFd, Error> {
    files::make_directory(dir, name, 0o700).doing("make", shown)?;
    let made = fd::open_beneath(dir, name, How::List).doing("open", shown)?;
    fchown(&made, Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1))).doing("give away", shown)?;
    fchmod(&made, Mode::from_bits_truncate(mode)).doing("set the mode of", shown)?;
    Ok(made)
}

/// Puts a file in the place of whatever has that name: a reader finds the old one or the new one, also after a crash.
pub fn write(dir: &OwnedFd, name: &str, text: &str, mode: u32, shown: &str) -> Result<(), Error> {
    whole::write(dir, name, text.as_bytes(), mode).doing("write", shown)
}

/// The same for what comes before something else in the same directory, whose name the disk learns no sooner.
pub fn write_ahead(dir: &OwnedFd, name: &str, text: &str, mode: u32, shown: &str) -> Result<(), Error> {
    whole::write_ahead(dir, name, text.as_bytes(), mode).doing("write", shown)
}

/// Puts a symbolic link in the place of whatever has that name.
pub fn link(dir: &OwnedFd, name: &str, text: &str, shown: &str) -> Result<(), Error> {
    whole::link(dir, name, text).doing("write", shown)
}

/// Renames within a directory, and waits until the disk knows.
pub fn rename(dir: &OwnedFd, from: &str, to: &str, shown: &str) -> Result<(), Error> {
    whole::rename(dir, from, to).doing("rename", shown)
}

/// Removes a file or link, if there is one.
pub fn clear(dir: &OwnedFd, name: &str, shown: &str) -> Result<(), Error> {
    whole::clear(dir, name).doing("remove", format!("{shown} ({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn a_file_is_replaced_whole_whatever_an_earlier_attempt_left() -> Result<(), Box<dyn std::error::Error>> {
        let path = std::env::temp_dir().join(format!("jailbase-store-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        let dir = OwnedFd::from(File::open(&path)?);
        std::fs::write(path.join(".spec.new"), "half")?;
        write(&dir, "spec", "one", 0o644, "spec")?;
        let first = std::fs::metadata(path.join("spec"))?.ino();
        write(&dir, "spec", "two", 0o600, "spec")?;
        let meta = std::fs::metadata(path.join("spec"))?;
        assert_eq!((std::fs::read_to_string(path.join("spec"))?.as_str(), meta.permissions().mode() & 0o7777), ("two", 0o600));
        assert_ne!(first, meta.ino());
        link(&dir, "current", "1", "current")?;
        link(&dir, "current", "2", "current")?;
        assert_eq!(std::fs::read_link(path.join("current"))?.to_str(), Some("2"));
        assert_eq!(std::fs::read_dir(&path)?.count(), 2);
        std::fs::remove_dir_all(&path)?;
        Ok(())
    }
}
