//! What may be believed: what root owns, nobody else can write, and no second name leads to.
#![forbid(unsafe_code)]

use super::Doing;
use crate::error::Error;
use crate::sys::fd::{self, FileStat, How};
use std::os::fd::OwnedFd;

/// Opens an absolute directory and judges it.
pub fn open_directory(path: &str, how: How) -> Result<OwnedFd, Error> {
    directory(fd::open(path, how).doing("open", path)?, path)
}

/// Judges an open directory; `path` is for the message.
pub fn directory(dir: OwnedFd, path: &str) -> Result<OwnedFd, Error> {
    judged(dir, path, |stat| (!fd::is_dir(stat)).then_some("is not a directory"))
}

/// Judges an open file; `path` is for the message.
pub fn file(file: OwnedFd, path: &str) -> Result<OwnedFd, Error> {
    judged(file, path, |stat| match stat {
        stat if !fd::is_file(stat) => Some("is not a regular file"),
        stat if stat.st_nlink != 1 => Some("has a second hard link; write it anew"),
        _ => None,
    })
}

fn judged(fd: OwnedFd, path: &str, fault: impl Fn(&FileStat) -> Option<&'static str>) -> Result<OwnedFd, Error> {
    let stat = fd::stat(&fd).doing("look at", path)?;
    let fault = match fault(&stat) {
        None if stat.st_uid != 0 => Some("is not owned by root; chown it"),
        None if fd::others_write(&stat) => Some("can be written by others than root; chmod it"),
        fault => fault,
    };
    fault.map_or(Ok(fd), |fault| Err(Error::Refused(format!("{path} {fault}"))))
}
