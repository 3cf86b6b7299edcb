//! jailbase: builds base images and gives users their jails. A noun is a folder, a verb is a file in it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod doctor;
mod image;
mod live;
mod parallel;
mod parse;
mod progress;
mod purge;
mod see;
mod store;
mod table;
mod tell;
mod user;

use clap::{ArgAction, ColorChoice, Parser, Subcommand};
use jail::error::Error;
use jail::state::host::Host;
use jail::sys::root::Root;
use std::process::ExitCode;

/// Builds base images and gives users their jails.
#[derive(Parser, Debug)]
#[command(name = "jailbase", version, color = ColorChoice::Never)]
struct Words {
    /// Say more; twice for every file that was left out, and why
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Say nothing of what was done or is being done, only what was asked for and what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Subcommand, Debug)]
enum Noun {
    /// Base images: the read-only trees that jails share
    #[command(subcommand)]
    Image(image::Verb),
    /// Users: who has a jail, and what it is made of
    #[command(subcommand)]
    User(user::Verb),
    #[command(flatten)]
    See(see::Verb),
    /// Look at the kernel, the host and what is installed, change nothing, and say what to do
    Doctor(doctor::Words),
}

fn main() -> ExitCode {
    let words = match Words::try_parse() {
        Ok(words) => words,
        Err(error) => return tell::usage(&error),
    };
    tell::start_log(words.verbose, words.quiet);
    let title = match &words.noun {
        Noun::Image(verb) => verb.title(),
        Noun::User(verb) => verb.title(),
        Noun::See(verb) => verb.title(),
        Noun::Doctor(_) => "look at this machine".into(),
    };
    match run(words.noun) {
        Ok(code) => ExitCode::from(code),
        Err(error) => tell::failure(&title, &error),
    }
}

/// Does it; the exit code is 0 but for the doctor, who has one of his own for bad news, and for a program that was run.
fn run(noun: Noun) -> Result<u8, Error> {
    // ORDER: before the privilege is taken, which makes all ids 0. We are no setuid program: a real root runs us, or nobody.
    if !nix::unistd::getuid().is_root() {
        return Err(Error::Refused("only root may do this; run it as root, with sudo for example".into()));
    }
    let (root, _) = Root::take()?;
    // What trampoline will see is what counts, and it looks from the namespace of process 1.
    let host = Host::join(&root)?;
    store::strict_umask();
    match noun {
        Noun::Image(verb) => image::run(&root, &host, verb).map(|()| 0),
        Noun::User(verb) => user::run(&root, &host, verb),
        Noun::See(verb) => see::run(&root, &host, verb),
        Noun::Doctor(words) => doctor::run(&root, &host, &words),
    }
}
