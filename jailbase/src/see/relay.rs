//! A terminal of our own between the administrator's and a jail. What runs in the jail has this one: it can neither put
//! characters into the administrator's terminal nor change its settings, and cannot keep it to read what is typed later.
//!
//! Bytes go both ways as they are, so what is shown can still move the cursor; it can do no more.

use jail::error::Error;
use jail::state::Doing;
use jail::sys::images::terminal;
use jail::sys::{self, Errno};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::io::{IsTerminal, stderr, stdin};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, ExitStatus};

/// What ends us by day also ends what runs; the size of the terminal is handed on.
const HELD: [Signal; 6] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGCHLD, Signal::SIGWINCH];

/// The administrator's terminal while it is raw; as it was when this value is dropped.
struct Raw(Termios);

impl Raw {
    fn take() -> Result<Self, Error> {
        let before = tcgetattr(stdin()).doing("ask", "the terminal")?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(stdin(), SetArg::TCSADRAIN, &raw).doing("change", "the terminal")?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // What was typed and not read goes, and so do answers to sequences from inside that have come by now: the shell that comes
        // next would take either for commands. A terminal that is gone needs nothing back.
        tcsetattr(stdin(), SetArg::TCSAFLUSH, &self.0).unwrap_or(());
    }
}

/// Runs a program with a terminal of its own, and stands between that and ours until it ends.
pub fn run(program: &str, words: &[String]) -> Result<ExitStatus, Error> {
    let usual = tcgetattr(stdin()).doing("ask", "the terminal")?;
    let pair = openpty(None, Some(&usual)).doing("make", "a terminal")?;
    resize(&pair.master);
    let held: SigSet = HELD.into_iter().collect();
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&held), Some(&mut before)).doing("hold back", "signals")?;
    let signals = SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).doing("wait for", "signals")?;
    let mut child = start(program, words, pair.slave)?;
    let raw = Raw::take()?;
    let done = between(&pair.master, &signals, &mut child);
    drop(raw);
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None).doing("let through", "signals")?;
    // ORDER: closed before it is waited for. Whoever still has the other end hears a hang-up.
    drop(pair.master);
    let status = child.wait().map_err(|error| Error::failed("wait for", program, error))?;
    done.doing("stand between", "two terminals")?;
    Ok(status)
}

/// Below setsid of util-linux, which makes the terminal the one by which the program gets its signals.
fn start(program: &str, words: &[String], slave: OwnedFd) -> Result<Child, Error> {
    let failed = |error| Error::failed("start", "setsid (Debian: util-linux)", error);
    let mut command = Command::new("/usr/bin/setsid");
    command.arg("--ctty").arg("--").arg(program).args(words);
    super::enter::plain(&mut command);
    command.stdin(slave.try_clone().map_err(failed)?).stdout(slave.try_clone().map_err(failed)?);
    if stderr().is_terminal() {
        command.stderr(slave);
    }
    // ORDER: our copies of that end go with the command, or we would never hear that nobody has it any more.
    command.spawn().map_err(failed)
}

/// Hands bytes on, both ways, until the program has ended and all it wrote was shown.
fn between(master: &OwnedFd, signals: &SignalFd, child: &mut Child) -> sys::Result<()> {
    let input = stdin();
    let mut ended = false;
    loop {
        let mut fds = [
            PollFd::new(master.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(input.as_fd(), PollFlags::POLLIN),
        ];
        // When it has ended only what is there already is shown: something it left behind may hold the terminal open.
        let timeout = if ended { PollTimeout::ZERO } else { PollTimeout::NONE };
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => continue,
            Ok(0) => return Ok(()),
            ready => ready?,
        };
        let [shown, signalled, typed] = &fds;
        if shown.any() == Some(true) && !copy(master.as_fd(), std::io::stdout().as_fd())? {
            return Ok(());
        }
        if signalled.any() == Some(true) {
            ended |= signal(signals, master, child)?;
        }
        if !ended && typed.any() == Some(true) && !copy(input.as_fd(), master.as_fd())? {
            return Ok(());
        }
        if ended && shown.any() != Some(true) {
            return Ok(());
        }
    }
}

/// Takes a signal; whether the program has ended.
fn signal(signals: &SignalFd, master: &OwnedFd, child: &mut Child) -> sys::Result<bool> {
    let Some(came) = signals.read_signal()? else { return Ok(false) };
    let number = i32::try_from(came.ssi_signo).map_err(|_| Errno::EINVAL)?;
    // ORDER: before anything is sent. What has ended is reaped by this look, and then its number may be another's.
    if child.try_wait().map_err(|error| sys::fd::errno(&error))?.is_some() {
        return Ok(true);
    }
    match Signal::try_from(number)? {
        Signal::SIGCHLD => {}
        Signal::SIGWINCH => resize(master),
        signal => {
            let pid = i32::try_from(child.id()).map_err(|_| Errno::EINVAL)?;
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal)?;
        }
    }
    Ok(false)
}

fn resize(master: &OwnedFd) {
    // A terminal that does not know its size has none to hand on.
    terminal::size(stdin()).and_then(|size| terminal::set_size(master, size)).unwrap_or(());
}

/// Hands some bytes on; `false` if there are no more.
fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> sys::Result<bool> {
    let mut bytes = [0; 4096];
    let count = match nix::unistd::read(from, &mut bytes) {
        Err(Errno::EINTR | Errno::EAGAIN) => return Ok(true),
        // KERNEL: a terminal whose other end is closed answers EIO (pty(7)).
        Ok(0) | Err(Errno::EIO) => return Ok(false),
        count => count?,
    };
    let mut left = bytes.get(..count).unwrap_or_default();
    while !left.is_empty() {
        match nix::unistd::write(to, left) {
            Err(Errno::EINTR) => {}
            Err(Errno::EIO) => return Ok(false),
            written => left = left.get(written?..).unwrap_or_default(),
        }
    }
    Ok(true)
}
