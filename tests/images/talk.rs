//! A session that is asked again and again what it sees.

use crate::common::call::Call;
use crate::common::user::User;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// One session, whose program says one line for each that it reads.
pub struct Talk {
    session: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Talk {
    /// With this program, in the jail of this user.
    pub fn with(user: &User, command: &[&str]) -> Self {
        let mut command = Call::new(user.words(command)).command;
        let mut session = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (ask, hear) = (session.stdin.take().unwrap(), BufReader::new(session.stdout.take().unwrap()));
        Self { session, ask, hear }
    }

    /// What it sees now.
    #[track_caller]
    pub fn word(&mut self) -> String {
        self.ask.write_all(b"\n").unwrap();
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Its end, which must be a good one.
    #[track_caller]
    pub fn end(self) {
        let Self { mut session, ask, hear } = self;
        drop((ask, hear));
        assert!(session.wait().unwrap().success());
    }
}
