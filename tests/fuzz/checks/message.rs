//! Foreign text in a message: one short line comes out, and nothing that a terminal or a log takes for more than letters.

use jail::report::escaped;

/// One text.
pub fn check(bytes: &[u8]) {
    let shown = escaped(bytes);
    assert!(shown.len() <= 259);
    for c in shown.chars() {
        let hides = matches!(u32::from(c), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff);
        assert!(!c.is_control() && !hides, "{shown:?}");
    }
    let plain = bytes.len() <= 256 && bytes.iter().all(|b| (0x20..0x7f).contains(b) && *b != b'\\');
    if plain {
        assert_eq!(shown.as_bytes(), bytes);
    }
}
