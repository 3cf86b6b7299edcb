//! Standard input, output and error: the caller's, and used by nobody who has a privilege.

use super::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{SigSet, Signal};
use std::os::fd::BorrowedFd;

/// The standard streams.
pub fn stdio() -> [BorrowedFd<'static>; 3] {
    // SAFETY: `clean` has seen to it that 0, 1 and 2 are open, and nothing of ours closes them but `hush`.
    unsafe { [BorrowedFd::borrow_raw(0), BorrowedFd::borrow_raw(1), BorrowedFd::borrow_raw(2)] }
}

/// Gives up standard input and output, so that the program alone decides when a reader sees the end.
pub fn hush(last: i32) {
    for fd in 0..=last {
        // SAFETY: no Rust value owns 0, 1 or 2, and after this call nothing uses those up to `last`.
        unsafe { libc::close(fd) };
    }
}

/// The most that is written at once. KERNEL: a pipe that poll(2) calls writable takes this much without waiting (PIPE_BUF, pipe(7)).
const PIECE: usize = 4096;

/// How long a piece waits for its reader, in milliseconds.
const PATIENCE: u16 = 1000;

/// Writes all bytes to standard output (1) or standard error (2), and says whether somebody took them all; a reader who left, or
/// who does not read, is not our failure.
pub fn say(stream: usize, text: &str) -> bool {
    let Some(fd) = stdio().get(stream).copied() else { return false };
    // What goes wrong before all signals are blocked is said too: no signal for the writer must take the place of its exit code.
    let unheard: SigSet = [Signal::SIGPIPE, Signal::SIGXFSZ].into_iter().collect();
    unheard.thread_block().unwrap_or(());
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        if !is_read(fd) {
            return false;
        }
        match nix::unistd::write(fd, rest.get(..PIECE).unwrap_or(rest)) {
            Ok(0) => return false,
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Whether a write would not wait for a reader. What a caller or a program filled up must not hold us.
fn is_read(fd: BorrowedFd<'_>) -> bool {
    loop {
        match poll(&mut [PollFd::new(fd, PollFlags::POLLOUT)], PATIENCE) {
            Err(Errno::EINTR) => {}
            // KERNEL: that is more descriptors than the limit allows, which is none (poll(2), RLIMIT_NOFILE), and nobody may raise
            // it here. No session is there then; who left us this waits for himself.
            Err(Errno::EINVAL) => return true,
            ready => return ready.is_ok_and(|count| count > 0),
        }
    }
}
