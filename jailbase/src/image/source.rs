//! What an image is made from, as the command line and the record of a generation say it.

use super::{copy, debian, oci, unpack};
use jail::error::Error;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;

/// What an image is made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// This machine.
    Host,
    /// A suite of Debian's, from the mirrors that this machine's apt uses.
    Debian(String),
    /// A tar archive, plain or compressed.
    Tar(PathBuf),
    /// A directory.
    Dir(PathBuf),
    /// An OCI image layout, and which of its images.
    Oci(PathBuf, Option<String>),
}

const FORMS: &str = "an image is made from host, debian:SUITE, tar:FILE, dir:DIR or oci:DIR[:TAG]";

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("host", "") if text == "host" => Ok(Self::Host),
            ("debian", suite) if is_suite(suite) => Ok(Self::Debian(suite.to_owned())),
            ("tar", file) if !file.is_empty() => absolute(file).map(Self::Tar),
            ("dir", dir) if !dir.is_empty() => absolute(dir).map(Self::Dir),
            ("oci", layout) if !layout.is_empty() => match layout.split_once(':') {
                Some((dir, tag)) if !dir.is_empty() && is_tag(tag) => Ok(Self::Oci(without_colon(dir)?, Some(tag.to_owned()))),
                _ => Ok(Self::Oci(without_colon(layout)?, None)),
            },
            _ => Err(FORMS.into()),
        }
    }
}

impl Source {
    /// Refuses what cannot be what it is said to be: asked before anything is made, also where nothing is to be. What else is
    /// wrong with it shows when it is used.
    pub fn judge(&self) -> Result<(), Error> {
        if let Some(other) = self.rather() {
            return Err(Error::Refused(other));
        }
        match self {
            Self::Host => Ok(()),
            Self::Debian(suite) => debian::judge(suite),
            Self::Tar(file) => unpack::judge(file),
            Self::Dir(dir) => copy::open(dir).map(drop),
            Self::Oci(dir, tag) => oci::judge(dir, tag.as_deref()),
        }
    }

    /// What to say instead, where something else is there than was said.
    fn rather(&self) -> Option<String> {
        let is_layout = |dir: &PathBuf| dir.join("oci-layout").is_file();
        let (path, what, kind) = match self {
            Self::Tar(path) if path.is_dir() && is_layout(path) => (path, "an OCI image layout", "oci"),
            Self::Tar(path) if path.is_dir() => (path, "a directory and no archive", "dir"),
            Self::Dir(path) if path.is_file() => (path, "a file and no directory", "tar"),
            Self::Oci(path, _) if path.is_file() => (path, "a file and no OCI image layout", "tar"),
            Self::Oci(path, _) if path.is_dir() && !is_layout(path) => {
                (path, "no OCI image layout, for it has no file oci-layout", "dir")
            }
            _ => return None,
        };
        let path = path.display();
        Some(format!("{path} is {what}; perhaps it is meant as {kind}:{path}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => write!(f, "host"),
            Self::Debian(suite) => write!(f, "debian:{suite}"),
            Self::Tar(file) => write!(f, "tar:{}", file.display()),
            Self::Dir(dir) => write!(f, "dir:{}", dir.display()),
            Self::Oci(dir, None) => write!(f, "oci:{}", dir.display()),
            Self::Oci(dir, Some(tag)) => write!(f, "oci:{}:{tag}", dir.display()),
        }
    }
}

/// The same file also when the command is repeated from elsewhere.
fn absolute(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{path}: {error}"))
}

/// Where a layout is. A tag may hold colons, as that of a whole name does, so the directory cannot; skopeo reads it so too.
fn without_colon(path: &str) -> Result<PathBuf, String> {
    let path = absolute(path)?;
    if path.as_os_str().as_bytes().contains(&b':') {
        return Err(format!("{}: the directory of a layout has no colon in its path, and no tag a space", path.display()));
    }
    Ok(path)
}

/// Handed to another program as one word, so it must not look like an option.
fn is_suite(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
}

/// A package, as Debian's policy writes names.
pub fn package(text: &str) -> Result<String, String> {
    let good = text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.:".contains(c));
    if good { Ok(text.to_owned()) } else { Err("a package has a name of lower-case letters, digits, + - . and :".into()) }
}

fn is_tag(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_back_as_it_is_written() {
        for text in [
            "host",
            "debian:bookworm",
            "tar:/a/b.tar.gz",
            "dir:/srv/x",
            "oci:/srv/layout",
            "oci:/srv/layout:v1.2",
            "oci:/srv/layout:example.org/a/b:v1",
        ] {
            assert_eq!(text.parse::<Source>().map(|source| source.to_string()), Ok(text.to_owned()));
        }
        assert!("dir:x".parse::<Source>().is_ok_and(|source| source.to_string().starts_with("dir:/")));
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for bad in [
            "",
            "Host",
            "host:",
            "host:x",
            "debian",
            "debian:",
            "debian:-x",
            "debian:a b",
            "debian:a/b",
            "tar:",
            "dir:",
            "oci:",
            "oci:l:",
            "oci:l:/a",
            "oci:l:a b",
            "ftp:x",
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_package_is_one_word_and_no_option() {
        for good in ["git", "g++", "libc6:amd64", "python3.11"] {
            assert!(package(good).is_ok(), "{good}");
        }
        for bad in ["", "-y", "a b", "a,b", "./x", "A"] {
            assert!(package(bad).is_err(), "{bad}");
        }
    }
}
