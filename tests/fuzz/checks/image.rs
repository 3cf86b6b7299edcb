//! Manifests of images, and the record that they and specs are written as.

use super::sorted_lines;
use jail::image::{Image, SHOWABLE};
use jail::record::{LONGEST, Record};

/// One file.
pub fn check(bytes: &[u8]) {
    assert_eq!(Record::read(bytes).is_ok(), is_record(bytes), "{:?}", String::from_utf8_lossy(bytes));
    let Ok(image) = Image::read(bytes) else { return };
    assert!(image.host.iter().all(|dir| SHOWABLE.contains(dir)));
    let written = image.write();
    assert_eq!(Image::read(written.as_bytes()).as_ref(), Ok(&image));
    // The words of one value may stand in another order; nothing else may differ.
    let plain = |text: &str| -> Vec<String> {
        let in_order = |line: &str| {
            let mut words: Vec<&str> = line.split(' ').collect();
            words.sort_unstable();
            words.join(" ")
        };
        sorted_lines(text).into_iter().map(in_order).collect()
    };
    assert_eq!(plain(std::str::from_utf8(bytes).unwrap()), plain(&written));
}

/// `key = value` lines of printable ASCII, each key one word and there once.
fn is_record(bytes: &[u8]) -> bool {
    let Some((b'\n', text)) = bytes.split_last() else { return false };
    if bytes.len() > LONGEST || !bytes.iter().all(|b| *b == b'\n' || (0x20..0x7f).contains(b)) {
        return false;
    }
    let mut keys: Vec<&[u8]> = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        let Some(at) = line.windows(3).position(|three| three == b" = ") else { return false };
        let (key, value) = (&line[..at], &line[at + 3..]);
        let is_tight = value.first().is_some_and(|b| *b != b' ') && value.last() != Some(&b' ');
        if key.is_empty() || key.contains(&b' ') || !is_tight || keys.contains(&key) {
            return false;
        }
        keys.push(key);
    }
    true
}
