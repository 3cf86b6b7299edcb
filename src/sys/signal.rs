//! Signals, while a jail is made: all blocked, all with their default disposition.

use super::{Result, raw};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use syscalls::{Sysno, syscall};

/// Holds every signal back that can be held back; the terminal's signals ask nobody's uid.
pub fn block_all() -> Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
}

/// Gives every signal its default disposition: one that a caller ignored would stay ignored in the program.
///
/// rt_sigaction(2) itself: every libc keeps two or three signals to itself and refuses to touch them.
pub fn defaults() -> Result<()> {
    const SIGNALS: i32 = 64;
    // A kernel's sigaction of zeroes: SIG_DFL, no flags, no restorer, an empty mask of eight bytes.
    let default = [0u64; 4];
    (1..=SIGNALS).filter(|n| ![libc::SIGKILL, libc::SIGSTOP].contains(n)).try_for_each(|number| {
        // SAFETY: `default` outlives the call and installs no handler; a null old action is allowed.
        raw(unsafe { syscall!(Sysno::rt_sigaction, number, default.as_ptr(), 0, size_of::<u64>()) }).map(drop)
    })
}
