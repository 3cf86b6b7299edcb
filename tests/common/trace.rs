//! System-call traces: what trampoline asked of the kernel, process by process.

use super::user::User;
use super::{log, program, seen};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// One system call, as strace writes it: paths of descriptors in angle brackets.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    /// What stands between the brackets.
    pub arguments: String,
    /// What stands behind the equals sign.
    pub result: String,
}

/// The calls of one process, in order.
#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    pub calls: Vec<Call>,
}

/// A traced run: trampoline, which becomes the supervisor; process 1 of the session; the program, from its first breath.
#[derive(Debug)]
pub struct Trace(pub Vec<Process>);

impl Call {
    fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let arguments = arguments.trim_end().strip_suffix(')')?.to_owned();
        Some(Self { name: name.to_owned(), arguments, result: result.trim().to_owned() })
    }

    /// Whether the kernel said yes.
    pub fn worked(&self) -> bool {
        !self.result.starts_with('-')
    }

    /// What stands in quotes, in order.
    pub fn texts(&self) -> Vec<String> {
        self.arguments.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The number that a descriptor has which this call made, or got as its first argument.
    pub fn made(&self) -> Option<u32> {
        number(&self.result)
    }

    pub fn first_descriptor(&self) -> Option<u32> {
        number(&self.arguments)
    }

    /// The path it looks up: that of the descriptor or current directory before the first text, joined with the text. An empty
    /// text is the descriptor itself, and nothing is looked up.
    pub fn path(&self) -> Option<String> {
        let (before, rest) = self.arguments.split_once('"')?;
        let text = rest.split('"').next().filter(|text| !text.is_empty())?;
        let base = before.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
        let joined = if text.starts_with('/') { text.to_owned() } else { format!("{}/{text}", base.trim_end_matches('/')) };
        Some(if joined.len() > 1 { joined.trim_end_matches('/').to_owned() } else { joined })
    }
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

impl Trace {
    /// Runs one of the programs, as the user of this name on the host, with these variables and no others. `dir` is empty.
    pub fn of(program: &Path, caller: &str, variables: &[(&str, &str)], words: &[&str], dir: &Path) -> Self {
        log::listen();
        let prefix = dir.join("trace");
        let mut command = Command::new("/usr/bin/strace");
        command.env_clear().current_dir("/").args(["-ff", "-y", "-qq", "-s", "400", "-o"]).arg(&prefix).args(["-u", caller]);
        for (name, value) in variables {
            command.arg("-E").arg(format!("{name}={value}"));
        }
        let done = command.arg(program).args(words).output().unwrap();
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        let mut processes: Vec<Process> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let pid = path.extension().unwrap().to_str().unwrap().parse().unwrap();
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                let calls: Vec<Call> = text.lines().filter_map(Call::read).collect();
                assert!(!calls.is_empty(), "nothing in the trace of {pid}: {text}");
                Process { pid, calls }
            })
            .collect();
        processes.sort_by_key(|process| process.pid);
        Self(processes)
    }

    /// A run of `/bin/true` in the jail of a user, as uid 33, cold or warm.
    pub fn entry(user: &User, cold: bool, variables: &[(&str, &str)]) -> Self {
        // A jail in which nothing runs may be swept by another test before the traced call gets there.
        let held = if cold {
            seen::take_down(user.uid);
            None
        } else {
            let held = user.call(&["sleep", "60"]).start();
            assert!(seen::within(Duration::from_secs(10), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
            Some(held)
        };
        let dir = Scratch::new(&user.name);
        let trace = Self::of(&program("trampoline"), "www-data", variables, &user.words(&["/bin/true"]), &dir.0);
        if let Some(held) = held {
            held.signal(libc::SIGTERM);
            held.end();
        }
        trace
    }

    /// trampoline itself.
    pub fn supervisor(&self) -> &Process {
        let own = |process: &&Process| process.calls[0].name == "execve";
        self.0.iter().find(own).expect("no process began with execve")
    }

    /// Process 1 of the session.
    pub fn init(&self) -> &Process {
        self.child_of(self.supervisor(), "clone3")
    }

    /// The program.
    pub fn program(&self) -> &Process {
        self.child_of(self.init(), "clone")
    }

    fn child_of(&self, parent: &Process, call: &str) -> &Process {
        let made: Vec<&Call> = parent.calls.iter().filter(|c| c.name == call).collect();
        assert_eq!(made.len(), 1, "{} makes {} children by {call}", parent.pid, made.len());
        // Inside a pid namespace the number is another; each process makes one child, so the order tells.
        let at = self.0.iter().position(|p| p.pid == parent.pid).unwrap();
        self.0.get(at + 1).expect("a child without a trace")
    }
}

impl Process {
    /// The calls up to the one that gives the privilege up, and those from it on.
    pub fn around_the_drop(&self, uid: u32) -> (&[Call], &[Call]) {
        let four = format!("{uid}, {uid}, {uid}");
        let at = self.calls.iter().position(|c| c.name == "setresuid" && c.arguments == four);
        self.calls.split_at(at.unwrap_or_else(|| panic!("{} never becomes uid {uid}", self.pid)))
    }
}

/// An empty directory that only root reaches, gone with this value.
pub struct Scratch(pub std::path::PathBuf);

impl Scratch {
    /// One of the user's of this name.
    pub fn new(name: &str) -> Self {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::path::PathBuf::from(format!("/home/{name}.scratch"));
        drop(std::fs::remove_dir_all(&path));
        std::fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
