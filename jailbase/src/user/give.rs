//! A user gets a jail, or another one: judged, and then written in the order in which a crash does no harm. The spec comes
//! last, and without a spec there is no jail.

use super::about::{self, About, Home};
use super::account::Account;
use super::change::{Change, changes};
use super::shape;
use super::{conflict, home, lists, locks, made};
use crate::store;
use jail::error::Error;
use jail::id::Name;
use jail::policy::STATE;
use jail::spec::Spec;
use jail::state::images::Generation;
use jail::state::jails::{JailDir, Jails};
use jail::sys::fd::{self, How};
use jail::sys::root::Root;
use jail::{layout, plan};
use std::os::fd::OwnedFd;

pub use super::change::listed;

/// The longest list of names that is read back.
const LONGEST: usize = 1 << 20;

/// One jail as it is to be.
#[derive(Debug)]
pub struct Wanted {
    /// Whose.
    pub account: Account,
    /// Its spec.
    pub spec: Spec,
    /// What is to be known of it.
    pub about: About,
}

/// What may be there before.
#[derive(Debug)]
pub enum Before {
    /// Anything: it is described anew.
    Whatever,
    /// This spec, of which the one that is wanted was made.
    Exactly(Box<Spec>),
}

/// What became of it, or would.
#[derive(Debug)]
pub enum Done {
    /// There was none.
    Added,
    /// It was so already.
    Same,
    /// It was otherwise.
    Updated(Vec<Change>),
}

/// Refuses what trampoline could not enter. `Ok(true)`: there is no home yet, and one may be made.
pub fn judge(root: &Root, wanted: &Wanted, create_home: bool) -> Result<bool, Error> {
    wanted.account.judge()?;
    let homeless = judge_home(root, wanted, create_home)?;
    judge_image(wanted).map(|()| homeless)
}

/// The same for a jail that is there. What stays is not judged: a home on a server that is down keeps nobody from having
/// another limit.
pub fn judge_change(root: &Root, wanted: &Wanted, old: &Spec, create_home: bool) -> Result<bool, Error> {
    let moved = wanted.spec.home != old.home;
    let homeless = if moved { judge_home(root, wanted, create_home)? } else { false };
    if moved || wanted.spec.image != old.image {
        judge_image(wanted)?;
    }
    Ok(homeless)
}

/// Refuses a home that no jail can show. `Ok(true)`: there is none yet, and one may be made.
pub fn judge_home(root: &Root, wanted: &Wanted, create_home: bool) -> Result<bool, Error> {
    home::judge_path(&wanted.account.home)?;
    home::judge_place(root, &wanted.account, create_home)
}

fn judge_image(wanted: &Wanted) -> Result<(), Error> {
    let generation = in_service(&wanted.spec.image)?;
    home::judge_image(&wanted.account.home, wanted.spec.image.as_str(), &generation)
}

/// What [`put`] would do, nothing done. Nobody is kept from changing it meanwhile.
pub fn look(wanted: &Wanted) -> Result<Done, Error> {
    let jails = match Jails::open() {
        Err(Error::Refused(_)) => return Ok(Done::Added),
        jails => jails?,
    };
    let Account { name, uid, .. } = &wanted.account;
    if let Ok(links) = fd::open_beneath(&jails.dir, layout::BY_NAME, How::List) {
        conflict::judge_name(&jails, &links, name, *uid)?;
    }
    match jails.jail(*uid) {
        Ok(dir) => Ok(compared(&dir, conflict::judge_spec(&dir, name)?, wanted)),
        Err(_) => Ok(Done::Added),
    }
}

/// Writes it.
pub fn put(mut wanted: Wanted, homeless: bool, before: &Before) -> Result<Done, Error> {
    let Account { name, uid, .. } = &wanted.account;
    let (jails, all) = (locks::jails()?, format!("{STATE}/{}", layout::JAILS));
    let (_all, one) = locks::both(&jails, *uid)?;
    let links = store::directory_at(&jails.dir, layout::BY_NAME, 0o700, (0, 0), &format!("{all}/{}", layout::BY_NAME))?;
    conflict::judge_name(&jails, &links, name, *uid)?;
    // Whoever writes a spec holds the lock of all jails, so what is read here stays as it is.
    let old = jails.jail(*uid).ok().map_or(Ok(None), |dir| conflict::judge_spec(&dir, name))?;
    if let Before::Exactly(expected) = before
        && old.as_ref() != Some(&**expected)
    {
        return Err(Error::Refused("somebody else changed its spec meanwhile; look at it again, and try again".into()));
    }
    // ORDER: under the lock of all jails, which a removal of an image has while it looks whose specs name it. It was judged before
    // without, and may have gone since.
    if old.as_ref().is_none_or(|old| old.image != wanted.spec.image) {
        in_service(&wanted.spec.image)?;
    }
    let vacant = if homeless { Some(made::vacant(&wanted.account)?) } else { None };

    store::directory_at(&jails.dir, &layout::pin(*uid), 0o700, (0, 0), &layout::jail_dir(*uid))?;
    let dir = jails.jail(*uid)?;
    // The lock of a directory that was not there nobody has for long: a sweep, a drain or a look at what images are used.
    let _one = one.map_or_else(|| dir.lock(), Ok)?;
    let known = About::read(&dir);
    if let (Before::Whatever, Some(known)) = (before, &known) {
        wanted.about.groups.extend(known.groups.iter().cloned());
        let same = known.made_home.clone().filter(|home| home.path == wanted.account.home.as_str());
        wanted.about.made_home = wanted.about.made_home.or(same);
    }
    let done = compared(&dir, old, &wanted);
    if let Some(vacant) = vacant {
        make_home(vacant, &mut wanted.about, &dir, wanted.account.home.as_str())?;
    } else if known.as_ref() != Some(&wanted.about) {
        wanted.about.write(&dir)?;
    }
    // What is described anew is written anew: that mends whatever somebody broke.
    if matches!((before, &done), (Before::Exactly(_), Done::Same)) {
        return Ok(done);
    }
    write(&dir, &wanted, matches!(before, Before::Whatever))?;
    store::link(&links, name.as_str(), &uid.to_string(), &format!("{all}/{}/{name}", layout::BY_NAME))?;
    Ok(done)
}

