//! What was asked: argv read into a [`Request`], and judged into an [`Authorised`].

use jail::asked::Asked;
use jail::error::Error;
use jail::id::{Name, Target, decimal};
use jail::plan::Plan;
use jail::policy::{self, Grant};
use jail::report::escaped;
use jail::spec::Spec;
use jail::state::images::Generation;
use jail::state::jails::{JailDir, Jails};
use jail::sys::root::CalledBy;
use lexopt::prelude::{Long, Short, Value};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

/// The longest `--timeout`, in seconds: a year.
const LONGEST: u64 = 366 * 24 * 3600;

/// One command line.
#[derive(Debug)]
pub enum Request {
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// `--policy`
    Policy,
    /// Something about a jail.
    Jail(Wanted),
}

/// Whom it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Who {
    Uid(Target),
    Name(Name),
}

/// What is to be done in whose jail; not judged yet.
#[derive(Debug)]
pub struct Wanted {
    who: Who,
    task: Task,
}

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// `--explain`
    Explain,
    /// `--ensure`
    Ensure,
    /// Run a program.
    Run(Run),
}

/// A program to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The program and its arguments, as given.
    pub command: Vec<CString>,
    /// Where to run it; the home if not given.
    pub directory: Option<CString>,
    /// What to add to its environment.
    pub environment: Vec<Asked>,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// A task that the policy allows and a spec describes. Only [`Wanted::authorise`] makes one.
#[derive(Debug)]
pub struct Authorised {
    pub(crate) grant: Grant,
    pub(crate) jails: Jails,
    pub(crate) dir: JailDir,
    pub(crate) spec: Spec,
    pub(crate) task: Task,
}

fn usage(what: impl Into<String>) -> Error {
    Error::Usage(what.into())
}

impl Request {
    /// Reads a command line. Nothing but its own words decides what it means: not `argv[0]`, not the environment.
    pub fn parse(words: Vec<OsString>) -> Result<Self, Error> {
        let bad = |e: lexopt::Error| usage(escaped(e.to_string().as_bytes()));
        let value = |parser: &mut lexopt::Parser| parser.value().map_err(bad);
        // KERNEL: before 5.18 a caller can execute us without any argument, not even argv[0] (CVE-2021-4034).
        let mut parser = lexopt::Parser::from_iter(words);
        let mut run = Run::default();
        let (mut who, mut task) = (None, None);
        while let Some(argument) = parser.next().map_err(bad)? {
            match argument {
                Short('h') | Long("help") => return alone(parser, Self::Help),
                Short('V') | Long("version") => return alone(parser, Self::Version),
                Long("policy") => return alone(parser, Self::Policy),
                Long(option @ ("explain" | "ensure")) if who.is_none() => {
                    task = Some(if option == "explain" { Task::Explain } else { Task::Ensure });
                    who = Some(Who::parse(&value(&mut parser)?)?);
                }
                Short('C') | Long("chdir") if run.directory.is_none() => run.directory = Some(directory(value(&mut parser)?)?),
                Short('e') | Long("env") => {
                    let text = value(&mut parser)?;
                    let asked = Asked::new(text.as_bytes());
                    run.environment.push(asked.map_err(|why| usage(format!("--env {}: {why}", escaped(text.as_bytes()))))?);
                }
                Short('t') | Long("timeout") if run.timeout.is_none() => run.timeout = Some(seconds(&value(&mut parser)?)?),
                Value(user) if who.is_none() => {
                    who = Some(Who::parse(&user)?);
                    // The program's words are not ours: the very next one must be "--", and nothing after it is looked at.
                    let mut rest = parser.raw_args().map_err(bad)?;
                    if rest.next().as_deref() != Some("--".as_ref()) {
                        return Err(usage("it reads trampoline [OPTIONS] USER -- PROGRAM, with \"--\" between the two"));
                    }
                    run.command = rest.map(c_string).collect::<Result<_, _>>()?;
                    if run.command.first().is_none_or(|program| program.is_empty()) {
                        return Err(usage("a PROGRAM must follow \"--\""));
                    }
                }
                Long(name) => return Err(usage(format!("unknown, unfitting or repeated option --{}", escaped(name.as_bytes())))),
                Short(letter) => return Err(usage(format!("unknown or repeated option -{}", letter.escape_default()))),
                Value(word) => return Err(usage(format!("unexpected word {}", escaped(word.as_bytes())))),
            }
        }
        match (who, task) {
            (None, _) => Err(usage("whose jail? Give a USER or a UID")),
            (Some(_), Some(_)) if run != Run::default() => {
                Err(usage("--ensure and --explain run nothing and take no other option"))
            }
            (Some(who), Some(task)) => Ok(Self::Jail(Wanted { who, task })),
            (Some(who), None) => Ok(Self::Jail(Wanted { who, task: Task::Run(run) })),
        }
    }
}

