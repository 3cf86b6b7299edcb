//! reaper: one sweep over the pins of all jails. A jail that nobody used between two sweeps goes; the kernel's own count
//! of references says which, and nothing is remembered here between two runs.
#![forbid(unsafe_code)]

mod report;
mod sweep;

use clap::Parser;
use jail::error::Error;
use jail::id::Caller;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::jails::Jails;
use jail::sys::root::{self, Root};
use report::Tally;
use std::process::ExitCode;
use sweep::Pins;

/// Unmounts the jails that nobody used since the sweep before this one.
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 the sweep was complete, 64 wrong usage, 77 not run by root, 125 a jail failed.")]
struct Options {
    /// Say what became of each jail, and how many there were, on standard error
    #[arg(short, long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(answer) => return report::about(&answer),
    };
    report::open(options.verbose);
    let code = sweep().unwrap_or_else(|error| report::failure(&error));
    ExitCode::from(code)
}

fn sweep() -> Result<u8, Error> {
    let root = privilege()?;
    let _host = Host::join(&root)?;
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
    holder.enter(&root)?;
    let pins = Pins::enter()?;
    let mut tally = Tally::default();
    for name in pins.names()? {
        let outcome = pins.ask(&root, &jails, &name);
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
