//! Text from outside, made fit for a terminal and a log: one line, no control, no bidirectional trick.
#![forbid(unsafe_code)]

/// The longest text of a stranger's that we repeat, in bytes.
const LONGEST: usize = 256;

/// Escapes what could move a cursor, forge a line or reorder text, and cuts what is long.
pub fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // Zero-width and bidirectional controls are not `is_control`; they hide or reorder what follows.
            let tricky =
                matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\\');
            if c.is_control() || tricky { out.extend(c.escape_default()) } else { out.push(c) }
        }
        for byte in chunk.invalid() {
            out += &format!("\\x{byte:02x}");
        }
        if out.len() > LONGEST {
            let cut = (0..=LONGEST).rev().find(|i| out.is_char_boundary(*i)).unwrap_or(0);
            out.truncate(cut);
            return out + "...";
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_comes_in_one_short_line_comes_out(bytes: Vec<u8>) {
            let text = escaped(&bytes);
            prop_assert!(text.len() <= LONGEST + 3);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(escaped("ä".repeat(500).as_bytes()).len(), LONGEST + 3);
        assert_eq!(escaped(b"a\nb\x1b[2J\xff"), "a\\nb\\u{1b}[2J\\xff");
    }
}
