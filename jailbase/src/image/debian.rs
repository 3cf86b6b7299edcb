//! `--from debian:SUITE`: Debian's own tools make the tree, from the mirrors that this machine's apt uses.
//!
//! They run with all of root's rights, in a mount and a pid namespace of their own: to make a tree they mount, make devices
//! and enter it by chroot, and who may do these three can take back every other right. Whose packages they are, apt has
//! checked. What runs in a tree that is there needs none of that, and has little: see [`super::room`].

use super::room::{contained, with_usual_umask};
use super::settle;
use crate::progress::Progress;
use jail::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MMDEBSTRAP: &str = "/usr/bin/mmdebstrap";
const DEBOOTSTRAP: &str = "/usr/sbin/debootstrap";

/// Makes the tree of a suite, with further packages, and empties what only a running system fills.
pub fn tree(tree: &Path, suite: &str, include: &[String]) -> Result<(), Error> {
    let mut command = command(tree, suite, include)?;
    log::info!("running {command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if !log::log_enabled!(log::Level::Info) {
        command.stderr(Stdio::piped());
    }
    let progress =
        if log::log_enabled!(log::Level::Info) { None } else { Some(Progress::endless(&format!("making debian:{suite}"))) };
    let done = with_usual_umask(|| command.spawn().and_then(std::process::Child::wait_with_output));
    let done = done.map_err(|error| Error::failed("start", "setpriv (Debian: util-linux)", error))?;
    drop(progress);
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        // The first is apt's, which says what is wrong; the last only that apt failed.
        let cause = said.lines().find(|line| line.starts_with("E: ")).or(said.lines().last()).unwrap_or_default();
        let why = if cause.is_empty() { done.status.to_string() } else { jail::report::escaped(cause.as_bytes()) };
        return Err(Error::failed("make", format!("debian:{suite}"), format!("{why}; jailbase -v shows all that was said")));
    }
    settle::empty_places(tree)
}

fn command(tree: &Path, suite: &str, include: &[String]) -> Result<Command, Error> {
    let include = if include.is_empty() { None } else { Some(format!("--include={}", include.join(","))) };
    if Path::new(MMDEBSTRAP).exists() {
        let mut command = contained(MMDEBSTRAP);
        command.args(["--mode=root", "--variant=minbase", "--format=directory"]).args(include).arg(suite).arg(tree);
        command.args(sources(suite));
        return Ok(command);
    }
    if Path::new(DEBOOTSTRAP).exists() {
        let mut command = contained(DEBOOTSTRAP);
        command.args(["--variant=minbase", "--merged-usr"]).args(include).arg(suite).arg(tree);
        command.args(sources(suite).first().and_then(|file| mirror(file)));
        return Ok(command);
    }
    Err(Error::Refused("neither mmdebstrap nor debootstrap is there; apt install mmdebstrap".into()))
}

/// The files of this machine's apt that name the suite; none if there are none, and then the tool takes its usual mirror.
fn sources(suite: &str) -> Vec<PathBuf> {
    let listed = std::fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<PathBuf> = listed.chain([PathBuf::from("/etc/apt/sources.list")]).collect();
    all.retain(|path| {
        let ending = path.extension().is_some_and(|ending| ending == "list" || ending == "sources");
        ending && std::fs::read_to_string(path).is_ok_and(|text| names(&text, suite))
    });
    all.sort();
    all
}

/// Whether a file of sources names a suite, or what is derived of it.
fn names(text: &str, suite: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(str::split_whitespace).any(|word| word == suite)
}

/// The first mirror that a file of sources names.
fn mirror(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(str::split_whitespace).find(|word| word.contains("://")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_sources_names_its_suites_and_no_comment_does() {
        let modern = "Types: deb\n# trixie\nURIs: https://example.org/debian\nSuites: bookworm bookworm-updates\n";
        assert!(names(modern, "bookworm") && !names(modern, "trixie") && !names(modern, "book"));
        assert!(names("deb [signed-by=/x] https://example.org/debian sid main\n", "sid"));
        assert!(!names("#deb https://example.org/debian sid main\n", "sid"));
    }
}
