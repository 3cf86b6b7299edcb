//! `image gc` and `image rm`: what may go, and what goes.

use super::generations::Generations;
use super::ls::users_of;
use super::unfinished::Unborn;
use crate::live::{self, Jails};
use crate::table::counted;
use crate::tell;
use crate::user::locks;
use jail::error::Error;
use jail::id::Name;
use jail::layout;
use jail::state::Doing;
use jail::state::host::Host;
use jail::state::jails::Jails as Specs;
use jail::state::pins;
use jail::sys::files;
use jail::sys::root::Root;

/// What is to go of one image, which nobody else changes meanwhile.
struct Doomed {
    image: Generations,
    numbers: Vec<u32>,
    /// Whether the image goes with them: nothing of it was ever in service.
    whole: bool,
}

/// Removes the generations that nobody can get any more: not in service, shown by no live jail, and not among the `keep`
/// youngest below the one in service, which a rollback may want. What an interrupted first build left goes too.
pub fn collect(root: &Root, host: &Host, asked: Option<&Name>, keep: usize, dry_run: bool) -> Result<(), Error> {
    let images = match asked {
        Some(name) => vec![(name.clone(), Ok(()))],
        None => Generations::all()?.into_iter().map(|(name, image)| (name, image.map(drop))).collect(),
    };
    let (mut text, mut left) = (String::new(), 0);
    for (name, there) in images {
        if let Err(error) = there {
            // It is no image that anybody can use, and nobody's room.
            log::warn!("{name}: {}", tell::reason(error));
            continue;
        }
        let doomed = match doomed(&name, asked.is_some(), keep, dry_run) {
            Ok(Some(doomed)) => doomed,
            Ok(None) => continue,
            Err(error) if asked.is_some() => return Err(error),
            // One that is odd keeps nothing of the others.
            Err(error) => {
                log::warn!("{name}: {}", tell::reason(error));
                left += 1;
                continue;
            }
        };
        // A kernel that cannot tell can tell of no image.
        let jails = match used_if(!doomed.numbers.is_empty(), root, host) {
            Err(error) if !text.is_empty() => return tell::said(&text).and(Err(error)),
            jails => jails?,
        };
        match doomed.go(&jails, dry_run) {
            Ok(said) => text += &said,
            Err(error) if asked.is_some() => return Err(error),
            Err(error) => {
                log::warn!("{name}: {}", tell::reason(error));
                left += 1;
            }
        }
    }
    let text = if text.is_empty() { "nothing to remove\n" } else { &text };
    if dry_run { tell::say(text) } else { tell::said(text) }?;
    match left {
        0 => Ok(()),
        _ => Err(Error::failed("remove all that nobody uses", "", "mend what the warnings name, then do it again")),
    }
}

/// What is to go of an image; nothing if it was removed meanwhile.
fn doomed(name: &Name, is_asked: bool, keep: usize, dry_run: bool) -> Result<Option<Doomed>, Error> {
    if !is_asked && Generations::there(name)?.is_none() {
        return Ok(None);
    }
    let image = if dry_run { Generations::look(name)? } else { Generations::change(name)? };
    let Some(current) = image.current()? else {
        let whole = image.unborn()? == Some(Unborn::Interrupted);
        // A first generation may have lost its links, and live on in jails.
        let numbers = if whole { image.numbers()? } else { Vec::new() };
        return Ok(Some(Doomed { image, numbers, whole }));
    };
    let kept: Vec<u32> = image.numbers()?.into_iter().rev().filter(|number| *number < current).take(keep).collect();
    let numbers = image.numbers()?.into_iter().filter(|number| *number != current && !kept.contains(number)).collect();
    Ok(Some(Doomed { image, numbers, whole: false }))
}

impl Doomed {
    /// Removes them, or says what would be; in words.
    fn go(self, jails: &Jails, dry_run: bool) -> Result<String, Error> {
        let (name, mut text, mut stays) = (self.image.name.clone(), String::new(), false);
        let done = if dry_run { "would be removed" } else { "removed" };
        for number in self.numbers {
            let users = users_of(&self.image, number, jails)?;
            if !users.is_empty() {
                text += &format!("{name}@{number} stays: {}\n", used_by(&users));
                stays = true;
                continue;
            }
            if self.whole {
                continue;
            }
            if !dry_run {
                self.image.remove(number)?;
            }
            text += &format!("{name}@{number} {done}\n");
        }
        if self.whole && !stays {
            if !dry_run {
                self.image.remove_all()?;
            }
            text += &format!("{name} {done}: its first build was interrupted\n");
        }
        Ok(text)
    }
}

