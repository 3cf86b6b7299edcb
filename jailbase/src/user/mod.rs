//! The noun `user`.

mod about;
mod account;
mod add;
mod change;
mod conflict;
mod drain;
mod give;
mod home;
mod lists;
pub mod locks;
mod ls;
mod made;
mod members;
mod nss;
mod rm;
mod set;
mod shape;
mod show;
mod sync;
mod told;
mod words;
mod wrapper;

pub use about::{About, From};
pub use account::shared;
pub use wrapper::leads_into_jails;

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
    /// Say everything of one user's jail, and where each value came from
    Show(show::Words),
    /// Change what is named of a user's jail, and nothing else; a jail that lives keeps its old shape until it expires
    Set(Box<set::Words>),
    /// Give all members of a group a jail, bring those up to date that are there, and take it from who left
    Sync(Box<sync::Words>),
}

impl Verb {
    /// Follows "cannot".
    pub fn title(&self) -> String {
        match self {
            Self::Add(words) => format!("add the user {}", words.name),
            Self::Rm(words) => format!("remove the user {}", words.user),
            Self::Ls(_) => "list the users".into(),
            Self::Show(words) => format!("show the user {}", words.user),
            Self::Set(words) => format!("set the user {}", words.user),
            Self::Sync(words) => format!("bring the group {} in line", words.group),
        }
    }
}

/// Does it; the exit code is 0 but for `sync`, which goes on after a failure.
pub fn run(root: &Root, host: &Host, verb: Verb) -> Result<u8, Error> {
    match verb {
        Verb::Add(words) => add::run(root, &words).map(|()| 0),
        Verb::Rm(words) => rm::run(root, host, &words).map(|()| 0),
        Verb::Ls(words) => ls::run(&words).map(|()| 0),
        Verb::Show(words) => show::run(root, host, &words).map(|()| 0),
        Verb::Set(words) => set::run(root, host, &words).map(|()| 0),
        Verb::Sync(words) => sync::run(root, host, &words),
    }
}
