//! The bytes of an archive, unpacked as they are read, by code that is Rust to the bottom: what is hostile in them can make
//! the reading fail, and can do nothing else.
//!
//! Nobody knows how much a packed file holds, so two things are counted: what was read and what came of it.

use crate::interrupt;
use crate::progress::Progress;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// So much may come of nearly nothing.
const FREE: u64 = 256 << 20;
/// Beyond that, a byte may become so many. Gzip can make 1000 of one, and zstd 10,000; a tree of files becomes 2 to 10.
const MOST_TIMES: u64 = 200;

/// A reader that counts.
#[derive(Debug)]
struct Counted<R> {
    from: R,
    count: Rc<Cell<u64>>,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        interrupt::judge().map_err(|error| io::Error::other(error.to_string()))?;
        let count = self.from.read(buffer)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        self.count.set(self.count.get().saturating_add(bytes));
        self.progress.steps(bytes);
        Ok(count)
    }
}

/// The frames of a zstd file, one after the other.
struct Frames<R: Read> {
    // Taken out while the next frame begins.
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(frame) = &mut self.frame else { return Ok(0) };
            let count = frame.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(ended) = self.frame.take() else { return Ok(0) };
            let mut rest = ended.into_inner();
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.frame = Some(StreamingDecoder::new(rest).map_err(io::Error::other)?);
        }
    }
}

/// An archive that is being read.
pub struct Packed {
    from: Box<dyn Read>,
    read: Rc<Cell<u64>>,
    came: u64,
    /// How much may be read before somebody allows more; see [`Gauge::allow`].
    allowed: Rc<Cell<u64>>,
    /// Whether the end was reached.
    ended: Rc<Cell<bool>>,
    /// Of all that came.
    hash: Rc<RefCell<Sha256>>,
}

/// The other side of [`Packed`], while something else holds it.
#[derive(Clone, Debug)]
pub struct Gauge {
    allowed: Rc<Cell<u64>>,
    ended: Rc<Cell<bool>>,
    hash: Rc<RefCell<Sha256>>,
}

impl Gauge {
    /// So much may be read from now on.
    pub fn allow(&self, bytes: u64) {
        self.allowed.set(bytes);
    }

    /// Whether the archive is at its end.
    pub fn ended(&self) -> bool {
        self.ended.get()
    }

    /// The sha256 of what came so far.
    pub fn digest(&self) -> Vec<u8> {
        self.hash.borrow().clone().finalize().to_vec()
    }
}

impl Packed {
    /// Reads an open file; how it is packed is known by its first bytes.
    pub fn new(file: File) -> io::Result<Self> {
        let read = Rc::new(Cell::new(0));
        let progress = Progress::of_bytes("unpacking", file.metadata()?.len());
        let mut raw = BufReader::with_capacity(128 << 10, Counted { from: file, count: Rc::clone(&read), progress });
        let magic = raw.fill_buf()?;
        let from: Box<dyn Read> = if magic.starts_with(&[0x1f, 0x8b]) {
            // Many members, because a reader of one would take what follows it for nothing.
            Box::new(MultiGzDecoder::new(raw))
        } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Box::new(Frames { frame: Some(StreamingDecoder::new(raw).map_err(io::Error::other)?) })
        } else if magic.starts_with(b"BZh") || magic.starts_with(&[0xfd, b'7', b'z', b'X', b'Z']) {
            return Err(io::Error::other("it is packed with bzip2 or xz; unpack it, or pack it with gzip or zstd"));
        } else {
            Box::new(raw)
        };
        Ok(Self {
            from,
            read,
            came: 0,
            allowed: Rc::new(Cell::new(u64::MAX)),
            ended: Rc::new(Cell::new(false)),
            hash: Rc::default(),
        })
    }

    /// To watch it.
    pub fn gauge(&self) -> Gauge {
        Gauge { allowed: Rc::clone(&self.allowed), ended: Rc::clone(&self.ended), hash: Rc::clone(&self.hash) }
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.ended.set(self.ended.get() || (count == 0 && !buffer.is_empty()));
        self.hash.borrow_mut().update(buffer.get(..count).unwrap_or_default());
        let count_u64 = u64::try_from(count).unwrap_or(u64::MAX);
        self.came = self.came.saturating_add(count_u64);
        if self.came > FREE && self.came / MOST_TIMES > self.read.get() {
            return Err(io::Error::other(format!("it unpacks to more than {MOST_TIMES} times its size: a bomb")));
        }
        match self.allowed.get().checked_sub(count_u64) {
            Some(left) => self.allowed.set(left),
            None => return Err(io::Error::other("more of it belongs to no file than may be: long names, headers, or padding")),
        }
        Ok(count)
    }
}
