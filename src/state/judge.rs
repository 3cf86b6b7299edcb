//! What may be believed: what root owns, nobody else can write, and no second name leads to.
#![forbid(unsafe_code)]

use crate::sys::{Result, fd};
use std::os::fd::{AsFd, OwnedFd};

/// Why an open file is not believed; reads after "it".
pub type Fault = &'static str;

/// Judges an open directory.
pub fn directory(dir: impl AsFd) -> Result<std::result::Result<(), Fault>> {
    let stat = fd::stat(dir)?;
    Ok(if !fd::is_dir(&stat) { Err("is not a directory") } else { owner(&stat) })
}

/// Judges an open file.
pub fn file(file: impl AsFd) -> Result<std::result::Result<(), Fault>> {
    let stat = fd::stat(file)?;
    Ok(if !fd::is_file(&stat) {
        Err("is not a regular file")
    } else if stat.st_nlink != 1 {
        Err("has a second hard link; write it anew")
    } else {
        owner(&stat)
    })
}

fn owner(stat: &fd::FileStat) -> std::result::Result<(), Fault> {
    if stat.st_uid != 0 {
        Err("is not owned by root; chown it")
    } else if fd::others_write(stat) {
        Err("can be written by others than root; chmod it")
    } else {
        Ok(())
    }
}

/// Opens an absolute directory and judges it.
pub fn open_directory(path: &str, how: fd::How) -> Result<std::result::Result<OwnedFd, Fault>> {
    let dir = fd::open(path, how)?;
    Ok(directory(&dir)?.map(|()| dir))
}
