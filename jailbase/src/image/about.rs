//! What is known of a generation beside its tree: how it was made, and what it cost. For people and for `image update`;
//! trampoline never reads it.

use super::source::Source;
use jail::error::Error;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Its name in a generation.
pub const FILE: &str = "about";

/// How a generation is made, so that it can be made again.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// What from, as the command line says it.
    pub from: String,
    /// Packages beyond the suite's own.
    #[serde(default)]
    pub include: Vec<String>,
    /// Take off what others could write with, instead of refusing it.
    #[serde(default)]
    pub mend: bool,
    /// The most bytes of files.
    pub most_bytes: u64,
    /// The most files, directories and links.
    pub most_files: u64,
}

impl Recipe {
    /// The source, read.
    pub fn source(&self) -> Result<Source, Error> {
        self.from.parse().map_err(|why| Error::failed("make an image from", &self.from, why))
    }
}

/// What it cost: the bytes of files that were written anew, and of those that share their storage with an older generation.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Cost {
    /// Files with storage of their own.
    pub copied_files: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Files that are hard links to those of an older generation.
    pub linked_files: u64,
    /// Their bytes.
    pub linked_bytes: u64,
    /// Files that share the extents of those of an older generation.
    pub cloned_files: u64,
    /// Their bytes.
    pub cloned_bytes: u64,
}

/// A generation, described.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// How it was made.
    #[serde(flatten)]
    pub recipe: Recipe,
    /// By which command, if not by a build: "update" or "edit".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// The generation it was made of, if of one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub base: Option<u32>,
    /// When, in UTC.
    pub built: String,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The sha256 of the list of digests: two generations with the same one are the same.
    pub digest: String,
    /// The sha256 of the manifest, which says what of the host shows; none of a generation published before this was kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_digest: Option<String>,
    /// What it cost.
    #[serde(flatten)]
    pub cost: Cost,
}

impl About {
    /// Reads that of a generation; `None` for one that has none, made before there were any.
    pub fn read(generation: &Path) -> Result<Option<Self>, Error> {
        let path = generation.join(FILE);
        let failed = |error: &dyn std::fmt::Display| {
            Error::failed(
                "read",
                path.display().to_string(),
                format!("{error}; build the image anew, or remove this generation with jailbase image rm if it is an old one"),
            )
        };
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(&error)),
        }
    }

    /// As text.
    pub fn write(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| Error::failed("write", FILE, error))
    }
}

/// Now, in UTC, to the second.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}
