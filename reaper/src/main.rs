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
mod storage;
mod sweep;
mod tell;
mod turn;

use jail::error::{Error, code};
use jail::id::Caller;
use jail::state::host::Host;
use jail::sys;
use jail::sys::drop::Ids;
use jail::sys::expire::keep_no_limits;
use jail::sys::root::{self, Root};
use options::{Options, Task};
use report::Report;
use std::process::ExitCode;

fn main() -> ExitCode {
    // ORDER: before a word is written, help and complaints included: what a descriptor leads to may ask who writes, and a setuid bit
    // that somebody gave this program by mistake would make that root. Who cannot give it up says nothing.
    let Some(root) = privilege() else { return ExitCode::from(code::REFUSED) };
    let options = match Options::read() {
        Ok(options) => options,
        Err(answer) => return tell::about(&answer),
    };
    tell::open(options.verbose);
    // ORDER: nothing else is written for a caller whom nobody let in.
    let root = match root {
        Ok(root) => root,
        Err(refused) => return ExitCode::from(tell::failure(&refused)),
    };
    let mut done = run(&root, &options.task);
    let kept = options.metrics.as_ref().map_or(Ok(()), |file| metrics::keep(file, &done));
    // ORDER: before anything is said. Who reads it may stop reading.
    done.iter_mut().for_each(|report| report.turn = None);
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

/// Root's rights, if root itself runs us. From whoever else a setuid bit gave them to they are taken for good, before he hears why;
/// nothing if that does not work.
fn privilege() -> Option<Result<Root, Error>> {
    let taken = Root::take();
    let by = root::called_by();
    if by.uid == Caller::new(0) {
        return Some(taken.map(|(root, _)| root));
    }
    drop(taken);
    let refused = Error::Refused("only root sweeps; run it as root, or let the timer trampoline-reaper.timer do it".into());
    let given_up = Root::left_over().is_none_or(|root| Ids::of_caller(by).become_user(root).is_ok());
    given_up.then_some(Err(refused))
}
