//! `enter`: an administrator's shell in a user's jail, as the user, by trampoline's own way.
//!
//! Never as root: docs/adr/0013-an-administrator-enters-as-the-user.md says why.

use super::{relay, whom};
use crate::doctor::{is_roots_alone, trampoline};
use clap::Args;
use jail::error::{Error, code};
use nix::sys::stat::{Mode, umask};
use std::io::{self, IsTerminal, stderr, stdin, stdout};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// The image's own, which no user can write; a shell that the spec names may lie in the home.
const SHELL: &str = "/bin/sh";

/// The command line of `enter`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// A program of the jail to run instead of the image's /bin/sh, and its words
    #[arg(last = true)]
    program: Vec<String>,
}

/// Enters, and returns what the program returned.
pub fn run(words: &Words) -> Result<u8, Error> {
    let spec = whom::user(&words.user)?;
    let path =
        trampoline().ok_or_else(|| Error::Refused("there is no trampoline beside this program; run make install".into()))?;
    if !is_roots_alone(&path) {
        let why = format!("others than root can change {}; jailbase doctor says how to mend it", path.display());
        return Err(Error::Refused(why));
    }
    let terminal = stdin().is_terminal() && stdout().is_terminal();
    let mut arguments = Vec::new();
    if let Some(term) = std::env::var("TERM").ok().filter(|term| terminal && is_plain(term)) {
        arguments.extend(["--env".to_owned(), format!("TERM={term}")]);
    }
    arguments.extend([spec.uid.to_string(), "--".to_owned()]);
    if words.program.is_empty() {
        arguments.push(SHELL.to_owned());
        // Without the word a shell whose input is no terminal reads commands, which is what a script wants.
        arguments.extend(terminal.then(|| "-i".to_owned()));
    }
    arguments.extend(words.program.iter().cloned());
    let program = path.display().to_string();
    // What is made below is not ours any more.
    umask(Mode::from_bits_truncate(0o022));
    let status = if terminal { relay::run(&program, &arguments)? } else { piped(&program, &arguments)? };
    Ok(answer(status))
}

/// Runs it with our streams, but for those that are a terminal: there a pipe stands in between.
fn piped(program: &str, arguments: &[String]) -> Result<ExitStatus, Error> {
    let failed = |error| Error::failed("start", program, error);
    let between = |is_terminal: bool| if is_terminal { Stdio::piped() } else { Stdio::inherit() };
    let mut command = Command::new(program);
    plain(command.args(arguments)).stdin(between(stdin().is_terminal()));
    command.stdout(between(stdout().is_terminal())).stderr(between(stderr().is_terminal()));
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut to) = child.stdin.take() {
        // It may wait for a key until this process ends; a program that has closed its input hears no more.
        thread::spawn(move || io::copy(&mut stdin(), &mut to).ok());
    }
    let out = child.stdout.take().map(|mut from| thread::spawn(move || io::copy(&mut from, &mut stdout()).ok()));
    let err = child.stderr.take().map(|mut from| thread::spawn(move || io::copy(&mut from, &mut stderr()).ok()));
    let status = child.wait().map_err(failed)?;
    for copied in [out, err].into_iter().flatten() {
        copied.join().map_err(|_| Error::failed("show", "what was written", "a thread of ours broke; report it"))?;
    }
    Ok(status)
}

/// Nothing of an administrator's environment is for a user's jail.
pub fn plain(command: &mut Command) -> &mut Command {
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/")
}

/// Whether this names a terminal and nothing else.
fn is_plain(term: &str) -> bool {
    term.len() <= 64 && term.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
}

fn answer(status: ExitStatus) -> u8 {
    let signalled = |signal: i32| u8::try_from(signal).map_or(code::FAILED, |number| code::SIGNAL.saturating_add(number));
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(code::FAILED),
        (None, Some(signal)) => signalled(signal),
        (None, None) => code::FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_returned_is_what_we_return() {
        assert_eq!([0, 3 << 8, 9, 15].map(|raw| answer(ExitStatus::from_raw(raw))), [0, 3, 137, 143]);
    }

    #[test]
    fn a_terminal_is_named_by_plain_letters() {
        assert!(is_plain("xterm-256color") && is_plain("screen.linux"));
        assert!(!is_plain("x\x1b[2J") && !is_plain("a b") && !is_plain("../x/y"));
    }
}
