//! What goes wrong, said twice: to the caller in one plain line, to the system log with the reason.

use jail::error::Error;
use jail::sys::fd::say;
use jail::sys::log::{Grave, Log};
use jail::sys::root::CalledBy;

/// Says one plain line, and returns the exit code.
pub fn failure(error: &Error) -> u8 {
    say(2, &format!("trampoline: {}\n", error.plain()));
    error.code()
}

/// Puts the reason into the system log.
pub fn log(log: &Log, by: CalledBy, error: &Error) {
    let grave = match error {
        Error::Usage(_) | Error::Refused(_) => Grave::Warning,
        _ => Grave::Error,
    };
    log.line(grave, &format!("caller uid {}: {error}", by.uid));
}
