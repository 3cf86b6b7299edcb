//! A variable that a caller asks for, judged before it is believed to be one.
#![forbid(unsafe_code)]

use std::ffi::{CStr, CString};

/// Variables that say who the program runs as; a caller cannot set them.
pub const OURS: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];

/// A `NAME=VALUE` that a caller asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked(CString);

impl Asked {
    /// Reads `NAME=VALUE`: a name of letters, digits and `_`, not starting with a digit and not one of ours.
    pub fn new(text: &[u8]) -> Result<Self, &'static str> {
        let asked = Self(CString::new(text).map_err(|_| "it holds a zero byte")?);
        match asked.name() {
            name if name.len() == text.len() => Err("it does not read NAME=VALUE"),
            name if !is_name(name) => Err("its name must be letters, digits and _, not starting with a digit"),
            name if OURS.iter().any(|ours| ours.as_bytes() == name) => Err("HOME, USER, LOGNAME and SHELL come from the spec"),
            _ => Ok(asked),
        }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.0.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default()
    }

    /// All of it, `NAME=VALUE`.
    pub fn whole(&self) -> &CStr {
        &self.0
    }
}

/// Whether this is a name that a shell takes for one.
pub fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|b| !b.is_ascii_digit()) && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}
