//! reaper: one sweep over the pins of all jails. A jail that nobody used between two sweeps goes; the kernel's own count
//! of references says which, and nothing is remembered here between two runs.
#![forbid(unsafe_code)]

mod drain;
mod report;
mod sweep;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use drain::{Who, Whom};
use jail::error::Error;
use jail::id::Caller;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::jails::Jails;
use jail::state::pins::Pins;
use jail::sys::root::{self, Root};
use report::Tally;
use std::process::ExitCode;
use std::time::Duration;

/// Unmounts the jails that nobody used since the sweep before this one.
#[derive(Parser)]
#[command(version, after_help = HELP)]
struct Options {
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

impl Options {
    fn task(&self) -> clap::error::Result<Task> {
        let whom = match (&self.drain, self.all) {
            (None, _) => return Ok(Task::Sweep),
            (Some(None), true) => Whom::All,
            (Some(Some(who)), false) => Whom::One(who.clone()),
            _ => {
                let said = "--drain takes either a user or --all: whom?";
                return Err(Self::command().error(ErrorKind::WrongNumberOfValues, said));
            }
        };
        Ok(Task::Drain(whom, Duration::from_secs(self.wait.into())))
    }
}

const HELP: &str = "\
Exit status: 0 the sweep or the drain was complete; 64 wrong usage; 75 not drained, sessions still run;
77 not run by root, or no such jail; 125 a jail failed.";

/// What is to be done.
enum Task {
    Sweep,
    Drain(Whom, Duration),
}

fn main() -> ExitCode {
    let (options, task) = match Options::try_parse().and_then(|options| options.task().map(|task| (options, task))) {
        Ok(asked) => asked,
        Err(answer) => return report::about(&answer),
    };
    report::open(options.verbose);
    let code = run(&task).unwrap_or_else(|error| report::failure(&error));
    ExitCode::from(code)
}

fn run(task: &Task) -> Result<u8, Error> {
    let root = privilege()?;
    let host = Host::join(&root)?;
    match task {
        Task::Sweep => sweep(&root),
        Task::Drain(whom, patience) => drain::run(&root, &host, whom, *patience),
    }
}

fn sweep(root: &Root) -> Result<u8, Error> {
    let Some(holder) = Holder::find()? else {
        log::info!("no jail was made since the machine started: nothing to do");
        return Ok(0);
    };
    // ORDER: before the holder is entered; none of the host's paths leads anywhere from there.
    let jails = Jails::open()?;
    let Some(_turn) = sweep::turn(&jails)? else {
        log::warn!("another sweep is under way and does what this one would: nothing done");
        return Ok(0);
    };
    holder.enter(root)?;
    let pins = Pins::enter()?;
    let mut tally = Tally::default();
    for name in pins.names()? {
        let outcome = sweep::ask(root, &jails, &pins, &name);
        tally.note(&name, &outcome);
    }
    log::info!("{tally}");
    Ok(tally.code())
}

/// Root's rights, if root itself runs us. A setuid bit that somebody gave this program by mistake opens nothing.
fn privilege() -> Result<Root, Error> {
    match Root::take() {
        Ok((root, by)) if by.uid == Caller::new(0) => Ok(root),
        Err(failed @ Error::Failed { .. }) if root::called_by().uid == Caller::new(0) => Err(failed),
        _ => Err(Error::Refused("only root sweeps; run it as root, or let the timer trampoline-reaper.timer do it".into())),
    }
}
