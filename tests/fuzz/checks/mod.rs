//! What must hold of every input, however odd: each reader of foreign bytes is compared with an oracle that was written
//! apart from it. A violation is a panic. libFuzzer runs these with inputs it makes up, `tests/fuzz.rs` with the corpus and
//! what a fixed seed makes of it.

pub mod argv;
pub mod environment;
pub mod image;
pub mod message;
pub mod names;
pub mod policy;
pub mod spec;

/// The texts between two zero bytes: how a program's arguments lie in memory.
pub fn words(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == 0).collect()
}

/// The lines of a text, sorted: what two texts of one record have in common.
pub fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Whether a text is a letter or `_`, and then letters, digits and what else is allowed, by hand.
pub fn is_identifier(text: &[u8], also: &[u8]) -> bool {
    match text {
        [] => false,
        [first, rest @ ..] => {
            (matches!(first, b'a'..=b'z' | b'A'..=b'Z' | b'_'))
                && rest.iter().all(|b| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') || also.contains(b))
        }
    }
}

/// The number that digits spell, if they spell it in the one way allowed, up to a largest one.
pub fn spelled(text: &[u8], largest: u64) -> Option<u64> {
    let value = text.iter().try_fold(0u64, |sum, digit| {
        let digit = digit.checked_sub(b'0').filter(|d| *d < 10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    (value.to_string().as_bytes() == text && value <= largest).then_some(value)
}
