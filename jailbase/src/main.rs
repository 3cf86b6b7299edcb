//! jailbase: builds base images and gives users their jails. A noun is a folder, a verb is a file in it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod colour;
mod doctor;
mod image;
mod interrupt;
mod parallel;
mod parse;
mod progress;
mod purge;
mod see;
mod store;
mod table;
mod tell;
mod user;

use clap::{ArgAction, ColorChoice, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use jail::error::Error;
use jail::state::host::Host;
use jail::state::mounted::live;
use jail::sys::root::Root;
use std::process::ExitCode;

const HELP: &str = "\
Exit status: 0 done; 1 doctor found a problem; 64 wrong usage; 77 refused; 125 failed; 126, 127 the program of an edit cannot be
executed, or is not there; 128 and the number of the signal that ended it. enter and explain exit as the program and trampoline do.";

/// Builds base images and gives users their jails.
#[derive(Parser, Debug)]
#[command(name = "jailbase", version, color = ColorChoice::Never, after_help = HELP)]
struct Words {
    /// Say more; twice for every file that was left out, and why
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Say nothing of what was done or is being done, only what was asked for and what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    color: colour::When,
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
    /// Print what lets a shell complete these words
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    if let Some(room) = image::Room::asked() {
        let done = as_root().and_then(|root| room.enter(&root));
        return done.map_or_else(|error| tell::failure("enter the image", &error), |()| ExitCode::SUCCESS);
    }
    let words = match Words::try_parse() {
        Ok(words) => words,
        Err(error) => return tell::usage(&error),
    };
    colour::begin(words.color);
    tell::start_log(words.verbose, words.quiet);
    let title = match &words.noun {
        Noun::Image(verb) => verb.title(),
        Noun::User(verb) => verb.title(),
        Noun::See(verb) => verb.title(),
        Noun::Doctor(_) => "look at this machine".into(),
        Noun::Completions { shell } => format!("complete words for {shell}"),
    };
    match run(words.noun) {
        Ok(code) => ExitCode::from(code),
        // Whatever failed then failed because of it.
        Err(error) => interrupt::came().map_or_else(|| tell::failure(&title, &error), |signal| tell::interrupted(&title, signal)),
    }
}

/// Does it; the exit code is 0 but for the doctor, who has one of his own for bad news, and for a program that was run.
fn run(noun: Noun) -> Result<u8, Error> {
    if let Noun::Completions { shell } = noun {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Words::command(), "jailbase", &mut text);
        return tell::say(&String::from_utf8_lossy(&text)).map(|()| 0);
    }
    let root = as_root()?;
    // What trampoline will see is what counts, and it looks from the namespace of process 1.
    let host = Host::join(&root)?;
    store::strict_umask();
    interrupt::hear_of_children()?;
    match noun {
        Noun::Image(verb) => image::run(&root, &host, verb).map(|()| 0),
        Noun::User(verb) => user::run(&root, &host, verb),
        Noun::See(verb) => see::run(&root, &host, verb),
        Noun::Doctor(words) => doctor::run(&root, &host, &words),
        Noun::Completions { .. } => Ok(0),
    }
}

fn as_root() -> Result<Root, Error> {
    // ORDER: before the privilege is taken, which makes all ids 0. We are no setuid program: a real root runs us, or nobody.
    if !nix::unistd::getuid().is_root() {
        return Err(Error::Refused("only root may do this; run it as root, with sudo for example".into()));
    }
    Root::take().map(|(root, _)| root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;
    use std::collections::{BTreeMap, BTreeSet};

    type Options = BTreeSet<String>;

    /// What every command has is described once.
    const EVERYWHERE: [&str; 5] = ["help", "version", "verbose", "quiet", "color"];

    /// The commands that do something, as the words that name them, and their long options.
    fn verbs(command: &Command, path: &str, found: &mut BTreeMap<String, Options>) {
        let below: Vec<&Command> = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help").collect();
        for sub in &below {
            verbs(sub, format!("{path} {}", sub.get_name()).trim(), found);
        }
        if below.is_empty() {
            let long = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long());
            let own = long.filter(|long| !EVERYWHERE.contains(long)).map(str::to_owned);
            found.insert(path.to_owned(), own.collect());
        }
    }

    fn manual() -> String {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/jailbase.8")).unwrap_or_default()
    }

    /// The long options that a text of a manual names.
    fn options(text: &str) -> Options {
        let word = |rest: &str| rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().map(str::to_owned);
        text.split("Fl -").skip(1).filter_map(word).filter(|word| !word.is_empty()).collect()
    }

    /// The lower-case words after the mark of a command.
    fn named(rest: &str) -> String {
        let words = rest.split(' ').take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_manual_has_every_command_with_its_options_and_no_others() {
        let (page, mut all) = (manual(), BTreeMap::new());
        verbs(&Words::command(), "", &mut all);
        assert!(all.len() > 10, "{all:?}");
        let synopsis = page.split(".Sh DESCRIPTION").next().unwrap_or_default();
        // A line of the synopsis begins with .Nm; then come lines of options, and the command's own.
        let mut lines: BTreeMap<String, Options> = BTreeMap::new();
        for part in synopsis.split("\n.Nm\n").skip(1) {
            let command = part.lines().find_map(|line| line.strip_prefix(".Cm ")).map(named).unwrap_or_default();
            lines.entry(command).or_default().extend(options(part));
        }
        let heads: BTreeMap<String, &str> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".It Cm "))
            .filter(|rest| all.keys().any(|verb| verb.split(' ').next() == rest.split(' ').next()))
            .map(|rest| (named(rest), rest))
            .collect();
        let names = |from: BTreeSet<&String>| from.into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(lines.keys().collect()), names(all.keys().collect()), "the synopsis, and the commands");
        assert_eq!(names(heads.keys().collect()), names(all.keys().collect()), "the description, and the commands");
        let described: String = page.lines().filter(|line| line.starts_with(".It Fl ")).collect::<Vec<_>>().join("\n");
        for (verb, own) in &all {
            let head = heads.get(verb).copied().unwrap_or_default();
            let line = lines.get(verb).cloned().unwrap_or_default();
            assert_eq!(options(head), line, "{verb}: its head, and the synopsis");
            let strange: Vec<&String> = line.difference(own).collect();
            assert!(strange.is_empty(), "{verb} has no {strange:?}");
            // The rest is in a list, if the head says that there are more.
            let listed = if head.contains("Ar options") { options(&described) } else { Options::new() };
            let missing: Vec<&String> = own.iter().filter(|own| !line.contains(*own) && !listed.contains(*own)).collect();
            assert!(missing.is_empty(), "the manual does not say that {verb} has {missing:?}");
        }
        assert!(EVERYWHERE.iter().all(|option| options(&described).contains(*option)));
    }

    #[test]
    fn no_two_options_of_a_command_are_one() {
        Words::command().debug_assert();
    }
}