fn alone(mut parser: lexopt::Parser, question: Request) -> Result<Request, Error> {
    match parser.next() {
        Ok(None) => Ok(question),
        _ => Err(usage("--help, --version and --policy stand alone")),
    }
}

impl Who {
    fn parse(text: &OsString) -> Result<Self, Error> {
        let word = text.to_str().unwrap_or_default();
        if let Some(name) = Name::new(word) {
            return Ok(Self::Name(name));
        }
        match (Target::parse(word), decimal(word)) {
            (Some(uid), _) => Ok(Self::Uid(uid)),
            // Well written, and nobody: 0, or what setresuid takes for "leave as it is".
            (None, Some(number)) if u32::try_from(number).is_ok() => {
                Err(Error::Refused(format!("uid {number} is never a target")))
            }
            _ => Err(usage(format!("\"{}\" is neither a user's name nor a uid", escaped(text.as_bytes())))),
        }
    }
}

fn c_string(text: OsString) -> Result<CString, Error> {
    CString::new(text.into_vec()).map_err(|_| usage("a word holds a zero byte"))
}

fn directory(text: OsString) -> Result<CString, Error> {
    let path = c_string(text)?;
    if path.as_bytes().starts_with(b"/") { Ok(path) } else { Err(usage("--chdir takes an absolute path inside the jail")) }
}

fn seconds(text: &OsString) -> Result<Duration, Error> {
    let number = text.to_str().and_then(decimal).filter(|n| (1..=LONGEST).contains(n));
    number.map(Duration::from_secs).ok_or_else(|| usage(format!("--timeout takes whole seconds from 1 to {LONGEST}")))
}

impl Wanted {
    /// Asks the policy, and reads the spec. A caller whom the policy does not know learns nothing of who exists.
    pub fn authorise(self, by: CalledBy) -> Result<Authorised, Error> {
        let jails = Jails::open()?;
        let target = match &self.who {
            Who::Uid(target) => *target,
            Who::Name(name) => jails.target(name)?,
        };
        let no = || Error::Refused(format!("the compiled policy does not let uid {} enter the jail of uid {target}", by.uid));
        let grant = policy::authorise(by.uid, target).ok_or_else(no)?;
        let dir = jails.jail(grant.target())?;
        let spec = dir.spec()?;
        match &self.who {
            Who::Name(name) if *name != spec.name => Err(Error::Refused(format!("{name} leads to the spec of {}", spec.name))),
            _ => Ok(Authorised { grant, jails, dir, spec, task: self.task }),
        }
    }
}

impl Authorised {
    /// Whether only the plan is wanted.
    pub fn explains(&self) -> bool {
        matches!(self.task, Task::Explain)
    }

    /// The plan of the jail and the generation it is made from.
    pub fn planned(self) -> Result<(Spec, Plan, u32), Error> {
        let generation = Generation::in_service(&self.spec.image)?;
        let plan = Plan::of(&self.spec, &generation.image);
        Ok((self.spec, plan, generation.number))
    }
}
