//! What the administrator reads: results on standard output, one plain line for each failure on standard error.

use crate::colour::{self, Kind};
use crate::{Words, interrupt};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};
use jail::error::{Error, code};
use jail::report::escaped;
use jail::sys::images::advice;
use log::LevelFilter;
use nix::sys::signal::Signal;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether nobody wants to hear of what goes well.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Warnings always, more with each `-v`; `RUST_LOG` is asked if there is none.
pub fn start_log(verbose: u8, quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
    let mut log = env_logger::Builder::new();
    log.filter_level(LevelFilter::Warn).write_style(env_logger::WriteStyle::Never);
    match verbose {
        0 => log.parse_default_env(),
        1 => log.filter_level(LevelFilter::Info),
        _ => log.filter_level(LevelFilter::Debug),
    };
    log.format(|out, record| {
        let is_warning = record.level() == log::Level::Warn;
        let who = if is_warning { colour::err(Kind::Better, "jailbase: warning:") } else { "jailbase:".to_owned() };
        writeln!(out, "{who} {}", in_one_line(&advice::advised(&record.args().to_string())))
    });
    log.init();
}

/// Writes to standard output. A full disk behind it is a failure; a reader who left is not.
pub fn say(text: &str) -> Result<(), Error> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::failed("write", "the result", error)),
        _ => Ok(()),
    }
}

/// Says what was done, unless nobody wants to hear it.
pub fn said(text: &str) -> Result<(), Error> {
    if is_quiet() { Ok(()) } else { say(text) }
}

/// Whether nobody wants to hear of what goes well.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// A reason with what to do next, unless it says that itself.
pub fn advised(why: &str, todo: &str) -> String {
    if why.contains("; ") { why.to_owned() } else { format!("{why}; {todo}") }
}

/// Says on a terminal what is being done, before it is known whether it takes long; in a log long work tells of itself.
pub fn doing(what: &str) {
    if stderr().is_terminal() && !is_quiet() {
        writeln!(stderr(), "{} ...", in_one_line(what)).ok();
    }
}

/// One line for a log: how far long work is.
pub fn note(text: &str) {
    writeln!(stderr(), "jailbase: {}", in_one_line(text)).ok();
}

/// Writes something for programs.
pub fn json(what: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(what).map_err(|error| Error::failed("write", "JSON", error))?;
    say(&(text + "\n"))
}

/// Says what went wrong; `title` is what was to be done, and follows "cannot".
pub fn failure(title: &str, error: &Error) -> ExitCode {
    line(&text(title, error));
    ExitCode::from(error.code())
}

/// Says that a signal ended it; the exit code is that of shells.
pub fn interrupted(title: &str, signal: Signal) -> ExitCode {
    line(&format!("cannot {title}: {signal} came; nothing was published, and it can be done again"));
    ExitCode::from(interrupt::code_of(signal))
}

/// Why, without the word that a refusal starts with.
pub fn reason(error: Error) -> String {
    match error {
        Error::Refused(why) => why,
        other => other.to_string(),
    }
}

fn text(title: &str, error: &Error) -> String {
    match error {
        Error::Usage(what) => format!("{what}; see {} --help", called()),
        Error::Refused(_) => format!("cannot {title}: {}", advice::told(error)),
        other => advice::told(other),
    }
}

/// What clap says: help and version on standard output, an error as one line.
pub fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match say(&error.to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure("say it", &error),
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            line(&format!("a word is missing; see {} --help", called()));
            ExitCode::from(code::USAGE)
        }
        _ => {
            line(&format!("{}{}; see {} --help", first_part(&error.to_string()), meant(error), called()));
            ExitCode::from(code::USAGE)
        }
    }
}

/// The command that was called, as far as its words name one.
fn called() -> String {
    named(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()), &Words::command())
}

fn named(words: impl Iterator<Item = String>, all: &Command) -> String {
    let (mut command, mut path) = (all, all.get_name().to_owned());
    let mut is_value = false;
    for word in words.take_while(|word| word != "--") {
        match command.find_subcommand(&word) {
            Some(found) => {
                command = found;
                path += &format!(" {word}");
            }
            // What follows an option may be its value. Another word that is no command ends those that are.
            None if word.starts_with('-') || is_value => {}
            None => break,
        }
        is_value = word.starts_with('-');
    }
    path
}