/// Removes one generation, or a whole image.
pub fn remove(root: &Root, host: &Host, name: &Name, asked: Option<u32>, dry_run: bool) -> Result<(), Error> {
    let image = if dry_run { Generations::look(name)? } else { Generations::change(name)? };
    let doomed = match asked {
        Some(number) => vec![image.pick(Some(number))?],
        None => image.numbers()?,
    };
    let current = image.current()?;
    if asked.is_some() && current == asked {
        return Err(Error::Refused("it is in service; roll back to another generation first, or remove the whole image".into()));
    }
    if asked.is_none() {
        unnamed(name)?;
    }
    unused(root, host, &image, &doomed)?;
    let what =
        asked.map_or_else(|| format!("{name}, {}", counted(doomed.len(), "generation")), |number| format!("{name}@{number}"));
    if dry_run {
        return tell::say(&format!("would remove {what}\n"));
    }
    match asked {
        Some(number) => image.remove(number)?,
        None => {
            withdraw(&image)?;
            // ORDER: after it is out of service. Whoever read before which spec names it, or which generation is in service, has
            // made a jail of it by now, and nobody does any more.
            if let Err(error) = unused(root, host, &image, &doomed) {
                current.map_or(Ok(()), |current| image.serve(current))?;
                return Err(error);
            }
            image.remove_all()?
        }
    }
    tell::said(&format!("{what}: removed\n"))
}

/// Takes an image out of service that no spec names.
///
/// ORDER: image, then all jails. Whoever writes a spec has the lock of all jails, looks under it whether the image that it
/// names is in service, and waits for no image. So either its spec is seen here, or it sees that the image is gone.
fn withdraw(image: &Generations) -> Result<(), Error> {
    let _all = locks::all(&locks::jails()?)?;
    unnamed(&image.name)?;
    image.withdraw()
}

/// Refuses if a spec names an image.
fn unnamed(name: &Name) -> Result<(), Error> {
    let users = named_by(name)?;
    if users.is_empty() {
        return Ok(());
    }
    let users = users.join(", ");
    let why = format!("the spec of {users} names it; remove the user, or give it another with jailbase user set NAME --image");
    Err(Error::Refused(why))
}

/// Refuses if a live jail shows one of these generations.
fn unused(root: &Root, host: &Host, image: &Generations, doomed: &[u32]) -> Result<(), Error> {
    if doomed.is_empty() {
        return Ok(());
    }
    let jails = used(root, host)?;
    for number in doomed {
        let users = users_of(image, *number, &jails)?;
        if !users.is_empty() {
            let why =
                format!("{}@{number}: {}; idle ones expire, \"reaper; reaper\" does it at once", image.name, used_by(&users));
            return Err(Error::Refused(why));
        }
    }
    Ok(())
}

/// Who uses a generation, in words.
fn used_by(users: &[u32]) -> String {
    match users {
        [one] => format!("a live jail uses it (uid {one})"),
        many => format!("{} live jails use it", many.len()),
    }
}

/// The same if they matter.
fn used_if(matter: bool, root: &Root, host: &Host) -> Result<Jails, Error> {
    if matter { used(root, host) } else { Ok(Jails::new()) }
}

/// The live jails, with none missing that is about to be one.
///
/// ORDER: first every jail's lock is taken once and let go. Whoever makes a jail reads under it which generation is in
/// service, and hangs that tree in the jail, still under it; so who read it before the switch is done now, and who reads it
/// now gets the one in service, which does not go.
fn used(root: &Root, host: &Host) -> Result<Jails, Error> {
    match Specs::open() {
        Err(Error::Refused(_)) => {}
        specs => {
            let specs = specs?;
            for target in files::names(&specs.dir).doing("list", layout::JAILS)?.iter().filter_map(|name| pins::target_of(name)) {
                // One that was removed meanwhile is made by nobody.
                if let Ok(jail) = specs.jail(target) {
                    drop(jail.lock()?);
                }
            }
        }
    }
    live::jails(root, host)?.ok_or_else(|| {
        Error::Refused("this kernel cannot say which generations live jails use (Linux 6.12 can): run it on the host itself if this is a container, or else boot a younger one; nothing was removed".into())
    })
}

/// The users whose spec names an image.
fn named_by(name: &Name) -> Result<Vec<String>, Error> {
    let specs = match Specs::open() {
        Err(Error::Refused(_)) => return Ok(Vec::new()),
        specs => specs?,
    };
    let names = files::names(&specs.dir).doing("list", layout::JAILS)?;
    let all = names.iter().filter_map(|name| pins::target_of(name)).filter_map(|target| specs.jail(target).ok()?.spec().ok());
    Ok(all.filter(|spec| spec.image == *name).map(|spec| spec.name.to_string()).collect())
}
