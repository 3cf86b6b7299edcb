//! The files and mounts that are ours, each judged on the open descriptor before it is believed.
#![forbid(unsafe_code)]

pub mod drain;
pub mod holder;
pub mod host;
pub mod images;
pub mod jails;
pub mod judge;
pub mod marks;
pub mod mounted;
pub mod pins;

use crate::error::Error;
use crate::sys;

/// Says what was being done, and on what, when the kernel said no.
pub trait Doing<T> {
    /// `doing` follows the word "cannot".
    fn doing(self, doing: &'static str, on: impl Into<String>) -> Result<T, Error>;
}

impl<T> Doing<T> for sys::Result<T> {
    fn doing(self, doing: &'static str, on: impl Into<String>) -> Result<T, Error> {
        self.map_err(|errno| Error::failed(doing, on, sys::why(errno)))
    }
}