/// ORDER: what is to be made is written down first, and which it is before it has its name: whoever is killed in between leaves
/// nothing that a removal does not know, and no home that nobody may remove.
fn make_home(vacant: made::Vacant<'_>, about: &mut About, dir: &JailDir, path: &str) -> Result<(), Error> {
    let mut note = |inode, born| {
        about.made_home = Some(Home { path: path.to_owned(), inode, born });
        about.write(dir)
    };
    note(about::NONE_YET, None)?;
    let home = vacant.make()?;
    note(home.inode, home.born)?;
    home.name()
}

fn compared(dir: &JailDir, old: Option<Spec>, wanted: &Wanted) -> Done {
    let Some(old) = old else { return Done::Added };
    let mut changes = changes(&old, &wanted.spec);
    let new = [lists::passwd(&wanted.account), lists::group(&wanted.account)];
    if changes.is_empty() && [layout::PASSWD, layout::GROUP].map(|name| text(dir, name)) != new {
        changes.push(Change { key: "names", old: "others".into(), new: "as the account and its groups are called".into() });
    }
    if changes.is_empty() { Done::Same } else { Done::Updated(changes) }
}

/// Puts another record beside a spec that stays, under the locks under which specs are written.
pub fn note(jails: &Jails, dir: &JailDir, about: &About) -> Result<(), Error> {
    let _locks = locks::both(jails, dir.target)?;
    about.write(dir)
}

/// A list of names beside a spec; empty if it cannot be read.
pub fn text(dir: &JailDir, name: &str) -> String {
    let read = fd::open_beneath(&dir.dir, name, How::Read).and_then(|file| fd::read_at_most(file, LONGEST));
    read.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// ORDER: the spec last. Without one there is no jail, so a crash leaves either none or one that is complete.
///
/// Lists that are right already are written only if they are to be written anew: a group has many members, and a disk takes
/// its time to say that it knows a file.
fn write(dir: &JailDir, wanted: &Wanted, anew: bool) -> Result<(), Error> {
    let Wanted { account, spec, .. } = wanted;
    let path = |name: &str| format!("{}/{name}", layout::jail_dir(account.uid));
    store::directory_at(&dir.dir, layout::TMP, 0o700, (account.uid.get(), account.gid.get()), &path(layout::TMP))?;
    parents(dir, account)?;
    for (name, list) in [(layout::PASSWD, lists::passwd(account)), (layout::GROUP, lists::group(account))] {
        if anew || text(dir, name) != list {
            store::write_ahead(&dir.dir, name, &list, 0o644, &path(name))?;
        }
    }
    store::write(&dir.dir, layout::SPEC, &spec.write(), 0o600, &path(layout::SPEC))
}

/// The directories that a jail shows on the way to the home. Those of an earlier home stay, because a jail that lives may
/// have it mounted there, and to remove the place of a mount is to unmount it.
fn parents(dir: &JailDir, account: &Account) -> Result<OwnedFd, Error> {
    let mut path = format!("{}/{}", layout::jail_dir(account.uid), layout::PARENTS);
    let mut at = store::directory_at(&dir.dir, layout::PARENTS, 0o755, (0, 0), &path)?;
    for part in plan::parents(&account.home).1 {
        path = format!("{path}/{part}");
        at = store::directory_at(&at, &part, 0o755, (0, 0), &path)?;
    }
    Ok(at)
}

fn in_service(image: &Name) -> Result<Generation, Error> {
    let path = format!("{}/{}", layout::image_dir(image), layout::CURRENT);
    if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        if let Some(lacks) = crate::image::lacks(image) {
            return Err(Error::Refused(lacks));
        }
        // Only the image that everybody has unasked says by its name what it is made of.
        let source = if image.as_str() == shape::IMAGE { "host" } else { "SOURCE" };
        return Err(Error::Refused(format!(
            "there is no image {image}; make it with jailbase image build {image} --from {source}"
        )));
    }
    Generation::in_service(image)
}
