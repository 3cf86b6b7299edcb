//! Whether trampoline starts for those who are to call it, and was built as this program was.

use super::finding::{Fault, Report, advice, problem};
use super::programs;
use jail::explain;
use jail::policy::ENTER;
use nix::unistd::{Uid, User};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Where `timeout` and `chroot` of coreutils are, and what dpkg starts.
pub const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// `trampoline-callers`, `trampoline-version`, `trampoline-policy`.
pub fn look(report: &mut Report) {
    let Some(path) = programs::trampoline() else { return };
    if !programs::is_roots_alone(&path) {
        for check in ["trampoline-callers", "trampoline-version", "trampoline-policy"] {
            let found = format!("{} was not started: others than root can change it", path.display());
            report.note(check, [problem(found, "mend what trampoline-owner and trampoline-path say, then look again")], "");
        }
        return;
    }
    report.note("trampoline-callers", callers(&path), "it starts for every caller of the policy");
    let expected = format!("trampoline {}", env!("CARGO_PKG_VERSION"));
    report.note("trampoline-version", differs(&path, "--version", &expected, "another version"), expected.clone());
    let policy = explain::policy();
    report.note(
        "trampoline-policy",
        differs(&path, "--policy", policy.trim_end(), "another policy"),
        "it and this program know one policy",
    );
}

/// What it says, or why it says nothing.
///
/// What runs as a caller the caller can stop, before it has become trampoline too, and to start it is to wait for that; so
/// a program of root's starts it, and ends it after ten seconds.
fn said(words: &[&str]) -> Result<String, String> {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "10"]).args(words).env_clear().env("PATH", PATH).current_dir("/");
    let done = command.output().map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned());
    }
    match String::from_utf8_lossy(&done.stderr).trim() {
        "" => Err("it was killed, or stopped for ten seconds, as everybody with its uid can do".into()),
        why => Err(jail::report::escaped(why.as_bytes())),
    }
}

fn differs(path: &Path, word: &str, expected: &str, what: &str) -> Option<Fault> {
    let at = path.display();
    match said(&[&at.to_string(), word]) {
        Ok(text) if text == expected => None,
        Ok(_) => Some(problem(
            format!("{at} was built with {what} than {}: what one writes the other may refuse", env!("CARGO_PKG_NAME")),
            format!("compare {at} {word} with what was built last, then make and make install"),
        )),
        Err(why) => Some(problem(format!("{at} {word} does not answer: {why}"), "run make install, then look again")),
    }
}

/// Each caller of the policy starts it, with his primary group, as a service would. Root's turn is with the other checks.
fn callers(path: &Path) -> Vec<Fault> {
    let mut uids: Vec<u32> = ENTER.iter().flat_map(|rule| rule.callers).copied().filter(|uid| *uid != 0).collect();
    uids.sort_unstable();
    uids.dedup();
    let accounts = uids.into_iter().filter_map(|uid| User::from_uid(Uid::from_raw(uid)).ok().flatten());
    accounts.filter_map(|account| start(path, &account)).collect()
}

fn start(path: &Path, account: &User) -> Option<Fault> {
    let (at, name) = (path.display(), &account.name);
    // Not setpriv(1), which executes what it was told to with the capabilities that it had.
    let ids = format!("--userspec=+{}:+{}", account.uid, account.gid);
    let why = said(&["chroot", &ids, "--groups=", "/", &at.to_string(), "--version"]).err()?;
    let found = format!("{name}, a caller of the policy, cannot start {at} with the own primary group: {why}");
    let todo = format!("let {name} execute it: make install GROUP=..., or MODE=4755");
    // In a supplementary group of the file's the caller may start it all the same; a service can be told to give it.
    let group = std::fs::metadata(path).map(|meta| meta.gid()).ok()?;
    let c_name = std::ffi::CString::new(name.as_str()).ok()?;
    let groups = nix::unistd::getgrouplist(&c_name, account.gid);
    if group != account.gid.as_raw() && groups.is_ok_and(|all| all.iter().any(|known| known.as_raw() == group)) {
        return Some(advice(found, format!("see that the service of {name} runs with all its groups, or {todo}")));
    }
    Some(problem(found, todo))
}
