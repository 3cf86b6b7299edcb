//! One call of trampoline: who calls, with what, and what came of it.

use super::{WWW, log, process, program, seen};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than most tests need; a call that hangs must fail its test, not hold it up for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call that is being put together. Unless told otherwise uid 33 makes it, with an empty environment.
pub struct Call {
    pub command: Command,
    input: Vec<u8>,
    patience: Duration,
}

/// A call that was made.
pub struct Done {
    pub status: ExitStatus,
    pub out: Vec<u8>,
    pub err: String,
    pub took: Duration,
    pub pid: u32,
    /// How many lines the system log had before.
    pub logged_before: usize,
}

/// A call under way.
pub struct Running {
    child: Child,
    input: Option<thread::JoinHandle<()>>,
    out: thread::JoinHandle<Vec<u8>>,
    err: thread::JoinHandle<Vec<u8>>,
    start: Instant,
    patience: Duration,
    logged_before: usize,
}

impl Call {
    /// trampoline with these words.
    pub fn new<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Self {
        Self::of(program("trampoline"), words)
    }

    /// Another program with these words; for callers that stand between us and trampoline.
    pub fn of<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, words: impl IntoIterator<Item = S>) -> Self {
        log::listen();
        let mut command = Command::new(program);
        command.args(words).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, input: Vec::new(), patience: PATIENCE }.by(WWW, WWW)
    }

    /// As another caller.
    pub fn by(mut self, uid: u32, gid: u32) -> Self {
        self.command.uid(uid).gid(gid);
        self
    }

    /// With this on standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// May take this long.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// With these variables.
    pub fn env(mut self, pairs: &[(&str, &str)]) -> Self {
        self.command.envs(pairs.iter().copied());
        self
    }

    /// After this, in the new process, as the caller.
    pub fn after(mut self, what: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        process::before_exec(&mut self.command, what);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let (start, logged_before) = (Instant::now(), log::count());
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}", self.command));
        let input = child.stdin.take().map(|mut pipe| {
            let bytes = self.input;
            // A program need not read what it is given.
            thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
        Running { child, input, out, err, start, patience: self.patience, logged_before }
    }

    /// Makes it and waits for its end.
    pub fn run(self) -> Done {
        self.start().end()
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

impl Running {
    /// The supervisor's pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the supervisor.
    pub fn signal(&self, number: i32) {
        process::kill(self.child.id(), number);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Done {
        let pid = self.child.id();
        let mut status = None;
        seen::within(self.patience, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let took = self.start.elapsed();
        let Some(status) = status else {
            self.signal(libc::SIGKILL);
            panic!("the call hangs: pid {pid}");
        };
        let out = self.out.join().unwrap();
        let err = String::from_utf8_lossy(&self.err.join().unwrap()).into_owned();
        if let Some(input) = self.input {
            input.join().unwrap();
        }
        Done { status, out, err, took, pid, logged_before: self.logged_before }
    }
}

impl Done {
    /// Standard output as text, without the last line's end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim_end_matches('\n').to_owned()
    }

    /// The program ended well and nobody said anything on standard error; its output.
    #[track_caller]
    pub fn well(&self) -> String {
        assert_eq!((self.code(), self.err.as_str()), (0, ""), "it did not end well; on standard output: {}", self.text());
        self.text()
    }

    /// The exit code.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("a signal ended trampoline: {:?}", self.status.signal()))
    }

    /// The exit code, with nothing on standard output and exactly one plain line of ours on standard error: that line.
    #[track_caller]
    pub fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code(), code, "on standard error: {}", self.err);
        assert_eq!(self.text(), "", "nothing of ours is ever on standard output");
        let line = self.err.strip_suffix('\n').unwrap_or_else(|| panic!("no whole line on standard error: {:?}", self.err));
        assert!(!line.contains('\n') && !line.chars().any(char::is_control), "more than one plain line: {:?}", self.err);
        line.strip_prefix("trampoline: ").unwrap_or_else(|| panic!("the line does not say who speaks: {line:?}"))
    }
}
