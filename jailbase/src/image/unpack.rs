//! Unpacks a tar archive into a tree. The archive is a stranger's: it may name any path, link anywhere, and claim any size.
//!
//! Every name is looked up beneath the open root of the tree and through no symbolic link (`openat2`), and every file is
//! made where nothing was. So a link that the archive made leads nobody anywhere, whatever its text. The bits that give
//! rights are never set, and nothing but directories, files and links is made. What a tree cannot be without doubt is
//! refused, not guessed: there is one reading of an archive, or none.

use super::budget::Budget;
use super::packed::{Gauge, Packed};
use super::place::{self, Ground, path_of};
use super::settle::Taken;
use super::whiteout;
use crate::tell::advised;
use jail::error::Error;
use jail::report::escaped;
use jail::sys::{self, Errno};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tar::{Archive, Entry, EntryType};

/// The longest header with all that belongs to it: long names, and what POSIX calls extended.
const LONGEST_HEADER: u64 = 1 << 20;
/// The most that may follow the end: archives are padded to the block of a tape.
const LONGEST_PADDING: u64 = 16 << 20;

/// What is wrong with an entry: a word for the person, or the kernel's.
pub enum Wrong {
    /// The archive is refused.
    Refused(String),
    /// The kernel said no.
    Kernel(Errno),
    /// The archive cannot be read.
    Reading(io::Error),
}

impl From<Errno> for Wrong {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

impl From<&str> for Wrong {
    fn from(why: &str) -> Self {
        Self::Refused(why.to_owned())
    }
}

/// One archive, on its way into a tree.
pub struct Unpack<'a> {
    /// The tree.
    pub ground: &'a mut Ground,
    /// What is left of the limits.
    pub budget: &'a mut Budget,
    /// What was taken off.
    pub taken: &'a mut Taken,
    /// Whether this is a layer over others: names that begin with `.wh.` take away what lies below.
    pub layer: bool,
}

/// What to do about an archive that cannot be read to its end.
const AGAIN: &str = "fetch it again, or make it anew";

/// Opens an archive that is to be unpacked.
pub fn open(file: &Path) -> Result<Packed, Error> {
    File::open(file).and_then(Packed::new).map_err(|error| Error::failed("read", file.display().to_string(), error))
}

/// Refuses a file that does not begin as an archive.
pub fn judge(file: &Path) -> Result<(), Error> {
    let shown = file.display().to_string();
    let failed = |error| Error::failed("read", shown.clone(), error);
    let kind = std::fs::metadata(file).map_err(failed)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        // What a pipe holds can be read once.
        return Ok(());
    }
    let packed = open(file)?;
    let gauge = packed.gauge();
    gauge.allow(LONGEST_HEADER);
    let mut archive = Archive::new(packed);
    let first = archive.entries().and_then(|mut entries| entries.next().transpose().map(|first| first.is_some()));
    match first {
        Err(error) => {
            let why = format!("it does not begin as a tar archive: {}", told(&error));
            Err(Error::failed("read", shown, advised(&why, AGAIN)))
        }
        Ok(false) if gauge.ended() => Err(told_of(&shown, CUT.into())),
        Ok(_) => Ok(()),
    }
}

/// What an archive ends as that lacks the blocks of its end.
const CUT: &str = "it ends before its end; it was cut short";

fn told_of(at: &str, wrong: Wrong) -> Error {
    match wrong {
        Wrong::Refused(why) => Error::Refused(format!("{at}: {}", advised(&why, "make the archive anew without it"))),
        Wrong::Kernel(errno) => Error::failed("unpack", at, sys::why(errno)),
        Wrong::Reading(error) => Error::failed("read", at, advised(&told(&error), AGAIN)),
    }
}

