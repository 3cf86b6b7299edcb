//! The manifest of a generation: the root-owned file beside its tree that says what the tree does not hold itself.
#![forbid(unsafe_code)]

use crate::record::Record;

/// The directories of the host that an image may show instead of its own.
pub const SHOWABLE: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "opt"];

/// What a generation is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// Directories of the host shown read-only in the tree, out of [`SHOWABLE`].
    pub host: Vec<&'static str>,
}

impl Image {
    /// Reads the text of a manifest.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut record = Record::read(bytes)?;
        record.take("format", |v| (v == "1").then_some(()))?;
        let host = record.take("host", directories)?;
        record.end()?;
        Ok(Self { host })
    }
}

fn directories(text: &str) -> Option<Vec<&'static str>> {
    let words: Vec<&str> = text.split(' ').collect();
    let known: Vec<&str> = SHOWABLE.into_iter().filter(|dir| words.contains(dir)).collect();
    (text == "none" || known.len() == words.len()).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_directories_of_the_host_are_shown() {
        let image = Image { host: vec!["usr", "opt"] };
        assert_eq!(Image::read(image.write().as_bytes()), Ok(image));
        for bad in ["host = etc", "host = usr usr", "host = ../etc", "host = /usr", "host = ", "host = usr  opt"] {
            assert!(Image::read(format!("format = 1\n{bad}\n").as_bytes()).is_err(), "{bad}");
        }
    }
}
