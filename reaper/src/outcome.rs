//! What became of one name among the pins.

use crate::process::Process;
use jail::error::Error;
use std::fmt;

/// What became of it.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// The jail was used since the last sweep, and is marked now.
    Marked,
    /// A program runs in the jail, or is about to; these processes hold it, as far as anybody looked.
    InUse(Vec<Process>),
    /// Nobody used the jail between two sweeps: it is gone.
    Unmounted,
    /// It was drained, and is gone.
    Drained,
    /// The same, and its directory is not there: somebody moved or removed it.
    DrainedWithoutDirectory,
    /// The jail was gone before, and only the place of its pin was left; that is gone now.
    Cleared,
    /// There is a place without a pin, and somebody who holds the jail's lock, or just did: he is making the jail.
    InMaking,
    /// Not asked: nobody holds the jail now; whether the last sweep marked it, if that one came to its end.
    Idle(Option<bool>),
    /// Not asked: there is a place without a pin.
    Empty,
    /// It is not ours, and is as it was; what it is, if that is known.
    Foreign(String),
    /// It could not be decided, and the next sweep will try again.
    Failed(Error),
}

impl Outcome {
    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::InUse(_) => "in-use",
            Self::Unmounted => "unmounted",
            Self::Drained | Self::DrainedWithoutDirectory => "drained",
            Self::Cleared => "cleared",
            Self::InMaking => "in-making",
            Self::Idle(_) => "idle",
            Self::Empty => "empty",
            Self::Foreign(_) => "left-alone",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether a jail is there when all is done.
    pub fn lives(&self) -> bool {
        matches!(self, Self::Marked | Self::InUse(_) | Self::Idle(_) | Self::Failed(_))
    }

    /// How much somebody should hear of it: of a change, if there is a log to read it in; of a fault, always.
    pub fn level(&self) -> log::Level {
        match self {
            Self::Failed(_) => log::Level::Error,
            Self::Foreign(_) | Self::DrainedWithoutDirectory => log::Level::Warn,
            Self::Unmounted | Self::Drained | Self::Cleared => log::Level::Info,
            Self::Marked | Self::InUse(_) | Self::InMaking | Self::Idle(_) | Self::Empty => log::Level::Debug,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marked => write!(f, "marked"),
            Self::InUse(by) if by.is_empty() => write!(f, "in use"),
            Self::InUse(by) => write!(f, "in use by {}", Process::list(by)),
            Self::Unmounted => write!(f, "unmounted"),
            Self::Drained => write!(f, "drained"),
            Self::DrainedWithoutDirectory => {
                write!(f, "drained; its directory was moved or removed, and nobody can enter: put it back, or add the user again")
            }
            Self::Cleared => write!(f, "empty place removed"),
            Self::InMaking => write!(f, "in making"),
            Self::Idle(Some(true)) => {
                write!(f, "idle; the last sweep marked it, and a sweep unmounts it if nobody used it since")
            }
            Self::Idle(Some(false)) => write!(f, "idle; a sweep marks it"),
            Self::Idle(None) => write!(f, "idle; a sweep marks it, or unmounts it if one that was ended too early has marked it"),
            Self::Empty => write!(f, "the empty place of a pin; a sweep removes it"),
            Self::Foreign(what) => {
                write!(f, "{what}no pin of a jail, left alone; jailbase doctor says more of it, and how it goes")
            }
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}
