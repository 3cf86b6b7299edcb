//! `image gc`, `image rm` and `image rollback`: what is in service, what may go, and what goes.

use super::generations::Generations;
use super::ls::users_of;
use crate::live::{self, Jails};
use crate::table::counted;
use crate::tell;
use jail::error::Error;
use jail::id::Name;
use jail::layout;
use jail::state::Doing;
use jail::state::host::Host;
use jail::state::jails::Jails as Specs;
use jail::state::pins;
use jail::sys::files;
use jail::sys::root::Root;

/// Removes the generations that nobody can get any more: not in service, shown by no live jail, and not among the `keep`
/// youngest below the one in service, which a rollback may want.
pub fn collect(root: &Root, host: &Host, asked: Option<&Name>, keep: usize, dry_run: bool) -> Result<(), Error> {
    let names = match asked {
        Some(name) => vec![name.clone()],
        None => Generations::all()?.into_iter().map(|image| image.name).collect(),
    };
    let mut text = String::new();
    for name in names {
        if asked.is_none() && Generations::there(&name)?.is_none() {
            continue;
        }
        let image = if dry_run { Generations::look(&name)? } else { Generations::change(&name)? };
        let Some(current) = image.current()? else { continue };
        let kept: Vec<u32> = image.numbers()?.into_iter().rev().filter(|number| *number < current).take(keep).collect();
        let jails = used(root, host)?;
        for number in image.numbers()?.into_iter().filter(|number| *number != current && !kept.contains(number)) {
            let users = users_of(&image, number, &jails)?;
            if !users.is_empty() {
                text += &format!("{name}@{number} stays: {}\n", used_by(&users));
                continue;
            }
            if !dry_run {
                image.remove(number)?;
            }
            text += &format!("{name}@{number} {}\n", if dry_run { "would be removed" } else { "removed" });
        }
    }
    let text = if text.is_empty() { "nothing to remove\n" } else { &text };
    if dry_run { tell::say(text) } else { tell::said(text) }
}

/// Removes one generation, or a whole image.
pub fn remove(root: &Root, host: &Host, name: &Name, asked: Option<u32>, dry_run: bool) -> Result<(), Error> {
    let image = if dry_run { Generations::look(name)? } else { Generations::change(name)? };
    let doomed = match asked {
        Some(number) => vec![image.pick(Some(number))?],
        None => image.numbers()?,
    };
    if asked.is_some() && image.current()? == asked {
        return Err(Error::Refused("it is in service; roll back to another generation first, or remove the whole image".into()));
    }
    if asked.is_none() {
        let users = named_by(name)?;
        if !users.is_empty() {
            let users = users.join(", ");
            return Err(Error::Refused(format!(
                "the spec of {users} names it; remove the user, or give it another with jailbase user set NAME --image"
            )));
        }
    }
    let jails = used(root, host)?;
    for number in &doomed {
        let users = users_of(&image, *number, &jails)?;
        if !users.is_empty() {
            let users = used_by(&users);
            return Err(Error::Refused(format!(
                "{name}@{number}: {users}; idle ones expire, \"reaper; reaper\" does it at once"
            )));
        }
    }
    let what =
        asked.map_or_else(|| format!("{name}, {}", counted(doomed.len(), "generation")), |number| format!("{name}@{number}"));
    if dry_run {
        return tell::say(&format!("would remove {what}\n"));
    }
    match asked {
        Some(number) => image.remove(number)?,
        None => image.remove_all()?,
    }
    tell::said(&format!("{what}: removed\n"))
}

/// Puts an older generation in service: the one asked for, or the youngest below the one in service.
pub fn roll_back(name: &Name, asked: Option<u32>, dry_run: bool) -> Result<(), Error> {
    let image = if dry_run { Generations::look(name)? } else { Generations::change(name)? };
    let current = image.current()?;
    let below = image.numbers()?.into_iter().rev().find(|number| current.is_none_or(|current| *number < current));
    let number = match asked {
        Some(number) => image.pick(Some(number))?,
        None => below.ok_or_else(|| Error::Refused(format!("{name} has no older generation; name one as {name}@GENERATION")))?,
    };
    if current == Some(number) {
        return tell::said(&format!("{name}@{number} is in service already\n"));
    }
    let was = current.map_or_else(|| "nothing".to_owned(), |current| format!("{name}@{current}"));
    if dry_run {
        return tell::say(&format!("would put {name}@{number} in service instead of {was}\n"));
    }
    image.serve(number)?;
    tell::said(&format!("{name}@{number} in service instead of {was}; live jails keep theirs until they expire\n"))
}

/// Who uses a generation, in words.
fn used_by(users: &[u32]) -> String {
    match users {
        [one] => format!("a live jail uses it (uid {one})"),
        many => format!("{} live jails use it", many.len()),
    }
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
        Error::Refused("this kernel cannot say which generations live jails use (Linux 6.12 can, outside of containers); nothing was removed".into())
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
