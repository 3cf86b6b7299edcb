//! What goes wrong, said twice: to the caller in one plain line, to the system log with the reason.

use jail::error::Error;
use jail::sys::fd::say;
use jail::sys::log::{self, Log};
use jail::sys::root;

/// Says it, and returns the exit code.
pub fn failure(log: Log, error: &Error) -> u8 {
    // What goes wrong before the log is open, or after it was closed, may still find the way there.
    let log = if log.is_open() { log } else { Log::open() };
    let priority = if matches!(error, Error::Usage(_) | Error::Refused(_)) { log::WARNING } else { log::ERROR };
    let caller = root::real_uid();
    log.line(priority, &format!("caller uid {caller}: {error}"));
    say(2, &format!("trampoline: {}\n", error.plain(caller)));
    error.code()
}
