//! Where this machine's apt has Debian's own packages from: of all its sources those that are Debian's, entry by entry.
//!
//! Others too call their suites `bookworm`. Debian's are those that Debian's keyring signs; those of `/etc/apt/sources.list`
//! that name no keyring, as Debian's installer and mirrors of one's own have long been written there; and all of
//! `debian.sources`, where a mirror that a site signs itself belongs.

use super::apt::{self, Entry};
use std::path::{Path, PathBuf};

const LIST: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";
/// What the files of apt are called that hold Debian's sources and nobody else's.
const DEBIANS: [&str; 2] = ["debian.sources", "debian.list"];
/// Where the package debian-archive-keyring has its keys, and how their names begin.
const KEYS: &str = "/usr/share/keyrings/debian-archive-";

/// The whole of Debian's keys, as older and newer releases call it.
pub const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];

/// A place that has a suite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mirror {
    /// Its address.
    pub uri: String,
    /// The suite, or what is derived of it.
    pub suite: String,
    components: String,
    keyrings: Vec<String>,
    /// Whether its lists may be old: those of a mirror that stands still are.
    undated: bool,
}

impl Mirror {
    /// As a line of apt's. Nothing by which a source could do without a signature is handed on.
    pub fn line(&self) -> String {
        let mut options = Vec::new();
        if !self.keyrings.is_empty() {
            options.push(format!("signed-by={}", self.keyrings.join(",")));
        }
        if self.undated {
            options.push("check-valid-until=no".into());
        }
        let options = if options.is_empty() { String::new() } else { format!("[{}] ", options.join(" ")) };
        format!("deb {options}{} {} {}", self.uri, self.suite, self.components)
    }

    /// Whose key signs it, if that is not Debian's.
    pub fn own_keyring(&self) -> Option<&str> {
        self.keyrings.iter().map(String::as_str).find(|keyring| !keyring.starts_with(KEYS))
    }
}

/// The mirrors of this machine for a suite; none if there are none, and then the tool takes Debian's usual one.
pub fn all(suite: &str) -> Vec<Mirror> {
    let listed = std::fs::read_dir(PARTS).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = listed.chain([PathBuf::from(LIST)]).collect();
    files.sort();
    let read = files.iter().filter_map(|path| Some((path.as_path(), std::fs::read_to_string(path).ok()?)));
    chosen(read, suite)
}

/// The same of these files, with their texts.
pub fn chosen<'a>(files: impl IntoIterator<Item = (&'a Path, String)>, suite: &str) -> Vec<Mirror> {
    let mut mirrors = Vec::new();
    for (path, text) in files {
        let entries = match path.extension().and_then(|ending| ending.to_str()) {
            Some("list") => text.lines().filter_map(apt::of_line).collect(),
            Some("sources") => apt::of_paragraphs(&text),
            _ => Vec::new(),
        };
        for entry in entries.iter().filter(|entry| !entry.off && entry.kinds.iter().any(|kind| kind == "deb")) {
            let suites: Vec<&String> = entry.suites.iter().filter(|one| is_of(one, suite)).collect();
            if suites.is_empty() {
                continue;
            }
            if !is_debians(path, entry) {
                let level = if is_named(path) { log::Level::Warn } else { log::Level::Info };
                log::log!(level, "{}: {} is not taken for Debian's; see jailbase(8)", path.display(), entry.uris.join(" "));
                continue;
            }
            let mirror = |uri: &String, suite: &String| Mirror {
                uri: uri.clone(),
                suite: suite.clone(),
                components: entry.components.join(" "),
                keyrings: entry.keyrings.clone(),
                undated: entry.undated,
            };
            mirrors.extend(suites.iter().flat_map(|suite| entry.uris.iter().map(|uri| mirror(uri, suite))));
        }
    }
    // Without the suite itself its security updates would make no system.
    if mirrors.iter().any(|mirror| mirror.suite == suite) { mirrors } else { Vec::new() }
}

/// Whether a suite is this one, or Debian's updates of it.
fn is_of(one: &str, suite: &str) -> bool {
    one.strip_prefix(suite).is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || rest == "/updates")
}

fn is_named(path: &Path) -> bool {
    path.file_name().is_some_and(|name| DEBIANS.iter().any(|own| name == *own))
}

