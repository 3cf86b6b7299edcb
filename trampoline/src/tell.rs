//! Every word trampoline says: to the caller, and to the system log. Standard output is used only when no program runs.

use crate::request::What;
use jail::error::Error;
use jail::policy;
use jail::state::Doing;
use jail::sys::drop::Ids;
use jail::sys::fd::say;
use jail::sys::log::{Grave, Log};
use jail::sys::root::{CalledBy, Root};

const HELP: &str = "\
Usage: trampoline [OPTIONS] USER|UID -- PROGRAM [ARG...]
       trampoline --ensure USER|UID
       trampoline --explain USER|UID
       trampoline --policy | --help | --version

Runs PROGRAM in USER's jail, as USER, without privileges.

  -C, --chdir DIR         run it in DIR of the jail (the home if not given)
  -e, --env NAME=VALUE    set a variable; may be repeated
  -t, --timeout SECONDS   after that long send TERM, and KILL five seconds later
      --ensure USER       make the jail ready and run nothing
      --explain USER      show the plan of the jail and do nothing
      --policy            show what was compiled in
      --help, --version

Exit status: the program's own; 128 + N if signal N ended it; 64 wrong usage; 77 refused;
125 the jail could not be made; 126 PROGRAM cannot be executed; 127 PROGRAM was not found.
";

/// Answers a question about the program, without privilege.
pub fn about(what: What, root: Root, by: CalledBy) -> Result<u8, Error> {
    without_privilege(root, by)?;
    match what {
        What::Help => say(1, HELP),
        What::Version => say(1, concat!("trampoline ", env!("CARGO_PKG_VERSION"), "\n")),
        What::Policy => say(1, &policy::text()),
    }
    Ok(0)
}

/// Shows the plan of a jail, without privilege.
pub fn explain(plan: &str, root: Root, by: CalledBy) -> Result<u8, Error> {
    without_privilege(root, by)?;
    say(1, plan);
    Ok(0)
}

fn without_privilege(root: Root, by: CalledBy) -> Result<(), Error> {
    let _user = Ids::of_caller(by).become_user(root).doing("give up root's rights", "")?;
    Ok(())
}

/// Says one plain line, and returns the exit code.
pub fn failure(error: &Error) -> u8 {
    say(2, &format!("trampoline: {}\n", error.plain()));
    error.code()
}

/// Puts the reason into the system log.
pub fn log(log: &Log, by: CalledBy, error: &Error) {
    let grave = match error {
        Error::Usage(_) | Error::Refused(_) => Grave::Warning,
        _ => Grave::Error,
    };
    log.line(grave, &format!("caller uid {}: {error}", by.uid));
}