impl Unpack<'_> {
    /// Unpacks all of it; `shown` is the archive's name, for messages. Returns what was read after the end, so that whoever
    /// digests it sees every byte.
    pub fn all(&mut self, from: Packed, shown: &str) -> Result<(), Error> {
        let gauge = from.gauge();
        let mut archive = Archive::new(from);
        self.entries(&mut archive, &gauge).map_err(|(name, wrong)| {
            let at = if name.is_empty() { shown.to_owned() } else { format!("{shown}: {}", escaped(&name)) };
            told_of(&at, wrong)
        })?;
        let mut rest = archive.into_inner();
        gauge.allow(LONGEST_PADDING);
        let again = |error: io::Error| Error::failed("read the end of", shown, advised(&told(&error), AGAIN));
        let end = padding(&mut rest).map_err(again)?;
        if end { Ok(()) } else { Err(Error::Refused(format!("{shown}: something follows its end; make it anew"))) }
    }

    fn entries(&mut self, archive: &mut Archive<Packed>, gauge: &Gauge) -> Result<(), (Vec<u8>, Wrong)> {
        let mut seen = HashSet::new();
        let mut entries = archive.entries().map_err(|error| (Vec::new(), Wrong::Reading(error)))?;
        loop {
            gauge.allow(LONGEST_HEADER);
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(|error| (Vec::new(), Wrong::Reading(error)))?;
            let name = entry.path_bytes().into_owned();
            self.entry(&mut entry, &name, gauge, &mut seen).map_err(|wrong| (name, wrong))?;
        }
        if gauge.ended() { Err((Vec::new(), CUT.into())) } else { Ok(()) }
    }

    fn entry(
        &mut self,
        entry: &mut Entry<'_, Packed>,
        name: &[u8],
        gauge: &Gauge,
        seen: &mut HashSet<Vec<u8>>,
    ) -> Result<(), Wrong> {
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            gauge.allow(LONGEST_HEADER);
            return io::copy(entry, &mut io::sink()).map(|_| ()).map_err(Wrong::Reading);
        }
        self.extensions(entry)?;
        let path = path_of(name)?;
        if path.is_empty() {
            return if kind == EntryType::Directory {
                Ok(())
            } else {
                Err("it stands for the tree itself, and is no directory".into())
            };
        }
        if !seen.insert(path.join(&b'/')) {
            return Err("it is there twice, and nobody can say which is meant; make the archive anew".into());
        }
        let size = entry.size();
        may_hold(kind, size)?;
        self.budget.take(size)?;
        if self.layer && whiteout::apply(self.ground, &path)? {
            return Ok(());
        }
        gauge.allow(size.saturating_add(LONGEST_HEADER));
        self.make(entry, kind, name, &path)
    }

    /// What only newer archives have: refused if it would change what the entry is.
    fn extensions(&mut self, entry: &mut Entry<'_, Packed>) -> Result<(), Wrong> {
        let Some(extensions) = entry.pax_extensions().map_err(Wrong::Reading)? else { return Ok(()) };
        for extension in extensions {
            let key = extension.map_err(Wrong::Reading)?.key_bytes().to_vec();
            if key.starts_with(b"GNU.sparse.") {
                return Err("it is a sparse file; make the archive without --sparse".into());
            }
            self.taken.attributes += u64::from(key == b"SCHILY.xattr.security.capability");
        }
        Ok(())
    }

    fn make(&mut self, entry: &mut Entry<'_, Packed>, kind: EntryType, name: &[u8], path: &[&[u8]]) -> Result<(), Wrong> {
        let mode = entry.header().mode().map_err(Wrong::Reading)?;
        let text = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        let place = |this: &mut Self| this.ground.place(path, kind == EntryType::Directory, this.layer);
        match kind {
            EntryType::Directory => place::directory(&place(self)?, mode & 0o0777),
            EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => {
                Err("it is a file with the name of a directory".into())
            }
            EntryType::Regular | EntryType::Continuous => {
                self.taken.setuid += u64::from(mode & 0o6000 != 0);
                let time = entry.header().mtime().map_err(Wrong::Reading)?;
                let size = entry.size();
                place::file(&place(self)?, entry, size, mode & 0o0777, i64::try_from(time).unwrap_or(0))
            }
            EntryType::Symlink => place::symbolic_link(&place(self)?, &text.ok_or("it is a link without a text")?),
            EntryType::Link => {
                let text = text.ok_or("it is a link without a text")?;
                let place = place(self)?;
                self.ground.hard_link(&place, &path_of(&text)?)
            }
            // Refused before.
            _ => Ok(()),
        }
    }
}

/// Refuses what no image holds, before its size is believed.
fn may_hold(kind: EntryType, size: u64) -> Result<(), Wrong> {
    match kind {
        EntryType::Regular | EntryType::Continuous => Ok(()),
        EntryType::Directory | EntryType::Symlink | EntryType::Link if size == 0 => Ok(()),
        EntryType::Directory | EntryType::Symlink | EntryType::Link => Err("it has content, and only a file may".into()),
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            Err("it is a device or a pipe; leave it out, a jail has a /dev of its own (tar --exclude='./dev/*')".into())
        }
        EntryType::GNUSparse => Err("it is a sparse file; make the archive without --sparse".into()),
        other => Err(format!("it is of the kind {:?}, and no image holds that", char::from(other.as_byte())).into()),
    }
}

/// Whether only zeros are left.
fn padding(from: &mut impl Read) -> io::Result<bool> {
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(true),
            count if buffer.iter().take(count).all(|byte| *byte == 0) => {}
            _ => return Ok(false),
        }
    }
}

/// What an error says, and what lies behind it. The reader of archives repeats fields of theirs as they are.
fn told(error: &io::Error) -> String {
    let mut text = escaped(error.to_string().as_bytes());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let why = escaped(cause.to_string().as_bytes());
        if !text.contains(&why) {
            text += &format!(": {why}");
        }
        source = cause.source();
    }
    // The words of the reader of archives, which has no kind of error for it.
    if text.contains("unexpected EOF") {
        text += "; it was cut short, fetch it or make it anew";
    }
    text
}
