//! A drain: nobody comes in any more, who is inside may finish, and then the jail is taken down.
//!
//! The bar is a record lock of the kernel's on the directory of all jails, one byte for each uid: it falls with this
//! process, however that ends, and nothing is left that would have to be cleared away.

use crate::look;
use crate::options::{Who, Whom};
use crate::outcome::Outcome;
use crate::process::Process;
use crate::report::Report;
use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::Doing;
use jail::state::drain::{Found, until_down};
use jail::state::host::Host;
use jail::state::jails::Jails;
use jail::state::pins;
use jail::sys::expire::Bar;
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::root::Root;
use jail::sys::{Errno, files};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Bars the entries, takes the jails down as their sessions end, and lets people in again.
pub fn run(root: &Root, host: &Host, whom: &Whom, patience: Duration) -> Result<Report, Error> {
    let start = Instant::now();
    let mut report = Report::begin("drain");
    let jails = Jails::open()?;
    let one = one(root, host, whom, &jails)?;
    // ORDER: before the first jail is asked. Whoever took a lease and looked for a bar before this is found by its lease;
    // whoever looks later is refused.
    let _bar = Bar::put(&jails.dir, one.map(Target::get)).doing("bar", layout::JAILS)?;
    // ORDER: after the bar. Whoever is added later meets it.
    let all = one.map_or_else(|| all(root, host, &jails), |one| Ok(vec![one]))?;
    let done = |target: Target, ended: Result<Found, Error>| {
        let outcome = match ended {
            // What `jailbase user rm` leaves without --purge is no jail, and was asked because one may have been in making.
            Ok(Found::NotUp) if !is_described(&jails, target) => return,
            Ok(Found::Up | Found::NotUp) => Outcome::Drained,
            Ok(Found::WithoutDirectory) => Outcome::DrainedWithoutDirectory,
            Err(error) => Outcome::Failed(error),
        };
        report.note(target.to_string(), outcome);
    };
    let waiting = |left: &[Target]| {
        for (name, by) in held(root, host, left) {
            log::warn!("{name}: waiting for {}", who(&by));
        }
    };
    let left = until_down((root, host, &jails), all, (start, patience), done, waiting);
    report.is_late = !left.is_empty();
    for (name, by) in held(root, host, &left) {
        log::warn!("{name}: not drained, and people are let in again; in use by {}", who(&by));
        report.names.push((name, Outcome::InUse(by)));
    }
    report.end();
    Ok(report)
}

/// Whose jail is to go; `None` for all.
fn one(root: &Root, host: &Host, whom: &Whom, jails: &Jails) -> Result<Option<Target>, Error> {
    let one = match whom {
        Whom::One(Who::Uid(uid)) => *uid,
        Whom::One(Who::Name(name)) => jails.target(name)?,
        Whom::All => return Ok(None),
    };
    // One that lives is a jail, whatever became of its directory.
    if !look::live(root, host)?.contains(&one) {
        let dir = jails.jail(one)?;
        // Whoever has its lock may be making it still, of a spec that he read before it went.
        let is_free = || Lock::try_exclusive(&dir.dir).doing("lock", layout::jail_dir(one)).map(|lock| lock.is_some());
        if !is_described(jails, one) && is_free()? {
            let why = format!("uid {one} has no jail, but files; jailbase user rm {one} --purge removes them");
            return Err(Error::Refused(why));
        }
    }
    Ok(Some(one))
}

/// Whoever lives, and whoever has a directory: a jail may be in making there, and one whose directory was moved away lives on.
fn all(root: &Root, host: &Host, jails: &Jails) -> Result<Vec<Target>, Error> {
    let names = files::names(&jails.dir).doing("list", layout::JAILS)?;
    // ORDER: the pins last. A jail whose directory goes away meanwhile was listed, or is found by its pin.
    let mut all = look::live(root, host)?;
    all.extend(names.iter().filter_map(|name| pins::target_of(name)));
    if all.is_empty() {
        pins::judge_absence()?;
    }
    Ok(all.into_iter().collect())
}

/// Whether there is a spec: without one there is no jail to be made.
fn is_described(jails: &Jails, target: Target) -> bool {
    let spec = format!("{}/{}", layout::pin(target), layout::SPEC);
    !matches!(fd::open_beneath(&jails.dir, &spec, How::Place), Err(Errno::ENOENT))
}

/// Who holds each of these jails. It only words what is said, so a look that fails does not end the drain.
fn held(root: &Root, host: &Host, left: &[Target]) -> Vec<(String, Vec<Process>)> {
    let found = if left.is_empty() { Ok(BTreeMap::new()) } else { look::holders(root, host) };
    let mut by = found.inspect_err(|error| log::warn!("who holds a jail cannot be looked at: {error}")).unwrap_or_default();
    left.iter().map(|target| layout::pin(*target)).map(|name| (name.clone(), by.remove(&name).unwrap_or_default())).collect()
}

/// Whoever makes a jail holds its lock and no pin yet, and is not seen.
fn who(by: &[Process]) -> String {
    if by.is_empty() { "whoever makes it, or cannot be seen".into() } else { Process::list(by) }
}
