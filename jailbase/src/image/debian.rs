//! `--from debian:SUITE`: Debian's own tools make the tree, from the mirrors of Debian's that this machine's apt uses.
//!
//! They run with all of root's rights, in a mount and a pid namespace of their own: to make a tree they mount, make devices
//! and enter it by chroot, and who may do these three can take back every other right. Whose packages they are, apt or
//! debootstrap has checked by then. What runs in a tree that is there needs none of that, and has little: see [`super::room`].

use super::mirrors::{self, KEYRINGS, Mirror};
use super::room::{contained, with_usual_umask};
use super::settle;
use super::stages::Stages;
use crate::interrupt;
use jail::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

const MMDEBSTRAP: &str = "/usr/bin/mmdebstrap";
const DEBOOTSTRAP: &str = "/usr/sbin/debootstrap";

/// What a tool mounts is nobody else's, and goes with it.
const OWN_MOUNTS: Option<&str> = Some("--mount");

/// Beside the tree: where a tool has its temporary files.
const TEMPORARY: &str = ".tmp";

/// What Debian's usual mirror has; any other suite needs a mirror that this machine's apt knows.
const SUITES: [&str; 11] =
    ["oldoldstable", "oldstable", "stable", "testing", "unstable", "sid", "bullseye", "bookworm", "trixie", "forky", "duke"];

/// Makes the tree of a suite, with further packages, and empties what only a running system fills.
pub fn tree(tree: &Path, suite: &str, include: &[String]) -> Result<(), Error> {
    let mut command = command(tree, suite, include)?;
    // What a tool that is killed leaves there goes with the rest of the stage; in the host's /tmp it would stay.
    let own = tree.with_file_name(TEMPORARY);
    let failed = |doing| move |error| Error::failed(doing, tree.with_file_name(TEMPORARY).display().to_string(), error);
    std::fs::create_dir(&own).map_err(failed("make"))?;
    command.env("TMPDIR", &own);
    log::info!("running {command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let done = if log::log_enabled!(log::Level::Info) {
        with_usual_umask(|| interrupt::output(&mut command, |_| {}))
    } else {
        let mut stages = Stages::of(format!("making debian:{suite}"));
        with_usual_umask(|| interrupt::output(command.stderr(Stdio::piped()), move |line| stages.hear(line)))
    };
    let done = done.map_err(|error| Error::failed("start", "setpriv (Debian: util-linux)", error))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        // The first is apt's, which says what is wrong; the last only that apt failed.
        let cause = said.lines().find(|line| line.starts_with("E: ")).or(said.lines().last()).unwrap_or_default();
        let why = if cause.is_empty() { done.status.to_string() } else { jail::report::escaped(cause.as_bytes()) };
        let keys = if KEYRINGS.iter().any(|keyring| Path::new(keyring).exists()) {
            ""
        } else {
            "; Debian's keyring is not there, and without it nobody knows who signed the packages: apt install debian-archive-keyring"
        };
        let why = format!("{why}{keys}; jailbase -v shows all that was said");
        return Err(Error::failed("make", format!("debian:{suite}"), why));
    }
    std::fs::remove_dir_all(&own).map_err(failed("remove"))?;
    forget_making(tree)?;
    settle::empty_places(tree)
}

/// Leaves nothing of the making: an update leaves none of it either, and finds nothing to change in what was just built.
fn forget_making(tree: &Path) -> Result<(), Error> {
    settle::empty(&tree.join("var/lib/apt/lists"))?;
    for log in ["apt", "dpkg.log", "alternatives.log", "bootstrap.log"] {
        let path = tree.join("var/log").join(log);
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::failed("remove", path.display().to_string(), error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The tools that make a tree of Debian's packages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tool {
    Mmdebstrap,
    Debootstrap,
}

fn tool() -> Result<Tool, Error> {
    match (Path::new(MMDEBSTRAP).exists(), Path::new(DEBOOTSTRAP).exists()) {
        (true, _) => Ok(Tool::Mmdebstrap),
        (false, true) => Ok(Tool::Debootstrap),
        (false, false) => Err(Error::Refused("neither mmdebstrap nor debootstrap is there; apt install mmdebstrap".into())),
    }
}

/// Refuses what no tool of this machine could make: nobody asks a mirror for that.
pub fn judge(suite: &str) -> Result<(), Error> {
    tool()?;
    if SUITES.contains(&suite) || !mirrors::all(suite).is_empty() {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "debian:{suite}: Debian's usual mirror has no such suite that is known here, and Debian's sources of this machine name \
         none; name another, or a mirror that has it in /etc/apt/sources.list.d/debian.sources"
    )))
}

