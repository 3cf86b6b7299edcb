//! Signals, while a jail is made: all blocked, all with their default disposition.

use super::{Errno, Result};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

/// Holds every signal back that can be held back; the terminal's signals ask nobody's uid.
pub fn block_all() -> Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
}

/// Gives every signal its default disposition: one that a caller ignored would stay ignored in the program.
pub fn defaults() -> Result<()> {
    // SAFETY: an all-zero sigaction is a valid one: SIG_DFL, no flags, an empty mask.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for number in (1..=libc::SIGRTMAX()).filter(|n| ![libc::SIGKILL, libc::SIGSTOP].contains(n)) {
        // SAFETY: `default` outlives the call and installs no handler.
        let done = unsafe { libc::sigaction(number, &raw const default, std::ptr::null_mut()) };
        // KERNEL: glibc answers EINVAL for the two real-time signals it keeps to itself (32 and 33).
        if done < 0 && !(32..=33).contains(&number) {
            return Err(Errno::last());
        }
    }
    Ok(())
}
