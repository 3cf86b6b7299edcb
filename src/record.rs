//! The one format of the files we read with privilege: `key = value` lines of printable ASCII, each key one word, known, and
//! there once. No comment, quote, escape, include or blank line: what is not needed cannot be got wrong.
#![forbid(unsafe_code)]

/// The longest file we read, in bytes.
pub const LONGEST: usize = 4096;

/// The lines of a file, each to be taken once.
#[derive(Debug)]
pub struct Record<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Record<'a> {
    /// Reads the text of a file. The error says what is wrong and on which line.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let text = std::str::from_utf8(bytes).ok().filter(|t| t.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)));
        let text = text.ok_or("it holds something other than printable ASCII")?;
        let text = text.strip_suffix('\n').ok_or("its last line has no end")?;
        let mut lines: Vec<(&str, &str)> = Vec::new();
        for (number, line) in (1..).zip(text.split('\n')) {
            let pair = line.split_once(' ').and_then(|(key, rest)| Some((key, rest.strip_prefix("= ")?)));
            let pair = pair.filter(|(key, value)| !key.is_empty() && !value.is_empty() && value.trim() == *value);
            let (key, value) = pair.ok_or_else(|| format!("line {number} does not read \"key = value\""))?;
            if lines.iter().any(|(k, _)| *k == key) {
                return Err(format!("line {number} repeats the key \"{key}\""));
            }
            lines.push((key, value));
        }
        Ok(Self(lines))
    }

    /// Takes the value of a key out, read by `parse`.
    pub fn take<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let at = self.0.iter().position(|(k, _)| *k == key).ok_or_else(|| format!("the key \"{key}\" is missing"))?;
        let (_, value) = self.0.swap_remove(at);
        parse(value).ok_or_else(|| format!("\"{value}\" is not a value of \"{key}\""))
    }

    /// The same for a key that may be missing and then has its usual value.
    pub fn take_or<T>(&mut self, key: &str, usual: T, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        if self.0.iter().any(|(k, _)| *k == key) { self.take(key, parse) } else { Ok(usual) }
    }

    /// Refuses whatever was not taken.
    pub fn end(self) -> Result<(), String> {
        self.0.first().map_or(Ok(()), |(key, _)| Err(format!("the key \"{key}\" is not known")))
    }
}
