//! A sweep: each pin is asked once, and one that went gives its place back.

use crate::outcome::Outcome;
use crate::report::Report;
use crate::storage::{self, Held};
use crate::{process, tell, turn};
use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::policy::STATE;
use jail::report::escaped;
use jail::state::Doing;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::jails::Jails;
use jail::state::marks;
use jail::state::mounted::{Mounted, Source, Table};
use jail::state::pins::{self, Pins, Place};
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::mount::{self, Expiry};
use jail::sys::processors;
use jail::sys::root::Root;
use jail::sys::{self, Errno};

/// One sweep.
pub fn run(root: &Root, host: &Host) -> Result<Report, Error> {
    let mut report = Report::begin("sweep");
    report.returned = Some(0);
    let Some(holder) = Holder::find()? else {
        report.is_blind = pins::judge_absence().inspect_err(|lost| log::warn!("{lost}")).is_err();
        if !report.is_blind {
            log::debug!("no jail is up: nothing to do");
        }
        return Ok(report);
    };
    // ORDER: before the holder is entered; none of the host's paths leads anywhere from there.
    let jails = all_jails()?;
    let mounts = Source::open()?;
    // On the directory of all jails, because no entry takes that lock: a jail is made under the lock of its own directory, the holder
    // under that of the directory of its pin. Only `jailbase user` takes it as well, and not for long.
    let Some(turn) = turn::on(&jails.dir, layout::JAILS)? else {
        let other = process::locking(&format!("{STATE}/{}", layout::JAILS));
        tell::left_to(other.as_ref());
        report.left_to = Some(other);
        return Ok(report);
    };
    let held = storage::of_marked(root, host, &holder, &mounts).unwrap_or_else(|error| {
        log::warn!("{error}; how much memory goes with the jails is not told");
        None
    });
    holder.enter(root)?;
    let swept = all(root, &jails, &mounts, held.as_ref(), &mut report);
    host.back(root)?;
    report.end();
    report.turn = Some(turn);
    swept.map(|()| report)
}

/// In the holder: every name among the pins.
fn all(root: &Root, jails: &Jails, mounts: &Source, held: Option<&Held>, report: &mut Report) -> Result<(), Error> {
    let pins = Pins::enter()?;
    let names = pins.names()?;
    // ORDER: before anything is asked. What is mounted there later was not marked by a sweep before, so it stays in this
    // one, and the next one sees what it is.
    let table = mounts.table()?;
    // The jails are asked, whether anything can be noted of them or not.
    let unnoted = |error: Error| log::warn!("{error}; what jailbase ls says of marks may be wrong");
    marks::forget().unwrap_or_else(unnoted);
    // KERNEL: the mount that an ipc namespace has for itself is unmounted by a worker (`free_ipc`, ipc/namespace.c, 6.18) of the
    // processor that let go of the namespace (`queue_work`). On one processor the two take turns; on two, a sweep that took ten
    // thousand jails down marked one to eight of them once more, see `expire`. Where we may not, they wait for one sweep more.
    processors::stay_for_now().map(drop).unwrap_or_else(|errno| log::debug!("cannot stay on one processor: {}", sys::why(errno)));
    if held.is_none() {
        report.returned = None;
    }
    for name in names {
        let outcome = ask(root, jails, &pins, &table, &name);
        if let (Outcome::Unmounted, Some(returned)) = (&outcome, report.returned.as_mut()) {
            let bytes = pins::target_of(&name).and_then(|target| held?.get(&target).copied());
            *returned = returned.saturating_add(bytes.unwrap_or(0));
        }
        report.note(name, outcome);
    }
    marks::note(&report.marked()).unwrap_or_else(unnoted);
    Ok(())
}

/// The directory of jails. There is a holder, so there were jails: that it cannot be used is a fault and no refusal.
pub fn all_jails() -> Result<Jails, Error> {
    Jails::open().map_err(|error| match error {
        Error::Refused(why) => Error::failed("sweep", "", why),
        other => other,
    })
}

/// What is said of a mount that is no pin.
pub fn foreign(mounted: Option<&Mounted>) -> Option<Outcome> {
    mounted?.foreign.as_ref().map(|kind| Outcome::Foreign(format!("a mount ({}), ", escaped(kind.as_bytes()))))
}

/// Asks the kernel about one name: whoever used it since the last time keeps it, and so does whoever holds it.
fn ask(root: &Root, jails: &Jails, pins: &Pins, table: &Table, name: &str) -> Outcome {
    let Some(target) = pins::target_of(name) else { return Outcome::Foreign(String::new()) };
    if let Some(outcome) = foreign(table.on(name)) {
        return outcome;
    }
    let outcome = match mount::expire(root, name) {
        Ok(Expiry::Marked) => Ok(Outcome::Marked),
        Ok(Expiry::Busy) => Ok(Outcome::InUse(Vec::new())),
        // Whether its place goes in this sweep or the next, the jail itself is gone.
        Ok(Expiry::Gone) => give_back(jails, pins, target).map(|_| Outcome::Unmounted),
        Ok(Expiry::NotMounted) if !pins::may_have_a_jail(target) => Ok(Outcome::Foreign(String::new())),
        Ok(Expiry::NotMounted) => give_back(jails, pins, target).map(|place| match place {
            Place::Removed => Outcome::Cleared,
            Place::Taken => Outcome::InMaking,
            Place::Foreign => Outcome::Foreign(String::new()),
        }),
        Err(Errno::ENOENT) => Ok(Outcome::Cleared),
        Err(errno) => Err(Error::failed("unmount the pin", name, sys::why(errno))),
    };
    outcome.unwrap_or_else(Outcome::Failed)
}

/// Removes the empty file that a pin was mounted on.
///
/// ORDER: the lock, then the removal, and no second question to the kernel between them. A cold entry makes the file,
/// opens it and mounts the pin on it, all under this lock; so under the lock the file either is free or carries its
/// pin. Without it we could remove the file after it was opened, and the mount on it would be ENOENT. Which of the two
/// it is the removal finds out by itself, in one step. To ask [`mount::expire`] once more would be wrong: it would
/// set, or act on, the mark of a jail that was made this instant.
///
/// A warm entry takes no lock. It finds the pin and holds the jail, or it finds the empty file, or nothing; either of
/// those sends it to the cold entry, which waits for the lock and looks again.
fn give_back(jails: &Jails, pins: &Pins, target: Target) -> Result<Place, Error> {
    // Not judged: the lock of a directory that trampoline would not believe is nobody else's.
    let dir = match fd::open_beneath(&jails.dir, &layout::pin(target), How::List) {
        // The user was removed. An entry that began before that may fail now, as it should.
        Err(Errno::ENOENT) => return pins.remove_place(target),
        opened => opened.doing("open", layout::jail_dir(target))?,
    };
    // Not waited for: the maker may wait for a file server, and the other jails must not. What is left lying here is an
    // empty file, and the next sweep asks for it again.
    match Lock::try_exclusive(&dir).doing("lock", layout::jail_dir(target))? {
        None => Ok(Place::Taken),
        Some(_lock) => pins.remove_place(target),
    }
}
