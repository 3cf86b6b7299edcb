//! Attackers who never rest: a process that does one thing over and over, as somebody, while trampoline works.

use super::process;
use std::ffi::CString;
use std::io;

/// How many rounds a race runs: the usual number, or as many times that as `JAIL_ROUNDS` says.
pub fn rounds(usual: u32) -> u32 {
    let times = std::env::var("JAIL_ROUNDS").map_or(1, |text| text.parse().expect("JAIL_ROUNDS is a number"));
    usual * times
}

/// A process of an attacker's, which ends with this value.
pub struct Attacker {
    pid: u32,
}

impl Attacker {
    /// Starts a process of this uid and gid, in no other group, that does `what` for ever.
    pub fn start(uid: u32, gid: u32, mut what: impl FnMut()) -> Self {
        let own = std::process::id();
        // SAFETY: the child makes system calls and ends by a signal; glibc keeps malloc usable after a fork.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: numbers. Should the tests die, this process does too; it asks again because they may have died before.
            let orphan = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 || libc::getppid() as u32 != own };
            if orphan || process::become_user(uid, gid).is_err() {
                // SAFETY: ends this process without the parent's exit handlers.
                unsafe { libc::_exit(1) };
            }
            loop {
                what();
            }
        }
        assert!(pid > 0, "cannot fork: {}", io::Error::last_os_error());
        Self { pid: pid as u32 }
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        process::kill(self.pid, libc::SIGKILL);
        let mut status = 0;
        // SAFETY: our own child and a live integer.
        unsafe { libc::waitpid(self.pid as i32, &raw mut status, 0) };
        if !std::thread::panicking() {
            assert!(libc::WIFSIGNALED(status), "the attacker ended by itself: {status:#x}");
        }
    }
}

/// Lets two names change places, in one step.
pub fn exchange(one: &CString, two: &CString) -> io::Result<()> {
    // SAFETY: two C strings.
    let done = unsafe { libc::renameat2(libc::AT_FDCWD, one.as_ptr(), libc::AT_FDCWD, two.as_ptr(), libc::RENAME_EXCHANGE) };
    process::said(done).map(|_| ())
}
