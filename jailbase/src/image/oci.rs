//! `--from oci:DIR` and `oci:DIR:TAG`: an image layout, as skopeo, buildah and umoci write it. Its layers are unpacked one over the other.
//!
//! Every blob is read twice: once to compare its digest, and only then for what is in it. So nothing of a blob that is not
//! the one that was meant is ever unpacked, and what was unpacked is compared with what the configuration promised.

use super::budget::Budget;
use super::choice;
use super::digests::{hex, sha256};
use super::generations::Stage;
use super::packed::Packed;
use super::place::Ground;
use super::settle::Taken;
use super::unpack::Unpack;
use crate::interrupt;
use crate::tell::advised;
use jail::error::Error;
use jail::report::escaped;
use jail::state::Doing;
use jail::sys::fd::{self, How};
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType, OciLayout};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::Path;

/// No index, manifest or configuration is longer.
const LONGEST: usize = 4 << 20;
/// The most indexes that lead to one another.
const MOST_INDEXES: usize = 4;

/// A layout, open.
struct Layout {
    dir: OwnedFd,
    shown: String,
}

/// Refuses a directory that is no layout, or has no image of this tag for this machine.
pub fn judge(dir: &Path, tag: Option<&str>) -> Result<(), Error> {
    asked(dir, tag).map(drop)
}

/// The image of a layout that was asked for: its manifest and its configuration.
fn asked(dir: &Path, tag: Option<&str>) -> Result<(Layout, ImageManifest, ImageConfiguration), Error> {
    let shown = dir.display().to_string();
    let layout = Layout { dir: fd::open(&shown, How::List).doing("open the layout", &shown)?, shown };
    let version = OciLayout::from_reader(layout.file("oci-layout")?.as_slice()).map_err(|e| layout.bad("oci-layout", &e))?;
    if version.image_layout_version() != "1.0.0" {
        return Err(
            layout.refused("oci-layout", &format!("version {} is not known", escaped(version.image_layout_version().as_bytes())))
        );
    }
    let index = ImageIndex::from_reader(layout.file("index.json")?.as_slice()).map_err(|e| layout.bad("index.json", &e))?;
    let asked = choice::tagged(index.manifests(), tag).map_err(|why| layout.refused(tag.unwrap_or("index.json"), &why))?;
    let manifest = layout.manifest(asked.clone())?;
    let config = layout.blob(manifest.config())?;
    let config = ImageConfiguration::from_reader(config.as_slice()).map_err(|e| layout.bad("the configuration", &e))?;
    choice::judge(config.os(), config.architecture()).map_err(|why| layout.refused("the configuration", &why))?;
    if config.rootfs().diff_ids().len() != manifest.layers().len() {
        return Err(layout.refused("the configuration", "it promises another number of layers than there are"));
    }
    Ok((layout, manifest, config))
}

/// Unpacks an image of a layout into the tree of a stage.
pub fn tree(stage: &Stage, dir: &Path, tag: Option<&str>, budget: &mut Budget) -> Result<Taken, Error> {
    let (layout, manifest, config) = asked(dir, tag)?;
    let open =
        |path: &Path| File::open(path).map(OwnedFd::from).map_err(|e| Error::failed("open", path.display().to_string(), e));
    let mut ground = Ground::new(open(&stage.tree())?, open(&stage.path)?);
    let mut taken = Taken::default();
    for (layer, promised) in manifest.layers().iter().zip(config.rootfs().diff_ids()) {
        let found = layout.layer(layer, &mut ground, budget, &mut taken)?;
        if *promised != format!("sha256:{found}") {
            return Err(layout.refused(layer.digest().as_ref(), "what is in it is not what the configuration promises"));
        }
    }
    Ok(taken)
}

impl Layout {
    fn refused(&self, what: &str, why: &str) -> Error {
        let why = advised(why, "write the layout anew");
        Error::Refused(format!("{}: {}: {why}", self.shown, escaped(what.as_bytes())))
    }

