//! The terminal while `top` has it: a screen of its own, keys one by one, and everything as it was when it is over.
//!
//! The signals that end a program, or tell of another size, are held back and read as events: so none comes while the
//! terminal is half changed, and after each of them it is given back. What is drawn is plain ASCII and our own sequences.

use jail::error::Error;
use jail::state::Doing;
use jail::sys::images::terminal::{self, Size};
use jail::sys::{self, Errno};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use std::io::{IsTerminal, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::time::Duration;

/// The other screen, and no cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// What is read as an event and does nothing else.
const HELD: [Signal; 6] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH];

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A key.
    Key(u8),
    /// The time is over.
    Tick,
    /// The terminal has another size, or was somebody else's meanwhile.
    Changed,
    /// This signal wants the end.
    End(Signal),
    /// The terminal is gone.
    Gone,
}

/// The terminal, ours as long as this value lives.
pub struct Screen {
    before: Termios,
    signals: SignalFd,
    blocked: SigSet,
}

impl Screen {
    /// Takes the terminal of standard input and output.
    pub fn take() -> Result<Self, Error> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if !stdin().is_terminal() || !stdout().is_terminal() || dumb {
            let why = "it needs a terminal that can move its cursor; jailbase stat says it once, and with --json for programs";
            return Err(Error::Refused(why.into()));
        }
        let held: SigSet = HELD.into_iter().collect();
        let mut blocked = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&held), Some(&mut blocked)).doing("hold back", "signals")?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&held, flags).doing("wait for", "signals")?;
        let before = tcgetattr(stdin()).doing("ask", "the terminal")?;
        let screen = Self { before, signals, blocked };
        screen.change().doing("change", "the terminal")?;
        Ok(screen)
    }

    /// How large it is; a terminal that does not know is like one of old.
    pub fn size(&self) -> Size {
        match terminal::size(stdout()) {
            Ok(size) if size.columns > 0 && size.lines > 0 => size,
            _ => Size { columns: 80, lines: 24 },
        }
    }

    /// Shows these lines, each as much of it as there is room for.
    pub fn draw(&self, lines: &[String]) -> sys::Result<()> {
        write(&picture(lines, self.size()))
    }

    /// Waits for what happens next, so long and no longer.
    pub fn next(&self, patience: Duration) -> sys::Result<Event> {
        let input = stdin();
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN), PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => return Ok(Event::Changed),
            Ok(0) => return Ok(Event::Tick),
            ready => ready?,
        };
        let [keys, signals] = &fds;
        if signals.any() == Some(true) {
            return self.signal();
        }
        if keys.any() != Some(true) {
            return Ok(Event::Tick);
        }
        let mut key = [0];
        match nix::unistd::read(&input, &mut key) {
            Ok(0) | Err(Errno::EIO) => Ok(Event::Gone),
            Err(Errno::EINTR | Errno::EAGAIN) => Ok(Event::Changed),
            // An arrow or a function key is several bytes that come at once; none of our words begins so.
            Ok(_) if key == [0x1b] => rest_of_sequence(&input).map(|()| Event::Changed),
            read => read.map(|_| Event::Key(key[0])),
        }
    }

    fn signal(&self) -> sys::Result<Event> {
        let Some(came) = self.signals.read_signal()? else { return Ok(Event::Changed) };
        let number = i32::try_from(came.ssi_signo).map_err(|_| Errno::EINVAL)?;
        match Signal::try_from(number)? {
            Signal::SIGWINCH => Ok(Event::Changed),
            Signal::SIGTSTP => {
                self.give_back()?;
                // Not TSTP, which is held back. Who continues us gets the screen again.
                raise(Signal::SIGSTOP)?;
                self.change()?;
                Ok(Event::Changed)
            }
            end => Ok(Event::End(end)),
        }
    }

    fn change(&self) -> sys::Result<()> {
        let mut ours = self.before.clone();
        // Keys one by one and not shown; the keys that send signals still do.
        ours.local_flags &= !(LocalFlags::ICANON | LocalFlags::ECHO);
        for (index, value) in [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)] {
            #[allow(clippy::as_conversions, reason = "nix offers no other way to the index")]
            if let Some(character) = ours.control_chars.get_mut(index as usize) {
                *character = value;
            }
        }
        tcsetattr(stdin(), SetArg::TCSADRAIN, &ours)?;
        write(ENTER)
    }

    fn give_back(&self) -> sys::Result<()> {
        let shown = write(LEAVE);
        // ORDER: what was typed for us and not read goes, or the shell would take it for its own.
        tcsetattr(stdin(), SetArg::TCSAFLUSH, &self.before).and(shown)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        self.give_back().unwrap_or(());
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.blocked), None).unwrap_or(());
    }
}

/// Reads what belongs to an escape, and not the key that was pressed after it.
fn rest_of_sequence(input: &impl AsFd) -> sys::Result<()> {
    let (mut sequence, mut byte) = (vec![], [0]);
    while !is_whole(&sequence) {
        let mut more = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if poll(&mut more, PollTimeout::ZERO)? == 0 || nix::unistd::read(input, &mut byte)? == 0 {
            break;
        }
        sequence.push(byte[0]);
    }
    Ok(())
}

/// Whether these bytes behind an escape are all that belongs to it: one, or behind `[` and `O` all up to the first that ends
/// such a sequence.
fn is_whole(sequence: &[u8]) -> bool {
    match sequence {
        [] => false,
        [b'[' | b'O', rest @ ..] => rest.iter().any(|byte| (0x40..=0x7e).contains(byte)) || rest.len() > 32,
        _ => true,
    }
}

fn write(text: &str) -> sys::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| sys::fd::errno(&error))
}

/// The lines as a terminal takes them: each over the old one at its place, and nothing left of what was longer.
fn picture(lines: &[String], size: Size) -> String {
    let (columns, most) = (usize::from(size.columns), usize::from(size.lines));
    let cut = |line: &String| line.chars().filter(|c| (' '..='~').contains(c)).take(columns).collect::<String>();
    let shown: Vec<String> = lines.iter().take(most).map(|line| cut(line) + "\x1b[K").collect();
    format!("\x1b[H{}\x1b[J", shown.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_several_bytes_ends_before_the_next_one() {
        for whole in [&b"[A"[..], b"[15~", b"OP", b"x", b"[1;5C"] {
            assert!(is_whole(whole) && (0..whole.len()).all(|length| whole.get(..length).is_some_and(|part| !is_whole(part))));
        }
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_and_no_stranger_sends_it_a_sequence() {
        let lines = ["a".repeat(100), "x\x1b[2Jy\nz\u{9b}1m".to_owned(), "third".to_owned()];
        let shown = picture(&lines, Size { columns: 10, lines: 2 });
        assert_eq!(shown, format!("\x1b[H{}\x1b[K\r\nx[2Jyz1m\x1b[K\x1b[J", "a".repeat(10)));
        assert_eq!(picture(&[], Size { columns: 10, lines: 2 }), "\x1b[H\x1b[J");
    }
}
