//! The digests of a generation: one line for each thing in its tree, in order of path, and the sha256 of each file.

use super::walk::Found;
use crate::parallel;
use crate::progress::Progress;
use jail::error::Error;
use jail::layout;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Its name in a generation.
pub const FILE: &str = "digests";

/// What is known of one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Thing {
    /// A directory.
    Directory {
        /// Its permissions.
        mode: u32,
    },
    /// A file.
    File {
        /// Its permissions.
        mode: u32,
        /// When it was changed, in seconds.
        mtime: i64,
        /// Its length.
        size: u64,
        /// Its digest, as text.
        sha256: String,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        text: Vec<u8>,
    },
}

/// Everything in a tree, by path; the tree's own top has the empty one. Lists of generations that were published before the
/// top was in them lack it.
pub type Digests = BTreeMap<PathBuf, Thing>;

/// How many things there are below the top.
pub fn entries(digests: &Digests) -> usize {
    digests.len() - usize::from(digests.contains_key(Path::new("")))
}

/// Digests what was found in a tree, on all processors.
pub fn of(tree: &Path, found: &[Found]) -> Result<Digests, Error> {
    // The longest files first, so that no processor is left with one at the end.
    let mut order: Vec<&Found> = found.iter().collect();
    order.sort_by_key(|one| std::cmp::Reverse(one.meta.len()));
    let files = order.iter().filter(|one| one.meta.is_file());
    let progress = Progress::of_bytes("digesting", files.map(|one| one.meta.len()).sum());
    let digested = parallel::each(&order, |one| thing(tree, one, &progress).map(|thing| (one.path.clone(), thing)));
    Ok(digested?.into_iter().collect())
}

fn thing(tree: &Path, one: &Found, progress: &Progress) -> Result<Thing, Error> {
    let path = tree.join(&one.path);
    let failed = |error| Error::failed("read", path.display().to_string(), error);
    let mode = one.meta.mode() & 0o7777;
    if one.meta.is_dir() {
        return Ok(Thing::Directory { mode });
    }
    if one.meta.is_symlink() {
        return Ok(Thing::Link { text: std::fs::read_link(&path).map_err(failed)?.into_os_string().into_vec() });
    }
    let (size, sha256) = sha256(progress.reading(File::open(&path).map_err(failed)?)).map_err(failed)?;
    Ok(Thing::File { mode, mtime: one.meta.mtime(), size, sha256 })
}

/// The length and the digest of what a reader gives.
pub fn sha256(mut from: impl Read) -> std::io::Result<(u64, String)> {
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0_u8; 128 << 10]);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((size, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(buffer.get(..count).unwrap_or_default());
                size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// The list as text: kind, mode, time, size, digest, path, and where a link leads, with a tab between.
pub fn write(digests: &Digests) -> String {
    let mut text = String::new();
    for (path, thing) in digests {
        let path = quoted(path.as_os_str().as_bytes());
        let line = match thing {
            Thing::Directory { mode } => format!("d\t{mode:o}\t-\t-\t-\t{path}\n"),
            Thing::File { mode, mtime, size, sha256 } => format!("f\t{mode:o}\t{mtime}\t{size}\t{sha256}\t{path}\n"),
            Thing::Link { text } => format!("l\t-\t-\t-\t-\t{path}\t{}\n", quoted(text)),
        };
        text += &line;
    }
    text
}

/// The sha256 of a paper of a generation, as `about` keeps it.
pub fn of_paper(name: &'static str, text: &[u8]) -> Result<String, Error> {
    sha256(text).map(|(_, digest)| digest).map_err(|error| Error::failed("digest", name, error))
}

/// The list of a generation to compare another with: where it lacks the top, with that as it is.
pub fn read_with_top(generation: &Path) -> Result<Option<Digests>, Error> {
    let Some(mut digests) = read(generation)? else { return Ok(None) };
    if !digests.contains_key(Path::new("")) {
        let top = generation.join(layout::TREE);
        let meta = std::fs::symlink_metadata(&top);
        let meta = meta.map_err(|error| Error::failed("look at", top.display().to_string(), error))?;
        digests.insert(PathBuf::new(), Thing::Directory { mode: meta.mode() & 0o7777 });
    }
    Ok(Some(digests))
}

/// Reads the list of a generation; `None` for one that has none, made before there were any.
pub fn read(generation: &Path) -> Result<Option<Digests>, Error> {
    let path = generation.join(FILE);
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| Error::failed("read", shown.clone(), error))?,
    };
    let lines = text.lines().zip(1..).map(|(text, number)| {
        line(text)
            .ok_or_else(|| Error::failed("read", shown.clone(), format!("line {number} is none of ours; build the image anew")))
    });
    lines.collect::<Result<_, _>>().map(Some)
}

fn line(text: &str) -> Option<(PathBuf, Thing)> {
    let fields: Vec<&str> = text.split('\t').collect();
    let (path, thing) = match fields.as_slice() {
        ["d", mode, "-", "-", "-", path] => (path, Thing::Directory { mode: u32::from_str_radix(mode, 8).ok()? }),
        ["f", mode, mtime, size, sha256, path] => {
            let (mode, mtime, size) = (u32::from_str_radix(mode, 8).ok()?, mtime.parse().ok()?, size.parse().ok()?);
            (path, Thing::File { mode, mtime, size, sha256: (*sha256).to_owned() })
        }
        ["l", "-", "-", "-", "-", path, text] => (path, Thing::Link { text: plain(text)? }),
        _ => return None,
    };
    Some((PathBuf::from(std::ffi::OsString::from_vec(plain(path)?)), thing))
}

/// Any bytes in printable ASCII without a tab.
fn quoted(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'\\' => text += "\\\\",
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text += &format!("\\{}", hex(&[*other])),
        }
        text
    })
}

fn plain(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        (rest, _) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (after, bytes.push(b'\\')),
            (b'\\', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                (after, bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?))
            }
            (b'\\', _) => return None,
            (plain, after) => (after, bytes.push(*plain)),
        };
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same_whatever_the_names() -> Result<(), Box<dyn std::error::Error>> {
        let name = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
        let mut digests = Digests::new();
        digests.insert(PathBuf::new(), Thing::Directory { mode: 0o755 });
        digests.insert(name(b"a\nf\t755"), Thing::Directory { mode: 0o755 });
        digests.insert(name(b"\xff\\\\x\\09 \\"), Thing::File { mode: 0o644, mtime: -5, size: 7, sha256: "ab".into() });
        digests.insert(name("Å".as_bytes()), Thing::Link { text: b"../\t\xfe".to_vec() });
        let dir = std::env::temp_dir().join(format!("jailbase-digests-{}", std::process::id()));
        std::fs::create_dir(&dir)?;
        assert_eq!(read(&dir)?, None);
        std::fs::write(dir.join(FILE), write(&digests))?;
        assert_eq!(read(&dir)?, Some(digests));
        std::fs::write(dir.join(FILE), "d\t755\t-\t-\t-\t\\9\n")?;
        assert!(read(&dir).is_err());
        std::fs::remove_dir_all(&dir)?;
        Ok(())
    }

    #[test]
    fn a_digest_is_that_of_the_standard() -> std::io::Result<()> {
        let (size, text) = sha256(&b"abc"[..])?;
        assert_eq!((size, text.as_str()), (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        Ok(())
    }
}
