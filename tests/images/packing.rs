//! Archives made by hand, byte by byte: what no decent tool would write.

/// A tar archive in the making.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

/// One header, as it will be written.
pub struct Header {
    pub name: Vec<u8>,
    pub kind: u8,
    pub mode: u32,
    pub size: u64,
    pub link: Vec<u8>,
}

impl Tar {
    /// A header, and no content.
    pub fn header(mut self, header: &Header) -> Self {
        let mut block = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &header.name[..header.name.len().min(100)]);
        put(100, format!("{:07o}\0", header.mode).as_bytes());
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        if header.size < 1 << 33 {
            put(124, format!("{:011o}\0", header.size).as_bytes());
        } else {
            // What is longer than the field is written in base 256.
            put(124, &[0x80, 0, 0, 0]);
            put(128, &header.size.to_be_bytes());
        }
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[header.kind]);
        put(157, &header.link[..header.link.len().min(100)]);
        put(257, if header.kind == b'S' { b"ustar  \0" } else { b"ustar\x0000" });
        if header.kind == b'S' {
            // One piece of nothing at the end of a file of this length.
            put(386, &[0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
            put(398, b"00000000000\0");
            put(483, &[0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        }
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(block);
        self
    }

    /// Content, filled up to whole blocks.
    pub fn content(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// An entry of some kind.
    pub fn entry(self, kind: u8, name: &[u8], link: &str, bytes: &[u8]) -> Self {
        let mode = if kind == b'5' { 0o755 } else { 0o644 };
        let (size, link) = (bytes.len() as u64, link.as_bytes().to_vec());
        self.header(&Header { name: name.to_vec(), kind, mode, size, link }).content(bytes)
    }

    /// A file that holds an x.
    pub fn file(self, name: &str) -> Self {
        self.entry(b'0', name.as_bytes(), "", b"x")
    }

    /// A directory.
    pub fn dir(self, name: &str) -> Self {
        self.entry(b'5', name.as_bytes(), "", b"")
    }

    /// A symbolic link.
    pub fn link(self, name: &str, to: &str) -> Self {
        self.entry(b'2', name.as_bytes(), to, b"")
    }

    /// A hard link.
    pub fn hard(self, name: &str, to: &str) -> Self {
        self.entry(b'1', name.as_bytes(), to, b"")
    }

    /// What POSIX calls an extended header: it changes the entry that follows.
    pub fn extended(self, key: &str, value: &str) -> Self {
        let rest = format!(" {key}={value}\n");
        let length = (1..9).map(|digits| rest.len() + digits).find(|n| n.to_string().len() + rest.len() == *n).unwrap();
        self.entry(b'x', b"x", "", format!("{length}{rest}").as_bytes())
    }

    /// The end, as it has to be.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// Packed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    run("gzip", &["-c", "-1"], bytes)
}

/// Runs a program over bytes.
pub fn run(program: &str, words: &[&str], bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&bytes));
    let done = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(done.status.success(), "{program} {words:?}");
    done.stdout
}

/// A zstd frame that starts with these bytes and goes on with so many times 128 KiB of zeros, four bytes each.
pub fn zstd_of_zeros(start: &[u8], times: u32) -> Vec<u8> {
    // Magic; neither checksum nor content size; a window of 1 MiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    let mut block = |last: u32, kind: u32, size: u32, bytes: &[u8]| {
        frame.extend(&(last | kind << 1 | size << 3).to_le_bytes()[..3]);
        frame.extend(bytes);
    };
    block(0, 0, start.len() as u32, start);
    for _ in 0..times {
        block(0, 1, 128 << 10, &[0]);
    }
    block(1, 0, 0, &[]);
    frame
}
