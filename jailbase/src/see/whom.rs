//! Who is meant by a word, and what they are called.

use jail::error::Error;
use jail::id::{Name, Target};
use jail::layout;
use jail::policy::STATE;
use jail::spec::Spec;
use jail::state::Doing;
use jail::state::jails::Jails;
use jail::sys::fd::{self, How};
use jail::sys::files;
use nix::unistd::{Uid, User};
use std::collections::BTreeMap;
use std::path::Path;

/// The names of all who have a jail, off the links alone: to read a thousand specs would take longer than all the rest.
pub fn names() -> Result<BTreeMap<u32, Name>, Error> {
    let jails = match Jails::open() {
        // Nobody was ever added: an empty list is the truth.
        Err(Error::Refused(_)) if !Path::new(STATE).join(layout::JAILS).exists() => return Ok(BTreeMap::new()),
        jails => jails?,
    };
    let links = fd::open_beneath(&jails.dir, layout::BY_NAME, How::List).doing("open", layout::BY_NAME)?;
    let all = files::names(&links).doing("list", layout::BY_NAME)?;
    let known = |name: String| {
        let name = Name::new(&name)?;
        // A link that vanished meanwhile is nobody's name any more.
        Some((Target::parse(&fd::link_text(&links, name.as_str()).ok()?)?.get(), name))
    };
    Ok(all.into_iter().filter_map(known).collect())
}

/// The user who was meant by a name or a uid: one that has a spec, and it.
pub fn user(word: &str) -> Result<Spec, Error> {
    let jails = Jails::open()?;
    let target = match (Target::parse(word), Name::new(word)) {
        (Some(target), _) => target,
        (None, Some(name)) => jails.target(&name)?,
        (None, None) => return Err(Error::Usage(format!("{word:?} is neither a user name nor a uid"))),
    };
    jails.jail(target)?.spec()
}

/// The uid and the name of a user, who may have no jail any more, or none yet: what cannot be told is the word itself.
pub fn known(word: &str) -> Result<(String, String), Error> {
    let without = match user(word) {
        Ok(spec) => return Ok((spec.uid.to_string(), spec.name.to_string())),
        Err(error @ Error::Usage(_)) => return Err(error),
        Err(error) => error,
    };
    let account = match word.parse() {
        Ok(uid) => User::from_uid(Uid::from_raw(uid)),
        Err(_) => User::from_name(word),
    };
    match account {
        Ok(Some(account)) => Ok((account.uid.to_string(), account.name)),
        // A number that was somebody's stays in the log.
        _ if Target::parse(word).is_some() => Ok((word.to_owned(), word.to_owned())),
        _ => Err(without),
    }
}

/// The specs of all who have a jail, in the order of their uids; what trampoline would not believe is left out, and said.
pub fn all() -> Result<Vec<Spec>, Error> {
    if names()?.is_empty() {
        return Ok(Vec::new());
    }
    let jails = Jails::open()?;
    let listed = files::names(&jails.dir).doing("list", layout::JAILS)?;
    let mut targets: Vec<Target> = listed.iter().filter_map(|name| Target::parse(name)).collect();
    targets.sort();
    let spec = |target: Target| jails.jail(target)?.spec();
    let said = |target: Target| {
        let said = spec(target);
        match &said {
            // What `user rm` without --purge leaves: nothing is wrong with that.
            Err(_) if !Path::new(&layout::jail_dir(target)).join(layout::SPEC).exists() => {
                log::warn!("uid {target} is left out: no jail, but files; jailbase user rm {target} --purge removes them");
            }
            Err(why) => log::warn!("uid {target} is left out: {why}"),
            Ok(_) => {}
        }
        said.ok()
    };
    Ok(targets.into_iter().filter_map(said).collect())
}
