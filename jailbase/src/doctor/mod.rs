//! `doctor`: looks at the kernel, the host and everything installed, changes nothing, and says what to do. A check is a name
//! and one or more findings; a file here is one subject with its checks.

mod drains;
mod finding;
mod holder;
mod homes;
mod host;
mod images;
mod kernel;
mod known_holes;
mod mounts;
mod owners;
mod packages;
mod programs;
mod room;
mod runs;
mod schedule;
mod settings;
mod shells;
mod show;
mod state;
mod users;
mod walkers;

pub use programs::{is_roots_alone, trampoline};

use crate::tell;
use clap::Args;
use finding::Report;
use jail::error::Error;
use jail::state::host::Host;
use jail::sys::root::Root;

/// The command line of `doctor`.
#[derive(Args, Debug)]
pub struct Words {
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// The exit code of `doctor` when a check found a problem.
const PROBLEMS: u8 = 1;

/// Does it, and returns the exit code.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<u8, Error> {
    let mut report = Report::default();
    kernel::look(root, &mut report);
    known_holes::look(&mut report);
    settings::look(&mut report);
    host::look(&mut report);
    programs::look(&mut report);
    packages::look(&mut report);
    runs::look(&mut report);
    schedule::look(&mut report);
    state::look(&mut report);
    let users = users::look(&mut report);
    shells::look(&users, &mut report);
    homes::look(&users, &mut report);
    images::look(&users, &mut report);
    holder::look(root, host, &mut report);
    drains::look(&mut report);
    room::look(&users, &mut report);
    walkers::look(&mut report);
    let findings = report.worst_first();
    tell::say(&if words.json { show::json(&findings)? } else { show::table(&findings) })?;
    Ok(if findings.iter().any(finding::Finding::is_problem) { PROBLEMS } else { 0 })
}
