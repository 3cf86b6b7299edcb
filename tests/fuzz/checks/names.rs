//! Words that name something: uids, pins, generations, users, paths. One word each, and each has one spelling.

use super::{is_identifier, spelled};
use jail::id::{Group, Name, Target, decimal};
use jail::layout;
use jail::path::JailPath;
use jail::state::pins;

/// One word.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert_eq!(decimal(text), spelled(bytes, u64::MAX), "{text:?}");
    let id = spelled(bytes, u64::from(u32::MAX) - 1).filter(|number| *number > 0);
    assert_eq!(Target::parse(text).map(|t| u64::from(t.get())), id, "{text:?}");
    assert_eq!(Group::parse(text).map(|g| u64::from(g.get())), id, "{text:?}");
    assert_eq!(pins::target_of(text).map(layout::pin), id.map(|number| number.to_string()), "{text:?}");
    let number = spelled(bytes, u64::from(u32::MAX)).filter(|number| *number > 0);
    assert_eq!(layout::generation(text).map(u64::from), number, "{text:?}");

    let name = bytes.len() <= 32 && is_identifier(bytes, b"-.");
    assert_eq!(Name::new(text).map(|name| name.to_string()), name.then(|| text.to_owned()));
    assert_eq!(JailPath::new(text).map(|path| path.to_string()), is_path(text).then(|| text.to_owned()), "{text:?}");
}

fn is_path(text: &str) -> bool {
    let Some(below) = text.strip_prefix('/') else { return false };
    let parts: Vec<&str> = below.split('/').collect();
    text.len() <= 1024
        && parts.iter().all(|part| !matches!(*part, "" | "." | "..") && part.len() <= 255)
        && !text.chars().any(|c| c.is_control() || c == ':')
        && !text.ends_with(char::is_whitespace)
}
