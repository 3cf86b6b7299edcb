//! The three programs as files: owner, mode, links, and the file system they lie on.

use super::finding::{Fault, Report, advice, problem};
use super::{mounts, owners};
use std::fs::{Metadata, symlink_metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where programs are installed, beside where this one lies.
const PLACES: [&str; 7] = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/opt/trampoline/bin"];

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;

/// `trampoline-installed`, `trampoline-owner`, `trampoline-mode`, `trampoline-links`, `trampoline-path`, `trampoline-nosuid`,
/// `trampoline-copies`, `tools-owner`.
pub fn look(report: &mut Report) {
    let all = installed("trampoline");
    let missing = problem("there is no trampoline beside this program, nor where programs are installed", "run make install");
    report.note("trampoline-installed", all.is_empty().then_some(missing), shown(&all));
    if let Some((path, meta)) = all.first().and_then(|path| Some((path, symlink_metadata(path).ok()?))) {
        let at = path.display();
        report.note(
            "trampoline-owner",
            faults(owners::fault(path, &meta)),
            format!("{at} belongs to root, and only root can write it"),
        );
        report.note("trampoline-mode", mode(path, &meta), format!("{at} has mode {:04o}", owners::rights(&meta)));
        let links = (meta.nlink() != 1).then(|| {
            problem(
                format!("{at} has {} names; an update of one leaves the old program under the others", meta.nlink()),
                format!("find the others with find / -xdev -samefile {at}, and remove them"),
            )
        });
        report.note("trampoline-links", links, format!("{at} has one name"));
        report.note(
            "trampoline-path",
            faults(owners::above(path)),
            format!("only root can put something else in the place of {at}"),
        );
        let table = mounts::table();
        let nosuid = mounts::of(&table, &at.to_string()).filter(|mount| mount.has("nosuid")).map(|mount| {
            problem(
                format!("{at} lies on {}, which is mounted nosuid: its setuid bit has no effect", mount.at),
                "install it on another file system, or mount that one without nosuid",
            )
        });
        report.note("trampoline-nosuid", nosuid, "the file system it lies on lets setuid bits count");
    }
    let copies: Vec<Fault> = all.iter().skip(1).filter_map(|path| copy(path)).collect();
    report.note("trampoline-copies", copies, "there is one setuid trampoline");
    let tools: Vec<PathBuf> = ["reaper", "jailbase"].iter().flat_map(|name| installed(name)).collect();
    report.note("tools-owner", tools.iter().flat_map(|path| tool(path)).collect::<Vec<_>>(), shown(&tools));
}

/// The trampoline that belongs to this program.
pub fn trampoline() -> Option<PathBuf> {
    installed("trampoline").into_iter().next()
}

/// Whether nobody but root can have put this file there or changed it: only then may root start it.
pub fn is_roots_alone(path: &Path) -> bool {
    symlink_metadata(path).is_ok_and(|meta| owners::fault(path, &meta).is_none()) && owners::above(path).is_empty()
}

/// The files of this name where programs are installed; what is beside us first, and each file once.
pub fn installed(name: &str) -> Vec<PathBuf> {
    let own = std::env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned));
    let beside = own.iter().flat_map(|dir| [dir.clone(), dir.with_file_name("bin"), dir.with_file_name("sbin")]);
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in beside.chain(PLACES.map(PathBuf::from)) {
        // Where /bin is a link to /usr/bin, both lead to one file.
        let real = std::fs::canonicalize(dir.join(name)).ok().filter(|path| path.is_file());
        found.extend(real.filter(|path| !found.contains(path)));
    }
    found
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn faults(found: impl IntoIterator<Item = (String, String)>) -> Vec<Fault> {
    found.into_iter().map(|(found, todo)| problem(found, todo)).collect()
}

fn mode(path: &Path, meta: &Metadata) -> Option<Fault> {
    let (at, rights) = (path.display(), owners::rights(meta));
    if rights & SETUID == 0 {
        Some(problem(
            format!("{at} is not setuid (mode {rights:04o}): it cannot enter a jail"),
            format!("chmod 4750 {at}, or make install"),
        ))
    } else if rights & SETGID != 0 {
        Some(problem(format!("{at} is setgid as well (mode {rights:04o})"), format!("chmod g-s {at}")))
    } else if rights & 0o001 != 0 {
        Some(advice(
            format!("every user of the host can execute {at} (mode {rights:04o})"),
            format!("if no login shell leads into jails: chmod 4750 {at}, and give it the group of the callers"),
        ))
    } else {
        None
    }
}

fn copy(path: &Path) -> Option<Fault> {
    let meta = symlink_metadata(path).ok()?;
    (meta.uid() == 0 && owners::rights(&meta) & SETUID != 0).then(|| {
        problem(
            format!("{} is setuid root too, with a policy of its own", path.display()),
            format!("remove it: rm {}", path.display()),
        )
    })
}

/// Root runs these by hand and by timer; nobody else may change them, and a setuid bit on one is a mistake.
fn tool(path: &Path) -> Vec<Fault> {
    let Ok(meta) = symlink_metadata(path) else { return Vec::new() };
    let mut found = faults(owners::fault(path, &meta).into_iter().chain(owners::above(path)));
    if owners::rights(&meta) & (SETUID | SETGID) != 0 {
        let at = path.display();
        found.push(problem(format!("{at} is setuid or setgid (mode {:04o})", owners::rights(&meta)), format!("chmod 0755 {at}")));
    }
    found
}
