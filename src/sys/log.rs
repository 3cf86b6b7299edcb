//! syslog(3)'s datagrams, without its locale, its format strings and its blocking.

use crate::policy;
use crate::report::escaped;
use std::os::unix::net::UnixDatagram;

/// How grave a line is, as syslog counts, in the facility LOG_AUTHPRIV.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grave {
    /// Somebody was told no.
    Warning,
    /// We could not do what we were asked to.
    Error,
    /// A run.
    Info,
}

impl Grave {
    const fn priority(self) -> u8 {
        const AUTHPRIV: u8 = 10 << 3;
        AUTHPRIV
            | match self {
                Self::Error => 3,
                Self::Warning => 4,
                Self::Info => 6,
            }
    }
}

/// The open way to the system log; none if there is no log daemon.
#[derive(Debug)]
pub struct Log(Option<UnixDatagram>);

impl Log {
    /// No way to the log, yet or any more.
    pub const fn closed() -> Self {
        Self(None)
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.0 = None;
    }

    /// Opens it. ORDER: in the initial mount namespace, before a jail is entered; the socket is not reachable after.
    pub fn open() -> Self {
        let socket = UnixDatagram::unbound().and_then(|socket| {
            socket.connect(policy::LOG)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        Self(socket.ok())
    }

    /// Sends one line. A daemon that is full or gone loses it: a log must not be able to stop a web server.
    pub fn line(&self, grave: Grave, text: &str) {
        if let Self(Some(socket)) = self {
            // The identity is a constant: argv[0] is the caller's.
            let line = format!("<{}>trampoline[{}]: {text}", grave.priority(), std::process::id());
            drop(socket.send(line.as_bytes()));
        }
    }

    /// Sends one line about a run.
    pub fn run(&self, caller: u32, target: u32, program: &[u8]) {
        if policy::LOG_RUNS {
            self.line(Grave::Info, &format!("uid {caller} runs {} as uid {target}", escaped(program)));
        }
    }
}
