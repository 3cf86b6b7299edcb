//! A drain: nobody comes in any more, who is inside may finish, and then the jail is taken down.
//!
//! The bar is a record lock of the kernel's on the directory of all jails, one byte for each uid: it falls with this
//! process, however that ends, and nothing is left that would have to be cleared away.

use jail::error::Error;
use jail::id::{Name, Target};
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
use std::str::FromStr;
use std::time::{Duration, Instant};

/// The exit code of a drain whose time was over; EX_TEMPFAIL of sysexits.h.
const LATER: u8 = 75;

/// How often sessions are looked at: soon at first, and then at leisure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// One user.
#[derive(Clone, Debug)]
pub enum Who {
    /// By uid.
    Uid(Target),
    /// By name.
    Name(Name),
}

impl FromStr for Who {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uid = Target::parse(text).map(Self::Uid);
        uid.or_else(|| Name::new(text).map(Self::Name)).ok_or("neither a user's name nor a uid")
    }
}

/// Whose jail is to be drained.
#[derive(Debug)]
pub enum Whom {
    /// One user's.
    One(Who),
    /// Everybody's.
    All,
}

impl Whom {
    /// The byte to bar, or all of them; and whose jails are to go.
    fn targets(&self, jails: &Jails) -> Result<(Option<u32>, Vec<Target>), Error> {
        let one = match self {
            Self::One(Who::Uid(uid)) => *uid,
            Self::One(Who::Name(name)) => jails.target(name)?,
            Self::All => {
                let names = files::names(&jails.dir).doing("list", layout::JAILS)?;
                return Ok((None, names.iter().filter_map(|name| pins::target_of(name)).collect()));
            }
        };
        jails.jail(one)?;
        Ok((Some(one.get()), vec![one]))
    }
}

/// Bars the entries, takes the jails down as their sessions end, and lets people in again.
pub fn run(root: &Root, host: &Host, whom: &Whom, patience: Duration) -> Result<u8, Error> {
    let start = Instant::now();
    let jails = Jails::open()?;
    let (byte, mut left) = whom.targets(&jails)?;
    // ORDER: before the first jail is asked. Whoever took a lease and looked for a bar before this is found by its lease;
    // whoever looks later is refused.
    let _bar = Bar::put(&jails.dir, byte).doing("bar", layout::JAILS)?;
    let mut code = 0;
    let mut pause = PAUSES.0;
    loop {
        left.retain(|target| match drained(root, host, &jails, *target) {
            Ok(done) => !done,
            Err(error) => {
                log::error!("{target}: {error}");
                code = error.code();
                false
            }
        });
        if left.is_empty() {
            return Ok(code);
        }
        let Some(rest) = patience.checked_sub(start.elapsed()) else { break };
        std::thread::sleep(pause.min(rest));
        pause = PAUSES.1.min(pause.saturating_mul(2));
    }
    for target in &left {
        log::warn!("{target}: sessions still run, and new ones may begin again");
    }
    Ok(if code == 0 { LATER } else { code })
}

/// Whether a jail is down. The answer is given under the jail's lock: who makes one makes it under that lock too, looks
/// for the bar there, and so either is done by now and was found, or will be refused.
fn drained(root: &Root, host: &Host, jails: &Jails, target: Target) -> Result<bool, Error> {
    // Not judged: what trampoline would not believe nobody enters, and it must go all the same.
    let dir = match fd::open_beneath(&jails.dir, &layout::pin(target), How::List) {
        // The user was removed meanwhile, and the jail before that.
        Err(Errno::ENOENT) => return Ok(true),
        opened => JailDir { dir: opened.doing("open", layout::jail_dir(target))?, target },
    };
    let Some(lock) = Lock::try_exclusive(&dir.dir).doing("lock", layout::jail_dir(target))? else { return Ok(false) };
    let gone = pins::take_down(root, host, &dir, &lock)? == Pin::Gone;
    if gone {
        log::info!("{target}: drained");
    }
    Ok(gone)
}
