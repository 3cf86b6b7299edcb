//! syslog(3)'s datagrams, without its locale, its format strings and its blocking.

use crate::policy;
use crate::report::escaped;
use std::os::unix::net::UnixDatagram;

/// The priority of somebody being told no: facility LOG_AUTHPRIV, LOG_WARNING.
pub const WARNING: u8 = 84;
/// The priority of us not being able to do what we were asked to: LOG_AUTHPRIV, LOG_ERR.
pub const ERROR: u8 = 83;
/// The priority of a run: LOG_AUTHPRIV, LOG_INFO.
const INFO: u8 = 86;

/// The open way to the system log.
#[derive(Debug)]
pub struct Log(UnixDatagram);

impl Log {
    /// Opens it; `None` if there is no log daemon.
    ///
    /// ORDER: in the initial mount namespace, before a jail is entered; the socket is not reachable after.
    pub fn open() -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(policy::LOG).and_then(|()| socket.set_nonblocking(true)).ok()?;
        Some(Self(socket))
    }

    /// Sends one line. A daemon that is full or gone loses it: a log must not be able to stop a web server.
    pub fn line(&self, priority: u8, text: &str) {
        // The identity is a constant: argv[0] is the caller's.
        let line = format!("<{priority}>trampoline[{}]: {text}", std::process::id());
        drop(self.0.send(line.as_bytes()));
    }

    /// Sends one line about a run.
    pub fn run(&self, caller: u32, target: u32, program: &[u8]) {
        if policy::LOG_RUNS {
            self.line(INFO, &format!("uid {caller} runs {} as uid {target}", escaped(program)));
        }
    }
}
