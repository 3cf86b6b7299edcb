//! Whether a program of a jail could be executed by its user, found without entering: each name of its path is looked up in what
//! the plan of the jail shows there. Symbolic links lead to where they would lead inside.

use jail::environ;
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
        Self { places, ids: (spec.uid.get(), groups) }
    }

    /// Whether the user could execute a program, given by its path or its name: its path and notes, or why not.
    pub fn program(&self, name: &str) -> Result<(String, Vec<String>), String> {
        if name.contains('/') {
            let path =
                if name.starts_with('/') { name.to_owned() } else { return Err("only an absolute path is looked up".into()) };
            return self.executable(&path, MOST_INTERPRETERS);
        }
        let candidates = environ::PATH.split(':').map(|dir| format!("{dir}/{name}"));
        let mut worst = format!("not found in {}", environ::PATH);
        for path in candidates {
            match self.executable(&path, MOST_INTERPRETERS) {
                Err(why) if why.ends_with(NOT_THERE) => {}
                Err(why) => worst = why,
                found => return found,
            }
        }
        Err(worst)
    }

    fn executable(&self, path: &str, left: usize) -> Result<(String, Vec<String>), String> {
        let found = self.find(path)?;
        let shown = if found.path == path { path.to_owned() } else { format!("{path} (which is {})", found.path) };
        let no = |why: &str| Err(format!("{shown}: {why}"));
        if !fd::is_file(&found.stat) {
            return no("not a regular file");
        }
        if found.noexec {
            return no("its mount is noexec");
        }
        if !self.may(&found.stat, 1) {
            return no(&format!(
                "mode {:04o}, owner {}: the user may not execute it",
                found.stat.st_mode & 0o7777,
                found.stat.st_uid
            ));
        }
        let mut notes = Vec::new();
        if found.stat.st_mode & 0o6000 != 0 {
            notes.push(format!("{path}: its set-user-id or set-group-id bit has no effect: nosuid, and no_new_privs"));
        }
        let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&found.file));
        let head = fd::open_magic(fd::HERE, &open, How::Read).and_then(|file| fd::read_at_most(file, 4096)).unwrap_or_default();
        let Some(interpreter) = interpreter(&head) else {
            return no("neither a binary of this machine nor a script with a #! line");
        };
        if let Some(interpreter) = interpreter {
            let fewer = left.checked_sub(1).ok_or_else(|| format!("{shown}: too many interpreters of interpreters"))?;
            let (_, more) =
                self.executable(&interpreter, fewer).map_err(|why| format!("{shown}: its interpreter or loader {why}"))?;
            notes.extend(more);
        }
        Ok((shown, notes))
    }

    /// Follows a path as the kernel would inside, as the user.
    fn find(&self, path: &str) -> Result<Found, String> {
        let mut left: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let (mut at, mut links) = (String::new(), 0);
        let mut found = self.open("/").map_err(|errno| format!("/: {}", why(errno)))?;
        while let Some(name) = left.pop_front() {
            match name.as_str() {
                "" | "." => continue,
                ".." => at.truncate(at.rfind('/').unwrap_or(0)),
                name => at = format!("{at}/{name}"),
            }
            let shown = if at.is_empty() { "/" } else { at.as_str() };
            if fd::is_dir(&found.stat) && !self.may(&found.stat, 1) {
                return Err(format!("{shown}: the user may not search {}", found.path));
            }
            match self.open(shown) {
                Ok(next) => found = next,
                Err(Errno::ELOOP) => {
                    links += 1;
                    let text = self
                        .link(shown)
                        .filter(|_| links <= MOST_LINKS)
                        .ok_or_else(|| format!("{path}: too many symbolic links"))?;
                    at.truncate(if text.starts_with('/') { 0 } else { at.rfind('/').unwrap_or(0) });
                    text.split('/').rev().for_each(|part| left.push_front(part.to_owned()));
                    found = self.open(if at.is_empty() { "/" } else { &at }).map_err(|errno| format!("{at}: {}", why(errno)))?;
                }
                Err(Errno::ENOENT | Errno::ENOTDIR) => return Err(format!("{path}: {NOT_THERE}")),
                Err(Errno::ENXIO) => {
                    return Err(format!("{path}: it is made for the jail, and nobody can say before what it holds"));
                }
                Err(errno) => return Err(format!("{path}: {}", why(errno))),
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

/// How an answer ends that says that there is nothing of that name.
const NOT_THERE: &str = "there is no such file in the jail";

/// The interpreter of a script, or the loader of a binary, if it has one; `None` if the file is neither.
fn interpreter(head: &[u8]) -> Option<Option<String>> {
    if let Some(rest) = head.strip_prefix(b"#!") {
        let line = rest.split(|byte| *byte == b'\n').next()?;
        let words = std::str::from_utf8(line).ok()?;
        return words.split_whitespace().next().map(|word| Some(word.to_owned()));
    }
    let head = head.strip_prefix(b"\x7fELF").map(|_| head)?;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = head.get(at..at.checked_add(size)?)?;
        bytes.iter().rev().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))
    };
    // Of 64 bits and the byte order of every machine that we serve: elf(5). Of another kind it is for the kernel to say.
    if head.get(4..6) != Some(&[2, 1]) {
        return Some(None);
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let loader = (0..count).filter_map(|index| table.checked_add(index.checked_mul(size)?)).find(|at| number(*at, 4) == Some(3));
    let Some(at) = loader else { return Some(None) };
    let (offset, length) = (number(at.checked_add(8)?, 8)?, number(at.checked_add(32)?, 8)?);
    let text = head.get(offset..offset.checked_add(length)?)?;
    Some(std::str::from_utf8(text).ok().map(|path| path.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_interpreter_and_a_binary_its_loader() {
        assert_eq!(interpreter(b"#!/bin/sh -e\necho"), Some(Some("/bin/sh".into())));
        assert_eq!(interpreter(b"#! /usr/bin/env python3\n"), Some(Some("/usr/bin/env".into())));
        for neither in [&b""[..], b"#!", b"#!\n", b"echo x", b"\x7fEL"] {
            assert_eq!(interpreter(neither), None, "{neither:?}");
        }
        let own = std::fs::read("/proc/self/exe").unwrap_or_default();
        assert!(interpreter(own.get(..4096).unwrap_or_default()).is_some());
        assert_eq!(interpreter(b"\x7fELF\x02\x01 cut off"), None);
    }
}
