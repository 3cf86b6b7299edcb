//! Who is who. A caller, a target, a group and a name are four types, so that none can stand in for another.
#![forbid(unsafe_code)]

/// The real uid that runs trampoline; any value, as the kernel gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller(u32);

/// Makes a type of numbers that a program may run under: never 0, never 4294967295, which is "leave as it is" to the kernel.
macro_rules! unprivileged {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The number as this type, if a program may ever run under it.
            pub const fn new(number: u32) -> Option<Self> {
                if number == 0 || number == u32::MAX { None } else { Some(Self(number)) }
            }
            /// Reads a number as [`decimal`] does.
            pub fn parse(text: &str) -> Option<Self> {
                Self::new(u32::try_from(decimal(text)?).ok()?)
            }
            /// The number.
            pub const fn get(self) -> u32 {
                self.0
            }
        }
    };
}

unprivileged!(
    /// The uid a program will run as.
    Target
);
unprivileged!(
    /// A group of a target.
    Group
);

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

macro_rules! shown {
    ($($name:ident)*) => {
        $(impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        })*
    };
}
pub(crate) use shown;
shown!(Caller Target Group Name);

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
