//! Questions about the program and the plan of a jail, answered on standard output: no program runs, and no privilege is left.

use crate::request::Request;
use jail::explain;
use jail::plan::Plan;
use jail::spec::Spec;
use jail::sys::drop::User;
use jail::sys::landlock;
use jail::sys::streams::say;

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
  -h, --help              show this
  -V, --version           show the version

Exit status: the program's own; 128 + N if signal N ended it; 64 wrong usage; 77 refused;
125 the jail could not be made; 126 PROGRAM cannot be executed; 127 PROGRAM was not found.
";

/// Answers a question about the program.
pub fn about(_: &User, question: &Request) -> u8 {
    match question {
        Request::Help | Request::Jail(_) => say(1, HELP),
        Request::Version => say(1, concat!("trampoline ", env!("CARGO_PKG_VERSION"), "\n")),
        Request::Policy => say(1, &explain::policy()),
    };
    0
}

/// Shows the plan of a jail.
pub fn plan(user: &User, (spec, plan, generation): &(Spec, Plan, u32)) -> u8 {
    say(1, &explain::jail(spec, plan, *generation, landlock::is_there(user)));
    0
}
