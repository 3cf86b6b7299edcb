//! Which variables cross the wall. The environment of a program is built from nothing.
#![forbid(unsafe_code)]

use crate::asked::{Asked, is_name};
use crate::spec::Spec;
use std::ffi::CString;

/// Where a PROGRAM without a slash is looked for, and the `PATH` it finds.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

/// Variables of the caller that pass if their value is plain.
const PLAIN: [&str; 3] = ["TERM", "LANG", "LANGUAGE"];

/// A value that no terminal library or locale loader takes for a path: terminfo and locales are opened by name.
fn is_plain(value: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.@+:".contains(b);
    (1..=64).contains(&value.len()) && value.iter().all(plain) && value.first() != Some(&b'.')
}

/// The environment of a program: what the spec says, what is plain of the caller's, and what the caller asked for.
/// `inherited` are the caller's own `NAME=VALUE` strings. No name appears twice; of those asked for twice the last counts.
pub fn build<'a>(spec: &Spec, inherited: impl Iterator<Item = &'a [u8]>, asked: &[Asked]) -> Vec<CString> {
    let mut out: Vec<(Vec<u8>, CString)> = Vec::new();
    let mut set = |name: &[u8], whole: CString| {
        out.retain(|(known, _)| known != name);
        out.push((name.to_vec(), whole));
    };
    for (name, value) in [
        ("HOME", spec.home.as_str()),
        ("USER", spec.name.as_str()),
        ("LOGNAME", spec.name.as_str()),
        ("SHELL", spec.shell.as_str()),
        ("PATH", PATH),
    ] {
        // None of these values can hold a zero byte: their types see to that.
        if let Ok(whole) = CString::new(format!("{name}={value}")) {
            set(name.as_bytes(), whole);
        }
    }
    for entry in inherited {
        let Some(at) = entry.iter().position(|b| *b == b'=') else { continue };
        let (name, value) = (entry.get(..at).unwrap_or_default(), entry.get(at + 1..).unwrap_or_default());
        let wanted =
            PLAIN.iter().any(|p| p.as_bytes() == name) || (name.starts_with(b"LC_") && is_name(name) && name.len() <= 32);
        if wanted
            && is_plain(value)
            && let Ok(whole) = CString::new(entry)
        {
            set(name, whole);
        }
    }
    for one in asked {
        set(one.name(), one.whole().to_owned());
    }
    out.into_iter().map(|(_, whole)| whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked::OURS;
    use proptest::prelude::*;

    fn spec() -> Option<Spec> {
        Spec::read(
            b"format = 1\nname = a\nuid = 2001\ngid = 2001\ngroups = none\nimage = host\nhome = /home/a\nshell = /bin/sh\n\
              root = readonly\nnetwork = none\ninit = builtin\nhostname = none\ndomain = none\ncpu = 1\nmemory = 1\n\
              processes = 1\nfile-size = 1\nopen-files = 1\n",
        )
        .ok()
    }

    fn built(inherited: &[&[u8]], asked: &[&[u8]]) -> Vec<String> {
        let asked: Vec<Asked> = asked.iter().filter_map(|a| Asked::new(a).ok()).collect();
        let spec = spec();
        let all = spec.iter().flat_map(|s| build(s, inherited.iter().copied(), &asked));
        all.map(|c| c.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn only_the_plain_and_the_asked_for_cross() {
        let ours = ["HOME=/home/a", "USER=a", "LOGNAME=a", "SHELL=/bin/sh"];
        let env = built(
            &[
                b"TERM=xterm",
                b"LANG=../../tmp/x",
                b"LC_ALL=C.UTF-8",
                b"LC_ALL=C",
                b"LD_PRELOAD=/x",
                b"HOME=/root",
                b"TERMINFO=/x",
                b"=",
                b"x",
                b"LC_() { :=1",
            ],
            &[b"A=1", b"A=2=3", b"HOME=/", b"1A=2", b"=x", b"PATH=/opt/bin"],
        );
        let expected: Vec<&str> = ours.into_iter().chain(["TERM=xterm", "LC_ALL=C", "A=2=3", "PATH=/opt/bin"]).collect();
        assert_eq!(env, expected);
    }

    proptest! {
        #[test]
        fn whatever_is_inherited_only_listed_names_come_out_once(entries: Vec<Vec<u8>>, names in prop::collection::vec("[A-Z_=]{0,6}=.{0,4}", 0..20)) {
            let all: Vec<&[u8]> = entries.iter().map(Vec::as_slice).chain(names.iter().map(|n| n.as_bytes())).collect();
            let mut seen: Vec<String> = built(&all, &[]).iter().filter_map(|e| e.split_once('=').map(|(n, _)| n.to_owned())).collect();
            let count = seen.len();
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
            for name in seen {
                prop_assert!(OURS.contains(&name.as_str()) || PLAIN.contains(&name.as_str()) || name == "PATH" || name.starts_with("LC_"));
            }
        }
    }
}
