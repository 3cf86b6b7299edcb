//! What goes wrong, said twice: to the system log with the reason, to the caller in one plain line.

use jail::error::Error;
use jail::sys::drop::Ids;
use jail::sys::log::{self, Log};
use jail::sys::ns;
use jail::sys::root::{Root, called_by};
use jail::sys::streams::say;

/// Says it, and returns the exit code.
pub fn failure(log: Option<Log>, error: &Error) -> u8 {
    let by = called_by();
    let priority = if matches!(error, Error::Usage(_) | Error::Refused(_) | Error::Later(_)) { log::WARNING } else { log::ERROR };
    // What goes wrong before the log is open, or after it was closed, may still find the way there.
    if let Some(log) = log.or_else(Log::open) {
        log.line(priority, &format!("caller uid {}: {error}", by.uid));
    }
    // ORDER: before the drop nothing is said. In a user namespace nothing can be dropped, nor was anything there.
    // The caller's descriptor may block for ever, or be a socket whose reader asks who wrote: not root, then.
    if Root::left_over().is_none_or(|root| Ids::of_caller(by).become_user(root).is_ok() || ns::in_user_namespace()) {
        say(2, &format!("trampoline: {}\n", error.plain(by.uid)));
    }
    error.code()
}
