//! Text from outside, made fit for a terminal and a log: one line, no control, no bidirectional trick.
#![forbid(unsafe_code)]

/// The longest text of a stranger's that we repeat, in letters of ours.
const LONGEST: usize = 256;

/// Printable ASCII as it is, everything else as `\xNN`, `\n` and their like; and what is long is cut. So nothing can move a
/// cursor, forge a line, hide or reorder text, and no table of Unicode is in the setuid program.
pub fn escaped(bytes: &[u8]) -> String {
    let quote = |byte: &u8| matches!(byte, b'\'' | b'"');
    let spelled = |byte: &u8| if quote(byte) { char::from(*byte).to_string() } else { byte.escape_ascii().to_string() };
    let mut text: String = bytes.iter().take(LONGEST.saturating_add(1)).map(spelled).collect();
    if text.len() > LONGEST {
        text.truncate(LONGEST);
        text += "...";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_comes_in_one_short_line_of_ascii_comes_out(bytes: Vec<u8>) {
            let text = escaped(&bytes);
            prop_assert!(text.len() <= LONGEST + 3);
            prop_assert!(text.bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }

    #[test]
    fn a_long_text_is_cut_and_an_odd_one_spelled_out() {
        assert_eq!(escaped(&[b'a'; 500]).len(), LONGEST + 3);
        assert_eq!(escaped(&[b'a'; LONGEST]).len(), LONGEST);
        assert_eq!(escaped(b"it's \"a\""), "it's \"a\"");
        assert_eq!(escaped(b"a\nb\x1b[2J\xff"), "a\\nb\\x1b[2J\\xff");
        assert_eq!(escaped("\u{202e}ä".as_bytes()), "\\xe2\\x80\\xae\\xc3\\xa4");
    }
}
