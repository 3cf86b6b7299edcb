//! reaper: one sweep over the pins of all jails. A jail that nobody used between two sweeps goes; the kernel's own count
//! of references and its mark say which, and nothing that is remembered here decides.
#![forbid(unsafe_code)]

mod drain;
mod json;
mod look;
mod metrics;
mod options;
mod outcome;
mod process;
mod report;
mod sweep;
mod tell;
mod turn;

use jail::error::Error;
use jail::id::Caller;
use jail::state::host::Host;
use jail::sys;
use jail::sys::expire::keep_no_limits;
use jail::sys::root::{self, Root};
use options::{Options, Task};
use report::Report;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(answer) => return tell::about(&answer),
    };
    tell::open(options.verbose);
    // ORDER: nothing is written for a caller whom nobody let in; a setuid bit would make it root's writing.
    let root = match privilege() {
        Ok(root) => root,
        Err(refused) => return ExitCode::from(tell::failure(&refused)),
    };
    let done = run(&root, &options.task);
    let kept = options.metrics.as_ref().map_or(Ok(()), |file| metrics::keep(file, &done));
    let said = if options.json { json::say(&options.task, &done) } else { Ok(()) };
    let codes = [done.map(|report| report.code()), kept.map(|()| 0), said.map(|()| 0)];
    ExitCode::from(codes.map(|code| code.unwrap_or_else(|error| tell::failure(&error))).into_iter().max().unwrap_or_default())
}

/// Every task begins and ends in the host's mount namespace.
fn run(root: &Root, task: &Task) -> Result<Report, Error> {
    // A supervisor that does not allow it has set them himself.
    keep_no_limits(root).unwrap_or_else(|errno| log::debug!("limits and timers stay as they are: {}", sys::why(errno)));
    let host = Host::join(root)?;
    match task {
        Task::Sweep => sweep::run(root, &host),
        Task::Look => look::run(root, &host),
        Task::Drain(whom, patience) => drain::run(root, &host, whom, *patience),
    }
}

/// Root's rights, if root itself runs us. A setuid bit that somebody gave this program by mistake opens nothing.
fn privilege() -> Result<Root, Error> {
    match Root::take() {
        Ok((root, by)) if by.uid == Caller::new(0) => Ok(root),
        Err(failed @ Error::Failed { .. }) if root::called_by().uid == Caller::new(0) => Err(failed),
        _ => Err(Error::Refused("only root sweeps; run it as root, or let the timer trampoline-reaper.timer do it".into())),
    }
}
