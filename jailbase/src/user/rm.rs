//! `user rm`: first nobody can come in and whoever is in may finish, then the jail is taken down, then its files go. Interrupted
//! anywhere, there is no jail any more, and the same command finishes the work: with the uid, since the name goes early, and when the
//! home has gone without asking for that.

use super::about::{self, About};
use super::drain::Drained;
use super::{conflict, locks, made};
use crate::{purge, store, tell};
use clap::Args;
use jail::error::Error;
use jail::id::{Name, Target};
use jail::layout;
use jail::policy::STATE;
use jail::state::Doing;
use jail::state::host::Host;
use jail::state::jails::{JailDir, Jails};
use jail::state::pins::{self, Pin};
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::root::Root;
use jail::sys::{Errno, files};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The command line of `user rm`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// Remove the user's tmp as well; never a home
    #[arg(long)]
    purge: bool,
    /// Remove the home as well, if user add --create-home made it
    #[arg(long)]
    remove_home: bool,
    /// How long to wait for programs in the jail to end, while nobody is let in
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u32,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// The spec while it is not certain yet that the jail can be taken down.
const ASIDE: &str = ".spec.removed";

/// Takes the user's jail away.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    let jails = Jails::open()?;
    let target = target(&jails, &words.user)?;
    let dir = jails.jail(target)?;
    let tmp = format!("{}/{}", layout::jail_dir(target), layout::TMP);
    let unknown = || Error::Refused("there is no record that jailbase made the home; leave --remove-home out".into());
    let home = match words.remove_home {
        true => Some(About::read(&dir).and_then(|about| about.made_home).ok_or_else(unknown)?),
        false => None,
    };
    // The spec goes first, so one who was interrupted left none, and may have removed the home already.
    let resumed = fd::stat_at(&dir.dir, layout::SPEC) == Err(Errno::ENOENT);
    // Looked at now, so that nothing is done if it is not what it was, and again when it goes.
    home.as_ref().map(|home| made::known(home, target, resumed)).transpose()?;
    let doomed = [words.purge.then_some(tmp.as_str()), home.as_ref().map(|home| home.path.as_str())];
    let doomed: Vec<&str> = doomed.into_iter().flatten().collect();
    let with = if doomed.is_empty() { String::new() } else { format!(", with {} and all in it", doomed.join(" and ")) };
    if words.dry_run {
        return tell::say(&format!("{} (uid {target}): would be removed{with}\n", words.user));
    }
    let patience = Duration::from_secs(words.wait.into());
    let mut drained = Drained::of(root, host, &jails, &[target], patience)?;
    drained.judge(target)?;
    let kept = retire(root, host, &jails, target, words.purge, || match &home {
        Some(home) => made::known(home, target, resumed).and_then(|(above, name)| {
            made::clear_unnamed(&above, name, &home.path)?;
            purge::remove_among_others(&above, name, &home.path)
        }),
        None => Ok(()),
    })?;
    let kept = if kept { format!("; {tmp} is kept, jailbase user rm {target} --purge removes it") } else { String::new() };
    tell::said(&format!("{} (uid {target}): removed{with}{kept}\n", words.user))
}

/// Takes a jail away in which nothing runs, and with it what `beside` removes. Says whether the tmp is kept.
pub fn retire(
    root: &Root,
    host: &Host,
    jails: &Jails,
    target: Target,
    purge: bool,
    beside: impl FnOnce() -> Result<(), Error>,
) -> Result<bool, Error> {
    let path = layout::jail_dir(target);
    let (others, one) = locks::both(jails, target)?;
    let dir = jails.jail(target)?;
    let one = one.map_or_else(|| dir.lock(), Ok)?;

    // ORDER: before the spec is put aside. What was interrupted may have left more than the name in the spec.
    let interrupted = fd::stat_at(&dir.dir, ASIDE).is_ok();
    let spec = dir.spec().ok().filter(|_| !interrupted);
    take_down(root, host, &dir, &one, &path)?;
    let links = fd::open_beneath(&jails.dir, layout::BY_NAME, How::List).doing("open", layout::BY_NAME)?;
    let names = match spec {
        Some(spec) => vec![store::unfinished(spec.name.as_str()), spec.name.to_string()],
        None => files::names(&links).doing("list", layout::BY_NAME)?,
    };
    for name in names {
        // The lock of all jails is held: what is unfinished there, nobody is finishing.
        if name.starts_with('.') || conflict::leads_to(&links, &name, target)? {
            store::clear(&links, &name, &format!("{STATE}/{}/{}", layout::JAILS, layout::BY_NAME))?;
        }
    }
    for name in [layout::PASSWD, layout::GROUP] {
        store::clear(&dir.dir, name, &path)?;
    }
    for name in [layout::SPEC, layout::PASSWD, layout::GROUP, about::FILE] {
        store::clear(&dir.dir, &store::unfinished(name), &path)?;
    }
    // ORDER: the others' lock first; how long a purge takes is for the user to say who filled the directory, and what an interrupted
    // one left is purged with whatever is next.
    drop(others);
    purge::remove(&dir.dir, layout::PARENTS, &format!("{path}/{}", layout::PARENTS))?;
    let tmp = format!("{path}/{}", layout::TMP);
    if purge {
        purge::remove(&dir.dir, layout::TMP, &tmp)?;
    }
    beside()?;
    // ORDER: last, because only there it is written that jailbase made the home; whoever is interrupted asks again.
    for name in [ASIDE, about::FILE] {
        store::clear(&dir.dir, name, &path)?;
    }
    drop(one);
    // Whoever gives the user a jail again holds it, so what is empty now is nobody's.
    let _all = locks::all(jails)?;
    Ok(!remove_empty(jails, target)?)
}

/// ORDER: the spec goes first, so that nobody comes in while the pin is unmounted; it comes back if the jail is in use.
fn take_down(root: &Root, host: &Host, dir: &JailDir, lock: &Lock, path: &str) -> Result<(), Error> {
    let had = match store::rename(&dir.dir, layout::SPEC, ASIDE, path) {
        Ok(()) => true,
        Err(_) if fd::stat_at(&dir.dir, layout::SPEC).is_err() => false,
        Err(error) => return Err(error),
    };
    let refusal = match pins::take_down(root, host, dir, lock) {
        Ok(Pin::Down | Pin::NotUp) => return Ok(()),
        Ok(Pin::Leased) => Error::Refused("programs are running in the jail; end them first, then try again".into()),
        Err(error) => error,
    };
    if had {
        store::rename(&dir.dir, ASIDE, layout::SPEC, path)?;
    }
    Err(refusal)
}

/// Removes the directory if nothing is left in it, and says whether that was so.
fn remove_empty(jails: &Jails, target: Target) -> Result<bool, Error> {
    let all: &OwnedFd = &jails.dir;
    match unlinkat(all, layout::pin(target).as_str(), UnlinkatFlags::RemoveDir) {
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(false),
        removed => removed.doing("remove", layout::jail_dir(target)).map(|()| true),
    }
}

/// A name or a uid; a name is never a number. A uid needs no link, so that a broken jail can be removed too.
pub fn target(jails: &Jails, user: &str) -> Result<Target, Error> {
    match (Target::parse(user), Name::new(user)) {
        (Some(target), _) => Ok(target),
        (None, Some(name)) => jails.target(&name),
        (None, None) => Err(Error::Usage(format!("{user:?} is neither a user name nor a uid"))),
    }
}