fn command(tree: &Path, suite: &str, include: &[String]) -> Result<Command, Error> {
    let tool = tool()?;
    Ok(words(tool, tree, suite, include, &mirrors::all(suite)))
}

fn words(tool: Tool, tree: &Path, suite: &str, include: &[String], mirrors: &[Mirror]) -> Command {
    let include = if include.is_empty() { None } else { Some(format!("--include={}", include.join(","))) };
    match tool {
        Tool::Mmdebstrap => {
            let mut command = contained(MMDEBSTRAP, OWN_MOUNTS);
            // By what apt and dpkg say it is seen how far they are.
            command
                .args(["--verbose", "--mode=root", "--variant=minbase", "--format=directory"])
                .args(include)
                .arg(suite)
                .arg(tree);
            command.args(mirrors.iter().map(Mirror::line));
            command
        }
        Tool::Debootstrap => {
            let mut command = contained(DEBOOTSTRAP, OWN_MOUNTS);
            // Without Debian's keyring it would warn, and then install what nobody signed.
            command.args(["--variant=minbase", "--merged-usr", "--force-check-gpg"]).args(include);
            // It knows one mirror, and not all of apt's ways to one.
            let known = |mirror: &&Mirror| ["http:", "https:", "file:"].iter().any(|way| mirror.uri.starts_with(way));
            let mirror = mirrors.iter().filter(|mirror| mirror.suite == suite).find(known);
            command.args(mirror.and_then(Mirror::own_keyring).map(|keyring| format!("--keyring={keyring}")));
            command.arg(suite).arg(tree).args(mirror.map(|mirror| &mirror.uri));
            command
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tool: Tool, list: &str) -> Vec<String> {
        let mirrors = mirrors::chosen([(Path::new("/etc/apt/sources.list.d/debian.list"), list.to_owned())], "bookworm");
        let command = words(tool, Path::new("/t"), "bookworm", &["git".into()], &mirrors);
        let all = command.get_args().map(|word| word.to_string_lossy().into_owned());
        all.skip_while(|word| word != MMDEBSTRAP && word != DEBOOTSTRAP).skip(1).collect()
    }

    #[test]
    fn debootstrap_is_given_one_mirror_of_the_suite_and_never_installs_what_nobody_signed() {
        let usual = ["--variant=minbase", "--merged-usr", "--force-check-gpg", "--include=git"];
        assert_eq!(said(Tool::Debootstrap, ""), [&usual[..], &["bookworm", "/t"]].concat());
        let list = "deb http://a.example/s bookworm-security main\ndeb mirror+file:/a bookworm main\ndeb http://b.example bookworm main\n";
        assert_eq!(said(Tool::Debootstrap, list), [&usual[..], &["bookworm", "/t", "http://b.example"]].concat());
        let own = "deb [signed-by=/etc/apt/keyrings/site.gpg] http://b.example bookworm main\n";
        let keyring = "--keyring=/etc/apt/keyrings/site.gpg";
        assert_eq!(said(Tool::Debootstrap, own), [&usual[..], &[keyring, "bookworm", "/t", "http://b.example"]].concat());
    }

    #[test]
    fn mmdebstrap_is_given_all_sources_that_are_debians() {
        let usual = ["--verbose", "--mode=root", "--variant=minbase", "--format=directory", "--include=git", "bookworm", "/t"];
        let lines = ["deb http://b.example bookworm main", "deb http://b.example bookworm-updates main"];
        assert_eq!(said(Tool::Mmdebstrap, &lines.join("\n")), [&usual[..], &lines].concat());
    }
}