fn is_debians(path: &Path, entry: &Entry) -> bool {
    let files = entry.keyrings.iter().all(|keyring| keyring.starts_with('/'));
    let signed = !entry.keyrings.is_empty() && entry.keyrings.iter().all(|keyring| keyring.starts_with(KEYS));
    let usual = entry.keyrings.is_empty() && path == Path::new(LIST);
    entry.components.iter().any(|component| component == "main") && (signed || usual || (is_named(path) && files))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

    fn of_text(path: &str, text: &str) -> Vec<Mirror> {
        chosen([(Path::new(path), text.to_owned())], "bookworm")
    }

    /// The lines that come of a file for bookworm.
    fn lines(path: &str, text: &str) -> Vec<String> {
        of_text(path, text).iter().map(Mirror::line).collect()
    }

    #[test]
    fn debians_own_sources_are_taken_with_their_updates_in_either_form() {
        let modern = format!(
            "Types: deb deb-src\n# Suites: trixie\nURIs: http://a.example/debian\nSuites: bookworm bookworm-updates\n  sid\n\
             Components: main contrib\nSigned-By: {SIGNED}\n\nTypes: deb\nURIs: http://b.example/s\nSuites: bookworm-security\n\
             Components: main\nsigned-by: {SIGNED}\n"
        );
        let expected = [
            format!("deb [signed-by={SIGNED}] http://a.example/debian bookworm main contrib"),
            format!("deb [signed-by={SIGNED}] http://a.example/debian bookworm-updates main contrib"),
            format!("deb [signed-by={SIGNED}] http://b.example/s bookworm-security main"),
        ];
        for path in ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list.d/other.sources"] {
            assert_eq!(lines(path, &modern), expected, "{path}");
        }
        let old = format!(
            "# deb http://no.example/debian bookworm main\ndeb http://a.example/debian bookworm main # by hand\n\
             deb-src http://a.example/debian bookworm main\ndeb [ arch=amd64 signed-by={SIGNED} ] file:/srv/debian bookworm/updates main\n"
        );
        let expected = [
            "deb http://a.example/debian bookworm main".to_owned(),
            format!("deb [signed-by={SIGNED}] file:/srv/debian bookworm/updates main"),
        ];
        assert_eq!(lines("/etc/apt/sources.list", &old), expected);
    }

    #[test]
    fn a_third_partys_packages_for_the_suite_are_not_debians() {
        let key = "/usr/share/keyrings/nodesource.gpg";
        let docker = "https://docker.example/linux/debian";
        for (path, text) in [
            ("/etc/apt/sources.list.d/x.list", format!("deb [signed-by={key}] {docker} bookworm main\n")),
            // A key that all of apt trusts is no reason either.
            ("/etc/apt/sources.list.d/x.list", format!("deb {docker} bookworm main\n")),
            ("/etc/apt/sources.list.d/x.list", format!("deb [trusted=yes] {docker} bookworm main\n")),
            ("/etc/apt/sources.list.d/x.list", format!("deb [signed-by={key},{SIGNED}] {docker} bookworm main\n")),
            ("/etc/apt/sources.list", format!("deb {docker} bookworm stable\n")),
            ("/etc/apt/sources.list", format!("deb [signed-by={key}] {docker} bookworm main\n")),
            ("/etc/apt/sources.list", format!("deb {docker} bookworm/\n")),
            ("/etc/apt/sources.list.d/x.sources", format!("Types: deb\nURIs: {docker}\nSuites: bookworm\nComponents: main\n")),
            // What is not one of apt's files, or not in use.
            ("/etc/apt/sources.list.d/debian.sources.off", format!("deb {docker} bookworm main\n")),
            (
                "/etc/apt/sources.list.d/debian.sources",
                format!("Types: deb\nURIs: {docker}\nSuites: bookworm\nComponents: main\nEnabled: no\n"),
            ),
            (
                "/etc/apt/sources.list.d/debian.sources",
                format!("Types: deb-src\nURIs: {docker}\nSuites: bookworm\nComponents: main\n"),
            ),
        ] {
            assert_eq!(lines(path, &text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn beside_a_third_partys_entry_debians_own_is_taken_alone() {
        let list = "deb https://docker.example/debian bookworm stable\ndeb http://a.example/debian bookworm main\n";
        assert_eq!(lines("/etc/apt/sources.list", list), ["deb http://a.example/debian bookworm main"]);
        // Updates of a suite that is not there are no suite.
        assert!(lines("/etc/apt/sources.list", "deb http://a.example/debian bookworm-security main\n").is_empty());
        assert!(lines("/etc/apt/sources.list", "deb http://a.example/debian bookworms main\n").is_empty());
    }

    #[test]
    fn a_mirror_that_a_site_signs_itself_is_taken_from_the_file_that_is_debians_and_never_unsigned() {
        let own = "Types: deb\nTrusted: yes\nURIs: http://mirror.site/debian\nSuites: bookworm\nComponents: main\n\
                   Check-Valid-Until: no\nSigned-By: /etc/apt/keyrings/site.gpg\n";
        let line = "deb [signed-by=/etc/apt/keyrings/site.gpg check-valid-until=no] http://mirror.site/debian bookworm main";
        assert_eq!(lines("/etc/apt/sources.list.d/debian.sources", own), [line]);
        assert!(lines("/etc/apt/sources.list.d/site.sources", own).is_empty());
        let all = of_text("/etc/apt/sources.list.d/debian.sources", own);
        assert_eq!(all.first().and_then(Mirror::own_keyring), Some("/etc/apt/keyrings/site.gpg"));
        // A key in the file itself cannot be handed on.
        let inside = own.replace("/etc/apt/keyrings/site.gpg", "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ\n");
        assert!(lines("/etc/apt/sources.list.d/debian.sources", &inside).is_empty());
    }
}
