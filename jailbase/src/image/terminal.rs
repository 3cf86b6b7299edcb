//! The terminal of whoever edits an image, given back as it was.
//!
//! A shell with job control makes itself the foreground of its terminal, and its caller again when it ends. The shell of an
//! edit has a pid namespace of its own, in which its caller has no number: it cannot. What comes after us would then be in
//! the background of its own terminal, and could not read from it.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, tcgetpgrp, tcsetpgrp};
use std::io::stdin;

/// How the terminal on standard input is, if there is one; given back when this value goes.
#[derive(Debug)]
pub struct Terminal(Option<(Termios, Pid)>);

impl Terminal {
    /// As it is now.
    pub fn now() -> Self {
        Self(tcgetattr(stdin()).ok().zip(tcgetpgrp(stdin()).ok()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let Some((settings, foreground)) = &self.0 else { return };
        // KERNEL: whoever is in the background and changes the terminal is stopped by SIGTTOU, unless he blocks it
        // (__tty_check_change, drivers/tty/tty_jobctrl.c).
        let (mut stops, mut before) = (SigSet::empty(), SigSet::empty());
        stops.add(Signal::SIGTTOU);
        if sigprocmask(SigmaskHow::SIG_BLOCK, Some(&stops), Some(&mut before)).is_err() {
            return;
        }
        // A terminal that is gone needs nothing any more.
        let given_back = tcsetpgrp(stdin(), *foreground).and_then(|()| tcsetattr(stdin(), SetArg::TCSADRAIN, settings));
        if let Err(errno) = given_back.and(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)) {
            log::debug!("the terminal could not be given back as it was: {errno}");
        }
    }
}
