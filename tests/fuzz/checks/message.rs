//! Foreign text in a message: one short line comes out, and nothing that a terminal or a log takes for more than letters.

use jail::report::escaped;

/// One text.
pub fn check(bytes: &[u8]) {
    let shown = escaped(bytes);
    assert!(shown.len() <= 259);
    assert!(shown.bytes().all(|b| (0x20..0x7f).contains(&b)), "{shown:?}");
    let plain = bytes.len() <= 256 && bytes.iter().all(|b| (0x20..0x7f).contains(b) && *b != b'\\');
    if plain {
        assert_eq!(shown.as_bytes(), bytes);
    }
}
