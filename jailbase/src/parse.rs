//! Words of the command line, read into the types that cannot hold a wrong one.

use jail::id::{Group, Name, Target};
use jail::path::JailPath;

/// A name of a user, an image or a host.
pub fn name(text: &str) -> Result<Name, String> {
    Name::new(text).ok_or_else(|| {
        "a name starts with a letter or _, goes on with letters, digits, _ - and ., and has 32 bytes at most".into()
    })
}

/// A name, or `none`.
pub fn name_or_none(text: &str) -> Result<Option<Name>, String> {
    if text == "none" { Ok(None) } else { name(text).map(Some) }
}

/// A path as the kernel takes it.
pub fn path(text: &str) -> Result<JailPath, String> {
    let ascii = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    let path = JailPath::new(text).filter(|_| ascii);
    path.ok_or_else(|| {
        "a path is absolute and printable ASCII, without a colon, an empty part, \".\" or \"..\", and does not end with /".into()
    })
}

/// A uid that a program may run as.
pub fn target(text: &str) -> Result<Target, String> {
    Target::parse(text).ok_or_else(|| "a uid is a decimal number between 1 and 4294967294".into())
}

/// A gid that a program may run with.
pub fn group(text: &str) -> Result<Group, String> {
    Group::parse(text).ok_or_else(|| "a gid is a decimal number between 1 and 4294967294".into())
}

/// An amount: a number, with K, M, G or T for 1024, 1024 times that, and so on.
pub fn amount(text: &str) -> Result<u64, String> {
    let (digits, power) = match text.char_indices().last() {
        Some((at, unit)) if !unit.is_ascii_digit() => (text.get(..at), "KMGT".find(unit).and_then(|n| u32::try_from(n + 1).ok())),
        _ => (Some(text), Some(0)),
    };
    let number = digits.and_then(jail::id::decimal).zip(power).and_then(|(n, power)| n.checked_mul(1024_u64.checked_pow(power)?));
    number.filter(|n| *n > 0).ok_or_else(|| "an amount is a number from 1 up, with K, M, G or T behind it or nothing".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_a_spec_cannot_hold_is_no_path() {
        for bad in ["home/a", "/", "/a/", "/a/../b", "/a:b", "/Åsa", "/a\tb", ""] {
            assert!(path(bad).is_err(), "{bad:?}");
        }
        assert!(path("/home/alice").is_ok());
    }

    #[test]
    fn an_amount_has_a_number_and_perhaps_a_unit() {
        assert_eq!(["1", "5K", "2M", "3G"].map(|text| amount(text).unwrap_or(0)), [1, 5 << 10, 2 << 20, 3 << 30]);
        for bad in ["", "0", "K", "-1", "1k", "1.5G", "99999999999T", "1GB"] {
            assert!(amount(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn none_is_no_name() {
        assert_eq!(name_or_none("none"), Ok(None));
        assert!(name_or_none("a/b").is_err());
    }
}
