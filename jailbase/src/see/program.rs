//! Whether a program of a jail could be executed by its user, found without entering: each name of its path is looked up in what
//! the plan of the jail shows there. Symbolic links lead to where they would lead inside.

use super::interpreter;
use jail::environ;
use jail::error::code;
use jail::plan::{Plan, Step};
use jail::spec::Spec;
use jail::sys::fd::{self, FileStat, How};
use jail::sys::{Errno, why};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;
/// As many interpreters of interpreters as the kernel starts (execve(2)).
const MOST_INTERPRETERS: usize = 5;

/// What a jail shows, by where: the longest place that a path begins with is its.
pub struct View {
    places: Vec<(String, Option<OwnedFd>, bool)>,
    ids: (u32, Vec<u32>),
    home: String,
}

/// Why a program does not start, and what trampoline exits with then.
#[derive(PartialEq, Eq, Debug)]
pub struct No {
    pub why: String,
    pub code: u8,
}

/// Where a program is, with notes; or why not.
type Answer = Result<(String, Vec<String>), No>;

/// It is there, and cannot be executed.
fn not_executable(why: String) -> No {
    No { why, code: code::NOT_EXECUTABLE }
}

/// It is not there.
fn not_found(why: String) -> No {
    No { why, code: code::NOT_FOUND }
}

/// Something found in a jail.
struct Found {
    path: String,
    stat: FileStat,
    file: OwnedFd,
    /// Whether nothing is executed on its mount.
    noexec: bool,
}

impl View {
    /// The view that a plan gives; what is made for the jail alone has nothing to look into yet.
    pub fn of(spec: &Spec, plan: &Plan, generation: u32) -> Self {
        let place = |step: &Step| {
            let how = if matches!(step, Step::Own { .. }) { How::Place } else { How::Directory };
            let source = super::mounts::source(step, spec, generation).and_then(|path| fd::open(&path, how).ok());
            (super::mounts::at(step), source, step.to_string().contains("noexec"))
        };
        let mut places: Vec<_> = plan.0.iter().map(place).collect();
        places.push(("/proc".into(), None, true));
        let groups = spec.groups.iter().chain([&spec.gid]).map(|group| group.get()).collect();
        Self { places, ids: (spec.uid.get(), groups), home: spec.home.to_string() }
    }

    /// Whether the user could execute a program, given by its path, absolute or from the home, or by its name.
    pub fn program(&self, name: &str) -> Answer {
        if name.contains('/') {
            let path = if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", self.home) };
            return self.executable(&path, MOST_INTERPRETERS);
        }
        let mut worst = not_found(format!("not found in {}", environ::PATH));
        for path in environ::PATH.split(':').map(|dir| format!("{dir}/{name}")) {
            match self.executable(&path, MOST_INTERPRETERS) {
                // The first that is there and does not start is told of, unless a later one starts.
                Err(no) if no.code == code::NOT_FOUND || worst.code != code::NOT_FOUND => {}
                Err(no) => worst = no,
                found => return found,
            }
        }
        Err(worst)
    }