    fn bad(&self, what: &str, why: &dyn std::fmt::Display) -> Error {
        self.refused(what, &escaped(why.to_string().as_bytes()))
    }

    /// A small file of the layout.
    fn file(&self, name: &str) -> Result<Vec<u8>, Error> {
        let on = format!("{}/{name}", self.shown);
        let file = fd::open_beneath(&self.dir, name, How::Read).doing("open", on.clone())?;
        let bytes = fd::read_at_most(file, LONGEST).doing("read", on)?;
        if bytes.len() > LONGEST { Err(self.refused(name, "it is longer than 4 MiB")) } else { Ok(bytes) }
    }

    /// An open blob that holds what its descriptor says.
    fn open(&self, descriptor: &Descriptor) -> Result<File, Error> {
        let name = descriptor.digest().to_string();
        let digest = descriptor.as_digest_sha256().filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let digest = digest.ok_or_else(|| self.refused(&name, "it is not named by a sha256"))?;
        let on = format!("{}/blobs/sha256/{digest}", self.shown);
        let file = fd::open_beneath(&self.dir, &format!("blobs/sha256/{digest}"), How::Read).doing("open", on.clone())?;
        if !fd::is_file(&fd::stat(&file).doing("look at", on.clone())?) {
            return Err(self.refused(&name, "it is not a file"));
        }
        let mut file = File::from(file);
        let failed = |error| Error::failed("read", on.clone(), error);
        if sha256(interrupt::reading(&file)).map_err(failed)? != (descriptor.size(), digest.to_owned()) {
            return Err(self.refused(&name, "it holds something else than its name says; copy the image again"));
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(file)
    }

    /// All of a small blob.
    fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        if descriptor.size() > u64::try_from(LONGEST).unwrap_or(0) {
            return Err(self.refused(descriptor.digest().as_ref(), "it is longer than 4 MiB"));
        }
        fd::read_at_most(self.open(descriptor)?.into(), LONGEST).doing("read", descriptor.digest().to_string())
    }

    /// The manifest a descriptor leads to, through indexes of several machines' images.
    fn manifest(&self, mut descriptor: Descriptor) -> Result<ImageManifest, Error> {
        for _ in 0..MOST_INDEXES {
            let bytes = self.blob(&descriptor)?;
            let name = descriptor.digest().to_string();
            match descriptor.media_type() {
                MediaType::ImageManifest => return ImageManifest::from_reader(bytes.as_slice()).map_err(|e| self.bad(&name, &e)),
                MediaType::ImageIndex => {
                    let index = ImageIndex::from_reader(bytes.as_slice()).map_err(|e| self.bad(&name, &e))?;
                    let forms: Vec<&Descriptor> = index.manifests().iter().collect();
                    descriptor = choice::for_us(&forms).map_err(|why| self.refused(&name, &why))?.clone();
                }
                other => return Err(self.refused(&name, &format!("it is of the kind {other}, and no image"))),
            }
        }
        Err(self.refused("index.json", "its indexes lead to one another"))
    }

    /// Unpacks one layer over those before, and says what was in it.
    fn layer(&self, layer: &Descriptor, ground: &mut Ground, budget: &mut Budget, taken: &mut Taken) -> Result<String, Error> {
        let name = layer.digest().to_string();
        let known = [MediaType::ImageLayer, MediaType::ImageLayerGzip, MediaType::ImageLayerZstd];
        if !known.contains(layer.media_type()) {
            return Err(self.refused(&name, &format!("it is of the kind {}, and no layer", layer.media_type())));
        }
        let shown = format!("{}: {name}", self.shown);
        let packed = Packed::new(self.open(layer)?).map_err(|error| Error::failed("read", shown.clone(), error))?;
        let gauge = packed.gauge();
        ground.next_layer();
        Unpack { ground, budget, taken, layer: true }.all(packed, &shown)?;
        Ok(hex(&gauge.digest()))
    }
}
