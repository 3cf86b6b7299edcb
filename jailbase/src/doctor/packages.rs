//! Whether the programs are those that a package brought, where one did: somebody who changed one can have kept its date and size.

use super::finding::{Fault, Report, problem};
use super::programs;
use super::runs::PATH;
use std::path::Path;
use std::process::Command;

const DPKG: &str = "/usr/bin/dpkg";

/// `package-files`.
pub fn look(report: &mut Report) {
    let all = ["trampoline", "reaper", "jailbase"].iter().flat_map(|name| programs::installed(name));
    let changed: Vec<Fault> = all.filter_map(|path| changed(&path)).collect();
    report.note("package-files", changed, "none of the programs is another than a package of Debian's form brought");
}

/// A file that was installed by hand is of no package, and there is nothing to compare it with.
fn changed(path: &Path) -> Option<Fault> {
    let at = path.display().to_string();
    let owners = said(&["--search", &at])?;
    let mut owners = owners.lines().filter(|line| !line.starts_with("diversion by "));
    let package = owners.find_map(|line| line.strip_suffix(&at)?.strip_suffix(": "))?;
    // A line for each file that differs: what differs, and its path at the end (dpkg(1), --verify).
    let differs = said(&["--verify", package])?.lines().any(|line| line.split_ascii_whitespace().last() == Some(&at));
    differs.then(|| {
        problem(
            format!("{at} is not the file that the package {package} brought"),
            format!("find out who changed it, then apt-get install --reinstall {package}"),
        )
    })
}

/// What dpkg says; its exit code tells of all files of a package at once.
fn said(words: &[&str]) -> Option<String> {
    let mut dpkg = Command::new(DPKG);
    dpkg.args(words).env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").current_dir("/");
    Some(String::from_utf8_lossy(&dpkg.output().ok()?.stdout).into_owned())
}
