//! The noun `image`.

mod allowed;
mod build;
mod etc;
mod host;
mod tree;
pub mod verify;

use clap::Subcommand;
use jail::error::Error;
use jail::id::Name;
use std::str::FromStr;

/// What can be done with images.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Build a new generation of an image and put it in service; jails that live keep theirs
    Build {
        /// The image
        #[arg(value_parser = crate::parse::name)]
        name: Name,
        /// What it is made from: "host", a read-only view of this machine's /usr with a chosen part of its /etc
        #[arg(long, value_parser = Source::from_str)]
        from: Source,
    },
}

/// What an image is made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// This machine.
    Host,
}

impl Verb {
    /// Follows "cannot".
    pub fn title(&self) -> String {
        match self {
            Self::Build { name, .. } => format!("build the image {name}"),
        }
    }
}

/// Does it.
pub fn run(verb: Verb) -> Result<(), Error> {
    match verb {
        Verb::Build { name, from } => build::run(&name, from),
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "host" { Ok(Self::Host) } else { Err("an image is made from \"host\"".into()) }
    }
}
