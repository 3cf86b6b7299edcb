//! The command line, read into one task.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use jail::id::{Name, Target};
use jail::path::JailPath;
use std::str::FromStr;
use std::time::Duration;

/// What is asked for.
#[derive(Debug)]
pub struct Options {
    /// What is to be done.
    pub task: Task,
    /// One object for programs on standard output.
    pub json: bool,
    /// Where the figures of the sweep go.
    pub metrics: Option<JailPath>,
    /// Everything is said.
    pub verbose: bool,
}

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// Ask every pin once.
    Sweep,
    /// Say what a sweep would find.
    Look,
    /// Take jails down, and wait so long for their sessions.
    Drain(Whom, Duration),
}

/// Whose jail is to be drained.
#[derive(Debug)]
pub enum Whom {
    /// One user's.
    One(Who),
    /// Everybody's.
    All,
}

/// One user.
#[derive(Clone, Debug)]
pub enum Who {
    /// By uid.
    Uid(Target),
    /// By name.
    Name(Name),
}

/// Unmounts the jails that nobody used since the sweep before this one.
#[derive(Parser)]
#[command(version, after_help = HELP)]
struct Words {
    /// Say what a sweep would find, and neither set nor take off a mark
    #[arg(long, conflicts_with = "drain")]
    dry_run: bool,
    /// Say the outcome as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Write the figures of the sweep to this file, as text for Prometheus
    #[arg(long, value_name = "FILE", value_parser = file, conflicts_with_all = ["dry_run", "drain"])]
    metrics: Option<JailPath>,
    /// Keep everybody out of this user's jail, wait for its sessions to end, and take it down
    #[arg(long, value_name = "USER|UID")]
    drain: Option<Option<Who>>,
    /// With --drain instead of a user: the jails of all users
    #[arg(long, requires = "drain")]
    all: bool,
    /// With --drain: how long to wait for sessions to end
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "drain")]
    wait: u32,
    /// Say what became of each jail, and how many there were, on standard error
    #[arg(short, long)]
    verbose: bool,
}

const HELP: &str = "\
Exit status: 0 the sweep or the drain was complete, or another sweep is under way; 64 wrong usage;
75 not drained, sessions still run; 77 not run by root, or no such jail; 125 a jail failed, or the sweep.";

impl Options {
    /// Reads the command line; no other place is asked.
    pub fn read() -> Result<Self, clap::Error> {
        let words = Words::try_parse()?;
        let task = words.task()?;
        // Who only looks wants to hear what is there.
        let verbose = words.verbose || words.dry_run && !words.json;
        Ok(Self { task, json: words.json, metrics: words.metrics, verbose })
    }
}

impl Words {
    fn task(&self) -> Result<Task, clap::Error> {
        let whom = match (&self.drain, self.all) {
            (None, _) if self.dry_run => return Ok(Task::Look),
            (None, _) => return Ok(Task::Sweep),
            (Some(None), true) => Whom::All,
            (Some(Some(who)), false) => Whom::One(who.clone()),
            _ => {
                let said = "--drain wants a user, or --all, and not both";
                return Err(Self::command().error(ErrorKind::WrongNumberOfValues, said));
            }
        };
        Ok(Task::Drain(whom, Duration::from_secs(self.wait.into())))
    }
}

impl Task {
    /// Its name, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Look => "dry-run",
            Self::Drain(..) => "drain",
        }
    }
}

impl FromStr for Who {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uid = Target::parse(text).map(Self::Uid);
        uid.or_else(|| Name::new(text).map(Self::Name)).ok_or("neither a user's name nor a uid")
    }
}

/// The service's own idea of relative paths is not process 1's, where the file is written.
fn file(text: &str) -> Result<JailPath, &'static str> {
    JailPath::new(text).ok_or("an absolute path is needed, without \"..\" or anything else to be resolved")
}
