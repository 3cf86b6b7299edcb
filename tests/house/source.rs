//! A Rust file as the rules see it: its code without comments, and what its strings say blanked out.

use std::path::{Path, PathBuf};

/// One file of the house.
pub struct Source {
    /// Its path from the root of the house, with forward slashes.
    pub path: String,
    /// The text as it stands.
    pub text: String,
    /// The same lines without comments; every character inside a literal is a dot.
    pub code: String,
}

impl Source {
    /// Reads one file.
    pub fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        Self { path: path.to_owned(), code: code(&text), text }
    }

    /// The code up to the tests, which stand at the end of a file.
    pub fn own(&self) -> &str {
        self.code.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// How many lines of it are neither blank, comment nor test.
    pub fn own_lines(&self) -> usize {
        self.own().lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// Whether the file lies below this directory, or is this file.
    pub fn under(&self, place: &str) -> bool {
        self.path == place || self.path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/') || place.ends_with('/'))
    }
}

/// The root of the house.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these directories, in order of path. A place without one is an error: a rule about it would be void.
pub fn all(places: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for place in places {
        let before = found.len();
        walk(&root().join(place), &mut found);
        assert!(found.len() > before, "no Rust file below {place}");
    }
    found.sort();
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    found.iter().map(|path| Source::read(&name(path))).collect()
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    if path.extension().is_some_and(|e| e == "rs") {
        found.push(path.to_owned());
    } else if path.is_dir() && path.file_name().is_none_or(|n| n != "target" && n != ".git") {
        for entry in std::fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), found);
        }
    }
}

/// Takes comments out of a text and blanks its literals; lines stay lines.
pub fn code(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blanked = |length: usize| rest[..length].chars().map(|c| if c.is_whitespace() { c } else { '.' }).collect::<String>();
        let (length, put) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), String::new())
        } else if rest.starts_with("/*") {
            let length = block_comment(rest);
            (length, rest[..length].chars().filter(|c| *c == '\n').collect())
        } else if let Some(length) = literal(rest) {
            (length, blanked(length))
        } else {
            // A whole word at once, so that the `r` of `for` does not begin a raw string.
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = word.max(first.len_utf8());
            (length, rest[..length].to_owned())
        };
        out += &put;
        rest = &rest[length..];
    }
    out
}

/// Comments of this kind nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = if text[at..].starts_with("/*") {
            1
        } else if text[at..].starts_with("*/") {
            -1
        } else {
            0
        };
        depth += step;
        at += if step == 0 { text[at..].chars().next().map_or(1, char::len_utf8) } else { 2 };
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the string or character literal a text begins with; a lifetime is none.
fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""]
        .into_iter()
        .find(|p| text.strip_prefix(p).is_some_and(|r| r.starts_with(['"', '#', '\''])))?;
    let body = &text[prefix.len()..];
    if prefix.contains('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = body[hashes..].strip_prefix('"')?;
        return Some(prefix.len() + hashes + 1 + inside.find(&end)? + end.len());
    }
    let quote = body.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut characters = body.char_indices().skip(1);
    let first = characters.clone().next()?.1;
    let closed = body.chars().nth(2) == Some('\'');
    if quote == '\'' && first != '\\' && !closed {
        return None;
    }
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            c if c == quote => return Some(prefix.len() + at + 1),
            _ => {}
        }
    }
    None
}
