//! Seeing: what lives, what it uses, what it is made of, and the few things an administrator does to it.

mod alive;
mod count;
mod du;
mod enter;
mod explain;
mod frame;
mod hindrance;
mod interpreter;
mod journal;
mod kill;
mod log;
mod ls;
mod mounts;
mod places;
mod process;
mod program;
mod ps;
mod relay;
mod screen;
mod stat;
mod top;
mod units;
mod used;
mod whom;

pub use alive::living;

use clap::Subcommand;
use jail::error::Error;
use jail::state::host::Host;
use jail::sys::root::Root;

/// What can be seen of jails that live, and done to them.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the live jails
    Ls(ls::Words),
    /// Say what each live jail uses, or each session of one
    Stat(stat::Words),
    /// Show what the live jails use, again and again
    Top(top::Words),
    /// List the processes in a user's jail
    Ps(ps::Words),
    /// Say what a user's jail is made of, where each part comes from, and what would be refused
    Explain(explain::Words),
    /// Count what users have on disks, and what of it others have too
    Du(du::Words),
    /// Open a shell in a user's jail, as the user, or run a program there
    Enter(enter::Words),
    /// End the sessions of a user; the jail stays
    Kill(kill::Words),
    /// Show what the system log has of a user
    Log(log::Words),
}

impl Verb {
    /// Follows "cannot".
    pub fn title(&self) -> String {
        match self {
            Self::Ls(_) => "list the live jails".into(),
            Self::Stat(_) => "say what the live jails use".into(),
            Self::Top(_) => "show the live jails".into(),
            Self::Ps(words) => format!("list the processes of {}", words.user),
            Self::Explain(words) => format!("explain the jail of {}", words.user),
            Self::Du(_) => "count what is on disks".into(),
            Self::Enter(words) => format!("enter the jail of {}", words.user),
            Self::Kill(words) => format!("end the sessions of {}", words.user),
            Self::Log(words) => format!("show the log of {}", words.user),
        }
    }
}

/// Does it; the exit code is that of a program if one was run.
pub fn run(root: &Root, host: &Host, verb: Verb) -> Result<u8, Error> {
    match verb {
        Verb::Ls(words) => ls::run(root, host, &words),
        Verb::Stat(words) => stat::run(root, host, &words),
        Verb::Top(words) => return top::run(root, host, &words),
        Verb::Ps(words) => ps::run(root, host, &words),
        Verb::Explain(words) => return explain::run(root, host, &words),
        Verb::Du(words) => du::run(&words),
        Verb::Enter(words) => return enter::run(&words),
        Verb::Kill(words) => kill::run(root, host, &words),
        Verb::Log(words) => log::run(&words),
    }
    .map(|()| 0)
}
