//! What can go wrong, for three audiences: the person who typed, the policy, the administrator.
#![forbid(unsafe_code)]

use crate::id::Caller;
use std::fmt;

/// The exit codes of trampoline; sysexits.h for the caller's fault, env(1)'s habit for the launch.
pub mod code {
    /// The command line is wrong.
    pub const USAGE: u8 = 64;
    /// The policy, or a missing spec, says no.
    pub const REFUSED: u8 = 77;
    /// We could not make the jail or the session.
    pub const FAILED: u8 = 125;
    /// The program was found and could not be executed.
    pub const NOT_EXECUTABLE: u8 = 126;
    /// The program was not found.
    pub const NOT_FOUND: u8 = 127;
    /// Added to the number of the signal that ended the program.
    pub const SIGNAL: u8 = 128;
}

/// One thing that went wrong.
#[derive(Debug)]
pub enum Error {
    /// The command line: what is wrong with it.
    Usage(String),
    /// No: the reason is for syslog, the caller reads one plain line.
    Refused(String),
    /// Not now: the caller, who is let in otherwise, may know why.
    Later(&'static str),
    /// The kernel said no, or something on disk is not as it must be.
    Failed {
        /// A phrase that follows "cannot".
        doing: &'static str,
        /// The path or name it was done to; may be empty.
        on: String,
        /// Why: the errno as text, or a judgement.
        why: String,
    },
    /// The program is there and does not run: its name and why.
    NotExecutable(String, String),
    /// The program is not there: its name.
    NotFound(String),
}

impl Error {
    /// A failure: "cannot `doing` `on`: `why`".
    pub fn failed(doing: &'static str, on: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Failed { doing, on: on.into(), why: why.to_string() }
    }

    /// The exit code of this error.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => code::USAGE,
            Self::Refused(_) | Self::Later(_) => code::REFUSED,
            Self::Failed { .. } => code::FAILED,
            Self::NotExecutable(..) => code::NOT_EXECUTABLE,
            Self::NotFound(_) => code::NOT_FOUND,
        }
    }

    /// What the caller reads. Whether a target exists is nobody's business who may not enter it, so a refusal says little
    /// to anybody but root.
    pub fn plain(&self, caller: Caller) -> String {
        match self {
            Self::Refused(_) if caller != Caller::new(0) => "refused (the system log has the reason)".into(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}; see trampoline --help"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Later(why) => write!(f, "not now: {why}"),
            Self::Failed { doing, on, why } if on.is_empty() => write!(f, "cannot {doing}: {why}"),
            Self::Failed { doing, on, why } => write!(f, "cannot {doing} {on}: {why}"),
            Self::NotExecutable(program, why) => write!(f, "cannot execute {program}: {why}"),
            Self::NotFound(program) => write!(f, "{program}: not found in the jail"),
        }
    }
}
