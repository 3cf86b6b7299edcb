//! The filter of the environment. An input is variables parted by zero bytes; one that starts with byte 1 is asked for by
//! the caller, the others are the caller's own.

use super::argv::is_asked;
use super::words;
use jail::asked::Asked;
use jail::environ;
use jail::spec::Spec;
use std::collections::BTreeMap;

const SPEC: &[u8] = b"format = 1\nname = alice\nuid = 2001\ngid = 2001\ngroups = none\nimage = host\nhome = /home/alice\n\
    shell = /bin/sh\nroot = readonly\nnetwork = none\ninit = builtin\nhostname = none\ndomain = none\ncpu = 1\nmemory = 1\n\
    processes = 1\nfile-size = 1\nopen-files = 1\n";

/// What comes out is what the table of README.md says, each name once.
pub fn check(bytes: &[u8]) {
    let spec = Spec::read(SPEC).unwrap();
    let (asked, inherited): (Vec<&[u8]>, Vec<&[u8]>) = words(bytes).into_iter().partition(|word| word.first() == Some(&1));
    let asked: Vec<&[u8]> = asked.into_iter().map(|word| &word[1..]).collect();

    let mut expected: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let path = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";
    for (name, value) in [("HOME", "/home/alice"), ("USER", "alice"), ("LOGNAME", "alice"), ("SHELL", "/bin/sh"), ("PATH", path)]
    {
        expected.insert(name.into(), value.into());
    }
    for word in &inherited {
        let mut parts = word.splitn(2, |b| *b == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if crosses(name) && plain(value) {
            expected.insert(name.to_vec(), value.to_vec());
        }
    }
    let mut given = Vec::new();
    for word in &asked {
        let one = Asked::new(word);
        assert_eq!(one.is_ok(), is_asked(word), "{:?}", String::from_utf8_lossy(word));
        let Ok(one) = one else { continue };
        let at = word.iter().position(|b| *b == b'=').unwrap();
        assert_eq!((one.name(), one.whole().to_bytes()), (&word[..at], *word));
        expected.insert(word[..at].to_vec(), word[at + 1..].to_vec());
        given.push(one);
    }

    let built = environ::build(&spec, inherited.iter().copied(), &given);
    let mut built: Vec<Vec<u8>> = built.into_iter().map(std::ffi::CString::into_bytes).collect();
    built.sort();
    let mut wanted: Vec<Vec<u8>> = expected.into_iter().map(|(name, value)| [name, value].join(&b'=')).collect();
    wanted.sort();
    assert_eq!(built, wanted);
}

fn crosses(name: &[u8]) -> bool {
    let locale = name.starts_with(b"LC_") && name.len() <= 32 && super::is_identifier(name, b"");
    locale || [&b"TERM"[..], b"LANG", b"LANGUAGE"].contains(&name)
}

fn plain(value: &[u8]) -> bool {
    let letter = |b: &u8| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'@' | b'+' | b':');
    !value.is_empty() && value.len() <= 64 && !value.starts_with(b".") && value.iter().all(letter)
}
