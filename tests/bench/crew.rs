//! The workers, seen from the process that leads them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Outcome;
use crate::stage::Scratch;
use crate::worker::{LINE, PART};

/// The uid that plays the web server: Debian's www-data, which the shipped policy lets in.
pub const WEB: &str = "33";
/// The uid that the peers run their program as.
pub const TARGET: &str = "2001";

/// Which worker starts the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// The web server's uid, in the machine's own mount namespace: plain spawns, and our entries.
    Web,
    /// Root, in the machine's own mount namespace: jailbase and the reaper.
    Root,
    /// Root, in the private mount namespace that holds the peers' trees.
    Stage,
    /// The target's uid in that same namespace, for what needs no root.
    StageTarget,
}

struct Worker {
    child: Child,
    // `None` once dropped: a worker ends when its standard input does.
    ask: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
}

/// All four workers. When it is dropped they end, and the private mount namespace with them.
pub struct Crew {
    workers: Vec<(Who, Worker)>,
}

impl Crew {
    /// Starts the workers from a copy of this program that every uid can execute.
    pub fn start(scratch: &Scratch) -> Outcome<Crew> {
        let program = scratch.path("worker");
        let program = program.as_str();
        let own = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        std::fs::copy(&own, program).map_err(|error| format!("cannot copy this program to {program}: {error}"))?;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(program, open).map_err(|error| format!("cannot chmod {program}: {error}"))?;
        let drop_to = |uid| ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", program, "--worker"];

        let stage = Worker::start(&["unshare", "--mount", "--propagation", "private", program, "--worker"])?;
        let space = format!("--mount=/proc/{}/ns/mnt", stage.child.id());
        let mut enter = vec!["nsenter", space.as_str()];
        enter.extend(drop_to(TARGET));
        let mut crew = Crew { workers: vec![(Who::Stage, stage)] };
        // One answered question says that `unshare` has done its work, so that its namespace is the new one.
        crew.look(Who::Stage, &["true"])?;
        crew.workers.push((Who::Web, Worker::start(&drop_to(WEB))?));
        crew.workers.push((Who::Root, Worker::start(&[program, "--worker"])?));
        crew.workers.push((Who::StageTarget, Worker::start(&enter)?));
        for who in [Who::Web, Who::Root, Who::StageTarget] {
            crew.look(who, &["true"]).map_err(|why| format!("the worker {who:?} did not start: {why}"))?;
        }
        Ok(crew)
    }

    /// Runs a program once and returns what it printed, or why it failed.
    pub fn look<S: AsRef<str>>(&mut self, who: Who, argv: &[S]) -> Outcome<String> {
        self.ask(who, "look", 1, 0, argv)
    }

    /// Spawns a program up to `count` times within `millis` and returns the microseconds each call took.
    pub fn time<S: AsRef<str>>(&mut self, who: Who, count: u32, millis: u32, argv: &[S]) -> Outcome<Vec<f64>> {
        let text = self.ask(who, "time", count, millis, argv)?;
        text.split(',').map(|one| one.parse().map_err(|_| format!("a worker said {one:?} for a time"))).collect()
    }

    fn ask<S: AsRef<str>>(&mut self, who: Who, verb: &str, count: u32, millis: u32, argv: &[S]) -> Outcome<String> {
        let worker = self.workers.iter_mut().find(|(which, _)| *which == who).map(|(_, worker)| worker);
        let worker = worker.ok_or_else(|| format!("there is no worker {who:?}"))?;
        let mut request = format!("{verb}{PART}{count}{PART}{millis}");
        for word in argv {
            request.push(PART);
            request.push_str(word.as_ref());
        }
        worker.converse(&request).map_err(|error| format!("the worker {who:?} went away: {error}"))?
    }
}

impl Worker {
    fn start(argv: &[&str]) -> Outcome<Worker> {
        let (program, words) = argv.split_first().ok_or("nothing to start")?;
        let failed = |why: &str| format!("cannot start {program}: {why} (is the package util-linux installed?)");
        let mut child = Command::new(program)
            .args(words)
            .current_dir(Path::new("/"))
            // cargo's LD_LIBRARY_PATH would slow every dynamically linked contender down, and not the setuid one.
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let ask = child.stdin.take();
        let told = BufReader::new(child.stdout.take().ok_or_else(|| failed("it has no output"))?);
        Ok(Worker { child, ask, told })
    }

    fn converse(&mut self, request: &str) -> std::io::Result<Outcome<String>> {
        if let Some(ask) = &mut self.ask {
            writeln!(ask, "{}", request.replace('\n', " "))?;
        }
        let mut reply = String::new();
        self.told.read_line(&mut reply)?;
        let reply = reply.trim_end_matches('\n').replace(LINE, "\n");
        match reply.split_once(PART) {
            Some(("ok", text)) => Ok(Ok(text.to_string())),
            Some((_, why)) => Ok(Err(why.to_string())),
            None => Err(std::io::Error::other("it gave no answer")),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.ask.take());
        // Waiting keeps zombies and mounts from outliving the benchmark; an error leaves nothing to do about it.
        self.child.wait().ok();
    }
}
