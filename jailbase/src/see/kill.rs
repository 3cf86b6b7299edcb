//! `kill`: ends the sessions of a user, or hands a signal to them. The jail itself stays.

use super::alive::{self, Ask, Jail, Session};
use super::process::Process;
use super::whom;
use crate::table::counted;
use crate::tell;
use clap::{Args, ValueEnum};
use jail::error::Error;
use jail::report::escaped;
use jail::state::Doing;
use jail::state::host::Host;
use jail::sys::images::pidfd::{Held, Signal};
use jail::sys::root::Root;
use std::time::{Duration, Instant};

/// How long the kernel may take to end what was killed: a process that waits for a disk ends when that answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// The command line of `kill`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// Only this session, named by its process 1 as ps shows it
    #[arg(long)]
    session: Option<u32>,
    /// Send this signal and do not wait; without it TERM, and KILL to what is left after the time of --wait
    #[arg(long, value_enum, ignore_case = true)]
    signal: Option<Sent>,
    /// How many seconds there are between TERM and KILL
    #[arg(long, default_value_t = 5)]
    wait: u64,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What can be sent: KILL, and what a supervisor hands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Sent {
    Term,
    Kill,
    Hup,
    Int,
    Quit,
    Usr1,
    Usr2,
}

impl Sent {
    fn signal(self) -> Signal {
        match self {
            Self::Term => Signal::SIGTERM,
            Self::Kill => Signal::SIGKILL,
            Self::Hup => Signal::SIGHUP,
            Self::Int => Signal::SIGINT,
            Self::Quit => Signal::SIGQUIT,
            Self::Usr1 => Signal::SIGUSR1,
            Self::Usr2 => Signal::SIGUSR2,
        }
    }
}

/// One session, its two ends held.
struct Target {
    shown: String,
    init: Held,
    /// Who hands signals on, if somebody does.
    supervisor: Option<Held>,
}

/// Ends sessions, or signals them.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    let spec = whom::user(&words.user)?;
    let jail = alive::of(root, host, spec.uid, Ask::Uses)?;
    let chosen: Vec<&Session> = jail.iter().flat_map(|jail| &jail.sessions).filter(|s| is_meant(s, words)).collect();
    if let (Some(number), true) = (words.session, chosen.is_empty()) {
        let why = format!("{} has no session {number}; jailbase ps {} lists them", spec.name, spec.name);
        return Err(Error::Refused(why));
    }
    if chosen.is_empty() {
        return tell::said(&format!("{}: no session runs\n", spec.name));
    }
    let mut targets = Vec::new();
    for session in chosen {
        let shown = format!("{}: session {} ({})", spec.name, session.init.pid, program(session));
        if words.dry_run {
            let what = words.signal.map_or_else(|| "end".to_owned(), |sent| format!("send {} to", sent.signal()));
            tell::say(&format!("would {what} {shown}\n"))?;
        } else if let Some(target) = hold(root, session, shown)? {
            targets.push(target);
        }
    }
    match words.signal {
        Some(sent) => targets.iter().try_for_each(|target| send(root, target, sent.signal())).and_then(|()| match sent {
            // The kernel ends what was killed a moment later.
            Sent::Kill => await_ends(targets.iter().collect(), PATIENCE).map(drop),
            _ => Ok(()),
        }),
        None => end(root, &targets, Duration::from_secs(words.wait)),
    }?;
    match look_again(root, host, jail.as_ref(), words)? {
        0 => Ok(()),
        left => Err(Error::failed(
            "end",
            format!("{} of {}", counted(left, "session"), spec.name),
            "their processes wait for a disk or a file server, and end when that answers",
        )),
    }
}

fn is_meant(session: &Session, words: &Words) -> bool {
    words.session.is_none_or(|number| number == session.init.pid)
}

/// What runs in a session: the eldest child of its process 1.
fn program(session: &Session) -> String {
    let children = session.processes.iter().filter(|process| process.parent == session.init.pid);
    children.min_by_key(|process| process.start).map_or_else(String::new, |process| escaped(&process.command()))
}

/// Holds both ends of a session; nothing if it has ended meanwhile.
fn hold(root: &Root, session: &Session, shown: String) -> Result<Option<Target>, Error> {
    let held = |pid: u32| Held::of(root, pid).doing("hold", format!("process {pid}"));
    let Some(init) = held(session.init.pid)? else { return Ok(None) };
    // ORDER: after it is held. The same number that started at the same moment is the same process.
    if Process::of(session.init.pid).is_none_or(|now| now.start != session.init.start) {
        return Ok(None);
    }
    let supervisor = held(session.init.parent)?;
    // ORDER: after this one is held too. What holds a lease then and is still the parent of process 1 is its supervisor.
    let still = Process::of(session.init.pid).is_some_and(|now| Some(now.parent) == session.supervisor());
    Ok(Some(Target { shown, init, supervisor: supervisor.filter(|_| still) }))
}

/// The supervisor hands it on; KILL goes to process 1, and the kernel kills the rest. Where nobody hands anything on the session
/// is about to end by itself, and there is only KILL.
fn send(root: &Root, target: &Target, signal: Signal) -> Result<(), Error> {
    let to = match &target.supervisor {
        Some(supervisor) if signal != Signal::SIGKILL => supervisor,
        _ => &target.init,
    };
    let signal = if target.supervisor.is_none() { Signal::SIGKILL } else { signal };
    let said = if to.signal(root, signal).doing("signal", target.shown.as_str())? { signal.as_str() } else { "ended before" };
    tell::said(&format!("{}: {said}\n", target.shown))
}

/// TERM to all, and KILL to those that are left when the time is over.
fn end(root: &Root, targets: &[Target], wait: Duration) -> Result<(), Error> {
    targets.iter().try_for_each(|target| send(root, target, Signal::SIGTERM))?;
    let left = await_ends(targets.iter().collect(), wait)?;
    for target in &left {
        if target.init.signal(root, Signal::SIGKILL).doing("signal", target.shown.as_str())? {
            tell::said(&format!("{}: still there after {} s, KILL\n", target.shown, wait.as_secs()))?;
        }
    }
    await_ends(left, PATIENCE).map(drop)
}

/// Those that have not ended when the time is over.
fn await_ends(mut left: Vec<&Target>, wait: Duration) -> Result<Vec<&Target>, Error> {
    let start = Instant::now();
    loop {
        let mut still = Vec::new();
        for target in left {
            let patience = wait.saturating_sub(start.elapsed()).min(Duration::from_millis(100));
            if !target.init.ends_within(patience).doing("wait for", target.shown.as_str())? {
                still.push(target);
            }
        }
        if still.is_empty() || start.elapsed() >= wait {
            return Ok(still);
        }
        left = still;
    }
}

/// How many of the sessions that were to end are still there.
fn look_again(root: &Root, host: &Host, before: Option<&Jail>, words: &Words) -> Result<usize, Error> {
    if words.dry_run || words.signal.is_some_and(|sent| sent != Sent::Kill) {
        return Ok(0);
    }
    let meant: Vec<(u32, u64)> = before
        .iter()
        .flat_map(|jail| &jail.sessions)
        .filter(|session| is_meant(session, words))
        .map(|session| (session.init.pid, session.init.start))
        .collect();
    let Some(target) = before.map(|jail| jail.target) else { return Ok(0) };
    let now = alive::of(root, host, target, Ask::Uses)?;
    let is_left = |session: &&Session| meant.contains(&(session.init.pid, session.init.start)) && session.init.state != 'Z';
    Ok(now.iter().flat_map(|jail| &jail.sessions).filter(is_left).count())
}
