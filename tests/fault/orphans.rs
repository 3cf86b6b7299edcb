//! Processes whose parent was killed.

use crate::common::process::said;

/// Makes us the parent of those whose parent was killed. Who is nobody's counts for his user's limit of processes until it
/// is reaped, and not every process 1 is quick at that.
pub fn adopt_orphans() {
    // SAFETY: numbers.
    said(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).unwrap();
}

/// Reaps an orphan that has ended; whose parent lived was reaped there.
pub fn reap(pid: i32) {
    // SAFETY: a null status is allowed. Orphans belong to the process, and not to the thread that traced them.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) };
}

/// Reaps every orphan that has ended. Nothing else of ours may be running.
pub fn reap_orphans() {
    // SAFETY: a null status is allowed.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) } > 0 {}
}
