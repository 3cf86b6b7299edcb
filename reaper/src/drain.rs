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
use jail::state::host::Host;
use jail::state::jails::{JailDir, Jails};
use jail::state::pins::{self, Pin};
use jail::sys::expire::Bar;
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::root::Root;
use jail::sys::{Errno, files};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often sessions are looked at: soon at first, and then at leisure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// After this long it is said whom the drain waits for.
const SILENCE: Duration = Duration::from_secs(1);

/// Bars the entries, takes the jails down as their sessions end, and lets people in again.
pub fn run(root: &Root, host: &Host, whom: &Whom, patience: Duration) -> Result<Report, Error> {
    let start = Instant::now();
    let mut report = Report::begin("drain");
    let jails = Jails::open()?;
    let (byte, mut left) = targets(whom, &jails)?;
    // ORDER: before the first jail is asked. Whoever took a lease and looked for a bar before this is found by its lease;
    // whoever looks later is refused.
    let _bar = Bar::put(&jails.dir, byte).doing("bar", layout::JAILS)?;
    let mut pause = PAUSES.0;
    let mut is_silent = true;
    loop {
        left.retain(|target| match down(root, host, &jails, *target) {
            Ok(false) => true,
            Ok(true) => {
                report.note(target.to_string(), Outcome::Drained);
                false
            }
            Err(error) => {
                report.note(target.to_string(), Outcome::Failed(error));
                false
            }
        });
        let rest = patience.checked_sub(start.elapsed());
        let Some(rest) = rest.filter(|_| !left.is_empty()) else { break };
        if is_silent && start.elapsed() >= SILENCE {
            is_silent = false;
            for (name, by) in held(root, host, &left) {
                log::warn!("{name}: waiting for {}", who(&by));
            }
        }
        std::thread::sleep(pause.min(rest));
        pause = PAUSES.1.min(pause.saturating_mul(2));
    }
    report.is_late = !left.is_empty();
    for (name, by) in held(root, host, &left) {
        log::warn!("{name}: not drained, and people are let in again; in use by {}", who(&by));
        report.names.push((name, Outcome::InUse(by)));
    }
    report.end();
    Ok(report)
}

/// The byte to bar, or all of them; and whose jails are to go.
fn targets(whom: &Whom, jails: &Jails) -> Result<(Option<u32>, Vec<Target>), Error> {
    let one = match whom {
        Whom::One(Who::Uid(uid)) => *uid,
        Whom::One(Who::Name(name)) => jails.target(name)?,
        Whom::All => {
            let names = files::names(&jails.dir).doing("list", layout::JAILS)?;
            return Ok((None, names.iter().filter_map(|name| pins::target_of(name)).collect()));
        }
    };
    jails.jail(one)?;
    Ok((Some(one.get()), vec![one]))
}

/// Takes a jail down if nobody holds it, and says whether it is down.
///
/// ORDER: under the jail's lock. Who makes a jail does so under that lock and looks for the bar there, so he either is
/// done by now and his jail is found, or he will be refused.
fn down(root: &Root, host: &Host, jails: &Jails, target: Target) -> Result<bool, Error> {
    // Not judged: what trampoline would not believe nobody enters, and it must go all the same.
    let dir = match fd::open_beneath(&jails.dir, &layout::pin(target), How::List) {
        // The user was removed meanwhile, and the jail before that.
        Err(Errno::ENOENT) => return Ok(true),
        opened => JailDir { dir: opened.doing("open", layout::jail_dir(target))?, target },
    };
    let Some(lock) = Lock::try_exclusive(&dir.dir).doing("lock", layout::jail_dir(target))? else { return Ok(false) };
    Ok(pins::take_down(root, host, &dir, &lock)? == Pin::Gone)
}

/// Who holds each of these jails. It only words what is said, so a look that fails does not end the drain.
fn held(root: &Root, host: &Host, left: &[Target]) -> Vec<(String, Vec<Process>)> {
    let mut by = if left.is_empty() { BTreeMap::new() } else { look::holders(root, host).unwrap_or_default() };
    left.iter().map(|target| layout::pin(*target)).map(|name| (name.clone(), by.remove(&name).unwrap_or_default())).collect()
}

/// Whoever makes a jail holds its lock and no pin yet, and is not seen.
fn who(by: &[Process]) -> String {
    if by.is_empty() { "whoever makes it".into() } else { Process::list(by) }
}
