//! The noun `user`.

mod account;
mod add;
mod conflict;
mod home;
mod lists;
mod ls;
mod rm;
mod words;

use clap::Subcommand;
use jail::error::Error;
use jail::state::host::Host;
use jail::sys::root::Root;

/// What can be done with users.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Give a user a jail, or describe anew the one there is; a jail that lives keeps its old shape until it expires
    Add(Box<words::Words>),
    /// Take a user's jail away; the home stays, and so does tmp without --purge
    Rm(rm::Words),
    /// List the users who have a jail
    Ls(ls::Words),
}

impl Verb {
    /// Follows "cannot".
    pub fn title(&self) -> String {
        match self {
            Self::Add(words) => format!("add the user {}", words.name),
            Self::Rm(words) => format!("remove the user {}", words.user),
            Self::Ls(_) => "list the users".into(),
        }
    }
}

/// Does it.
pub fn run(root: &Root, host: &Host, verb: Verb) -> Result<(), Error> {
    match verb {
        Verb::Add(words) => add::run(root, *words),
        Verb::Rm(words) => rm::run(root, host, &words),
        Verb::Ls(words) => ls::run(&words),
    }
}
