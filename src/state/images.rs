//! Images: from a name to the generation in service, its manifest and its tree.
#![forbid(unsafe_code)]

use super::{Doing, judge};
use crate::error::Error;
use crate::id::Name;
use crate::image::Image;
use crate::policy::STATE;
use crate::sys::fd::{self, How};
use crate::{layout, record};
use std::os::fd::OwnedFd;

/// One generation of an image, open.
#[derive(Debug)]
pub struct Generation {
    /// Its number.
    pub number: u32,
    /// What it is made of.
    pub image: Image,
    /// Its tree.
    pub tree: OwnedFd,
}

impl Generation {
    /// Opens the generation in service. Every directory on the way is root's, and none is a symbolic link but `current`,
    /// which is read as a number and never followed.
    pub fn in_service(name: &Name) -> Result<Self, Error> {
        let path = layout::image_dir(name);
        let images = fd::open(&format!("{STATE}/{}", layout::IMAGES), How::Directory);
        let dir = images.and_then(|images| fd::open_beneath(&images, name.as_str(), How::Directory));
        let dir = judge::directory(dir.doing("open the image", &path)?, &path)?;

        let text = fd::link_text(&dir, layout::CURRENT).doing("read the link", format!("{path}/{}", layout::CURRENT))?;
        let number = layout::generation(&text);
        let number = number.ok_or_else(|| Error::failed("use the image", &path, "its \"current\" names no generation"))?;
        let path = format!("{path}/{number}");
        let dir = fd::open_beneath(&dir, &number.to_string(), How::Directory).doing("open", &path)?;
        let dir = judge::directory(dir, &path)?;

        let manifest = fd::open_beneath(&dir, layout::MANIFEST, How::Read).doing("open the manifest of", &path)?;
        let manifest = fd::read_at_most(judge::file(manifest, &path)?, record::LONGEST).doing("read the manifest of", &path)?;
        let image = Image::read(&manifest).map_err(|why| Error::failed("read the manifest of", &path, why))?;
        let tree = fd::open_beneath(&dir, layout::TREE, How::Directory).doing("open the tree of", &path)?;
        Ok(Self { number, image, tree: judge::directory(tree, &path)? })
    }
}
