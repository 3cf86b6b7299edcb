//! trampoline: puts a program into a user's jail, gives up every privilege, and executes it.
//!
//! The request flows one way, and each step's type can only be made by the step before:
//! `argv → Request → Authorised → Jail → Entered → (Supervisor | Session → Confined → Launched)`.
#![no_main]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answer;
mod confine;
mod disarm;
mod enter;
mod inside;
mod make;
mod open;
mod outside;
mod request;
mod tell;

use jail::error::Error;
use jail::state::Doing;
use jail::state::host::Host;
use jail::sys::log::Log;
use jail::sys::root::Root;
use jail::sys::{clean, start};
use request::Request;
use std::ffi::OsString;

jail::entry!(story);

fn story(words: Vec<OsString>) -> u8 {
    start::quiet_panics();
    let mut log = None;
    run(words, &mut log).unwrap_or_else(|error| tell::failure(log, &error))
}

fn run(words: Vec<OsString>, log: &mut Option<Log>) -> Result<u8, Error> {
    let (root, by) = Root::take()?;
    clean::process(&root).doing("clean up what the caller left", "")?;
    start::seal().doing("make read-only", "the program's own tables")?;
    let request = match Request::parse(words)? {
        Request::Jail(wanted) => wanted,
        question => return Ok(answer::about(&disarm::caller(root, by)?, &question)),
    };
    let host = Host::join(&root)?;
    *log = Log::open();
    let authorised = request.authorise(by)?;
    if authorised.explains() {
        let planned = authorised.planned()?;
        return Ok(answer::plan(&disarm::caller(root, by)?, &planned));
    }
    let Some(jail) = authorised.open(&root, host, log.as_ref())? else { return Ok(0) };
    let entered = jail.enter(&root)?;
    match entered.begin(&root)? {
        enter::Side::Outside(supervisor) => supervisor.disarm(root, by, log)?.watch(),
        enter::Side::Inside(session) => session.confine(root, log)?.launch()?.attend(),
    }
}