/// The word that was meant, where clap knows one that is like it.
fn meant(error: &clap::Error) -> String {
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let word = kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        ContextValue::Strings(words) => words.first().cloned(),
        _ => None,
    });
    word.map_or_else(String::new, |word| format!(" (did you mean {word}?)"))
}

/// Clap's message without its hints: up to the first empty line, in one line.
fn first_part(text: &str) -> String {
    let part = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = part.trim_start_matches("error: ").split_whitespace().collect();
    words.join(" ")
}

/// Standard error is the last place there is; if it is closed, the exit code has to do.
fn line(text: &str) {
    writeln!(stderr(), "{} {}", colour::err(Kind::Wrong, "jailbase:"), in_one_line(text)).ok();
}

/// A message as one line that moves no cursor and reorders nothing: what others say is repeated in many of them, and is not to
/// forge a second one. Other letters than ASCII's stay, for they may be the administrator's own.
fn in_one_line(text: &str) -> String {
    // Those that a terminal obeys, that end a line, or that turn the direction of what follows.
    let is_odd =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if is_odd(c) { escaped(c.to_string().as_bytes()) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn a_refusal_says_what_was_to_be_done() {
        let refused = Error::Refused("uid 5 is not for us; choose another".into());
        assert_eq!(text("add the user a", &refused), "cannot add the user a: uid 5 is not for us; choose another");
        assert_eq!(text("add the user a", &Error::failed("open", "/x", "no")), "cannot open /x: no");
        // What the kernel said comes with the next step, also in a refusal.
        let why = std::io::Error::from(nix::errno::Errno::EROFS);
        let refused = Error::Refused(format!("/x: {why}"));
        for said in [text("add the user a", &Error::failed("write", "/x", why)), text("add the user a", &refused)] {
            assert!(
                said.starts_with("cannot ") && said.contains("/x: Read-only file system (EROFS); mount it for writing"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_message_is_one_line_without_control_and_keeps_its_letters() {
        assert_eq!(in_one_line("/jäil: it's \"a\"\\; x"), "/jäil: it's \"a\"\\; x");
        assert_eq!(in_one_line("a\x1b]0;b\x07\njailbase: c\r\t\x7f"), "a\\x1b]0;b\\x07\\njailbase: c\\r\\t\\x7f");
        assert_eq!(in_one_line("\u{9b}2J\u{202e}"), "\\xc2\\x9b2J\\xe2\\x80\\xae");
    }

    #[test]
    fn the_help_that_is_named_is_that_of_the_command() {
        for (words, expected) in [
            ("image build --from host2 x", "jailbase image build"),
            ("-q user add --network hots", "jailbase user add"),
            ("user ad", "jailbase user"),
            ("usr ls", "jailbase"),
            ("enter user -- image ls", "jailbase enter"),
            ("--color", "jailbase"),
        ] {
            assert_eq!(named(words.split(' ').map(str::to_owned), &Words::command()), expected);
        }
    }

    #[test]
    fn a_word_that_is_like_one_of_ours_is_answered_with_that_one() {
        for (words, expected) in [
            ("usr ls", " (did you mean user?)"),
            ("image bild", " (did you mean build?)"),
            ("user add --imge a b", " (did you mean --image?)"),
            ("user set --network hots a", " (did you mean host?)"),
            ("user xyzzy", ""),
        ] {
            let wrong = Words::try_parse_from(["jailbase"].into_iter().chain(words.split(' '))).map_err(|error| meant(&error));
            assert_eq!(wrong.err().as_deref(), Some(expected), "{words}");
        }
    }

    #[test]
    fn what_clap_says_becomes_one_line() {
        let text = "error: the following required arguments were not provided:\n  --from <FROM>\n\nUsage: x\n";
        assert_eq!(first_part(text), "the following required arguments were not provided: --from <FROM>");
    }
}
