//! Before a jail is taken away: nobody comes in any more, and who is inside may finish. As `reaper --drain` does it, with the
//! same bar of the kernel's, which falls with this process.

use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::Doing;
use jail::state::host::Host;
use jail::state::jails::{JailDir, Jails};
use jail::state::pins::{self, Pin};
use jail::sys::Errno;
use jail::sys::expire::Bar;
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::root::Root;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often sessions are looked at: soon at first, and then at leisure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// After this long it is said that somebody is waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// The jails that are down, and stay so while this value lives.
#[derive(Debug)]
#[must_use]
pub struct Drained {
    _bars: Vec<Bar>,
    /// Why a jail is not down.
    not: BTreeMap<Target, Error>,
}

impl Drained {
    /// Bars the entries to these jails, and waits so long for their sessions to end.
    pub fn of(root: &Root, host: &Host, jails: &Jails, targets: &[Target], patience: Duration) -> Result<Self, Error> {
        let start = Instant::now();
        // ORDER: before the first jail is asked. Whoever took a lease and looked for a bar before this is found by its
        // lease; whoever looks later is refused.
        let bars = targets.iter().map(|target| Bar::put(&jails.dir, Some(target.get())));
        let mut all = Self { _bars: bars.collect::<Result<_, _>>().doing("bar", layout::JAILS)?, not: BTreeMap::new() };
        let (mut left, mut pause, mut is_silent) = (targets.to_vec(), PAUSES.0, true);
        loop {
            left.retain(|target| match down(root, host, jails, *target) {
                Ok(is_down) => !is_down,
                Err(error) => {
                    all.not.insert(*target, error);
                    false
                }
            });
            let rest = patience.checked_sub(start.elapsed()).filter(|_| !left.is_empty());
            let Some(rest) = rest else { break };
            if is_silent && start.elapsed() >= SILENCE {
                is_silent = false;
                let uids: Vec<String> = left.iter().map(ToString::to_string).collect();
                log::warn!("waiting up to {} s for programs to end in the jail of uid {}", patience.as_secs(), uids.join(", "));
            }
            std::thread::sleep(pause.min(rest));
            pause = PAUSES.1.min(pause.saturating_mul(2));
        }
        let late = format!(
            "programs are running in the jail after {} s of waiting, and people are let in again; end them with jailbase kill, or give them longer with --wait",
            patience.as_secs()
        );
        all.not.extend(left.into_iter().map(|target| (target, Error::Refused(late.clone()))));
        Ok(all)
    }

    /// Whether a jail is down, or else why not.
    pub fn judge(&mut self, target: Target) -> Result<(), Error> {
        self.not.remove(&target).map_or(Ok(()), Err)
    }
}

/// Takes a jail down if nobody holds it, and says whether it is down.
///
/// ORDER: under the jail's lock. Who makes a jail does so under that lock and looks for the bar there, so he either is
/// done by now and his jail is found, or he will be refused.
fn down(root: &Root, host: &Host, jails: &Jails, target: Target) -> Result<bool, Error> {
    // Not judged: what trampoline would not believe nobody enters, and it must go all the same.
    let dir = match fd::open_beneath(&jails.dir, &layout::pin(target), How::List) {
        Err(Errno::ENOENT) => return Ok(true),
        opened => JailDir { dir: opened.doing("open", layout::jail_dir(target))?, target },
    };
    let Some(lock) = Lock::try_exclusive(&dir.dir).doing("lock", layout::jail_dir(target))? else { return Ok(false) };
    Ok(pins::take_down(root, host, &dir, &lock)? == Pin::Gone)
}
