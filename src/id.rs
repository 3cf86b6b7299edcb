//! Who is who. A caller, a target, a group and a name are four types, so that none can stand in for another.
#![forbid(unsafe_code)]

use std::fmt;

/// The real uid that runs trampoline; any value, as the kernel gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller(u32);

/// The uid a program will run as: never 0, never 4294967295 ("leave unchanged" to the kernel).
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub struct Target(u32);

/// A group of a target: never 0, never 4294967295.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct Group(u32);

/// A name of a user, a host or an image: a letter or `_`, then letters, digits, `_`, `-` and `.`; 32 bytes at most.
/// It never starts with a digit, so it is never mistaken for a uid, and never contains `/`.
#[derive(Clone, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct Name(String);

/// A decimal number as people write it: no sign, no leading zero, no space, no other base.
pub fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl Caller {
    /// The caller with this uid.
    pub const fn new(uid: u32) -> Self {
        Self(uid)
    }
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Target {
    /// The target with this uid, if a program may ever run as it.
    pub const fn new(uid: u32) -> Option<Self> {
        if uid == 0 || uid == u32::MAX { None } else { Some(Self(uid)) }
    }
    /// Reads a uid as [`decimal`] does.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(u32::try_from(decimal(text)?).ok()?)
    }
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Group {
    /// The group with this gid, if a program may ever run in it.
    pub const fn new(gid: u32) -> Option<Self> {
        if gid == 0 || gid == u32::MAX { None } else { Some(Self(gid)) }
    }
    /// Reads a gid as [`decimal`] does.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(u32::try_from(decimal(text)?).ok()?)
    }
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Name {
    /// The name, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let first = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
        let other = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        let good = text.len() <= 32 && text.as_bytes().first().is_some_and(first) && text.bytes().all(other);
        good.then(|| Self(text.to_owned()))
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_written_in_one_way_only() {
        for bad in ["", "0", "00", "-1", "+5", " 5", "5 ", "0x7d1", "1e3", "2001x", "02001", "٣", "4294967295", "4294967296"] {
            assert_eq!(Target::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Target::parse("2001").map(Target::get), Some(2001));
        assert_eq!(Target::parse("4294967294").map(Target::get), Some(u32::MAX - 1));
        assert_eq!(Target::parse(&"9".repeat(10_000)), None);
    }

    #[test]
    fn a_name_is_never_a_number_nor_a_path() {
        for bad in ["", "0day", "-x", ".", "..", ".x", "a/b", "a b", "a\n", "ä", &"a".repeat(33)] {
            assert_eq!(Name::new(bad), None, "{bad:?}");
        }
        for good in ["alice", "_www", "a.smith-2", "Alice"] {
            assert!(Name::new(good).is_some(), "{good}");
        }
    }
}