    fn executable(&self, path: &str, left: usize) -> Answer {
        let found = self.find(path)?;
        let shown = if found.path == path { path.to_owned() } else { format!("{path} (which is {})", found.path) };
        let no = |why: &str| Err(not_executable(format!("{shown}: {why}")));
        if fd::is_dir(&found.stat) {
            return no("it is a directory; name a program in it");
        }
        if !fd::is_file(&found.stat) {
            return no("not a regular file");
        }
        if found.noexec {
            return no("its mount is noexec");
        }
        let mode = found.stat.st_mode & 0o7777;
        if !self.may(&found.stat, 1) {
            let mends = if mode & 0o111 == 0 { "; chmod +x mends that" } else { "" };
            return no(&format!("mode {mode:04o}, owner {}: the user may not execute it{mends}", found.stat.st_uid));
        }
        let mut notes = Vec::new();
        if mode & 0o6000 != 0 {
            notes.push(format!("{path}: its set-user-id or set-group-id bit has no effect: nosuid, and no_new_privs"));
        }
        let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&found.file));
        let head = fd::open_magic(fd::HERE, &open, How::Read).and_then(|file| fd::read_at_most(file, 4096)).unwrap_or_default();
        let Some(interpreter) = interpreter::of(&head) else {
            return no("neither a binary of this machine nor a script with a #! line");
        };
        let Some(interpreter) = interpreter else { return Ok((shown, notes)) };
        let returns = interpreter::line_returns(&head);
        let fewer =
            left.checked_sub(1).ok_or_else(|| not_executable(format!("{shown}: too many interpreters of interpreters")))?;
        let (_, more) = self.executable(&interpreter, fewer).map_err(|no| {
            let why = format!("{shown}: its interpreter or loader {}", no.why);
            not_executable(if returns { format!("{why}: {}", interpreter::RETURNS) } else { why })
        })?;
        notes.extend(returns.then(|| format!("{path}: {}", interpreter::RETURNS)));
        notes.extend(more);
        Ok((shown, notes))
    }

    /// Follows a path as the kernel would inside, as the user.
    fn find(&self, path: &str) -> Result<Found, No> {
        let mut left: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let (mut at, mut links) = (String::new(), 0);
        let failed = |at: &str, errno| not_executable(format!("{at}: {}", why(errno)));
        let mut found = self.open("/").map_err(|errno| failed("/", errno))?;
        while let Some(name) = left.pop_front() {
            match name.as_str() {
                "" | "." => continue,
                ".." => at.truncate(at.rfind('/').unwrap_or(0)),
                name => at = format!("{at}/{name}"),
            }
            let shown = if at.is_empty() { "/" } else { at.as_str() };
            if fd::is_dir(&found.stat) && !self.may(&found.stat, 1) {
                return Err(not_executable(format!("{shown}: the user may not search {}", found.path)));
            }
            match self.open(shown) {
                Ok(next) => found = next,
                Err(Errno::ELOOP) => {
                    links += 1;
                    let text = self
                        .link(shown)
                        .filter(|_| links <= MOST_LINKS)
                        .ok_or_else(|| not_executable(format!("{path}: too many symbolic links")))?;
                    at.truncate(if text.starts_with('/') { 0 } else { at.rfind('/').unwrap_or(0) });
                    text.split('/').rev().for_each(|part| left.push_front(part.to_owned()));
                    found = self.open(if at.is_empty() { "/" } else { &at }).map_err(|errno| failed(&at, errno))?;
                }
                Err(Errno::ENOENT | Errno::ENOTDIR) => {
                    return Err(not_found(format!("{path}: there is no such file in the jail")));
                }
                Err(Errno::ENXIO) => {
                    let why = "it is made for the jail, and nobody can say before what it holds";
                    return Err(not_executable(format!("{path}: {why}")));
                }
                Err(errno) => return Err(failed(path, errno)),
            }
        }
        Ok(found)
    }

    /// What the jail shows at a path without links: ELOOP if the last name is one, ENXIO if it lies in what is not made yet.
    fn open(&self, path: &str) -> Result<Found, Errno> {
        let (source, below, noexec) = self.place(path).ok_or(Errno::ENOENT)?;
        let source = source.ok_or(Errno::ENXIO)?;
        let file = if below.is_empty() {
            source.try_clone().map_err(|error| fd::errno(&error))?
        } else {
            fd::open_beneath(source, below, How::Place)?
        };
        let stat = fd::stat(&file)?;
        Ok(Found { path: path.to_owned(), stat, file, noexec })
    }

    fn link(&self, path: &str) -> Option<String> {
        let (dir, name) = path.rsplit_once('/')?;
        let (source, below, _) = self.place(if dir.is_empty() { "/" } else { dir })?;
        let dir =
            if below.is_empty() { source?.try_clone().ok()? } else { fd::open_beneath(source?, below, How::Directory).ok()? };
        fd::link_text(&dir, name).ok()
    }

    /// The mount a path lies on, and the rest of the path.
    fn place<'a>(&self, path: &'a str) -> Option<(Option<&OwnedFd>, &'a str, bool)> {
        let below = |at: &str| match at {
            "/" => path.strip_prefix('/'),
            at => path.strip_prefix(at).filter(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        let fitting = self.places.iter().filter_map(|(at, source, noexec)| Some((at.len(), below(at)?, source, *noexec)));
        // Of two with one place the later lies on top.
        let (_, rest, source, noexec) = fitting.max_by_key(|(length, ..)| *length)?;
        Some((source.as_ref(), rest.trim_start_matches('/'), noexec))
    }

    /// Whether the mode lets the user do it: 1 is to execute or to search, 4 to read. Access control lists are not asked.
    fn may(&self, stat: &FileStat, right: u32) -> bool {
        let shift = if stat.st_uid == self.ids.0 {
            6
        } else if self.ids.1.contains(&stat.st_gid) {
            3
        } else {
            0
        };
        (stat.st_mode >> shift) & right != 0
    }
}
