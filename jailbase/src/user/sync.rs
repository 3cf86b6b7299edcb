//! `user sync`: the members of a group have jails, as their accounts are today, and who left has none any more.
//!
//! One user who cannot be brought in line stops nobody else. Who left is told by the record beside a spec: only whom a sync
//! with this very group gave the jail can lose it by one.

use super::about::About;
use super::account::Account;
use super::drain::Drained;
use super::give::{self, Before, Done, Wanted};
use super::members::Members;
use super::shape::{Shape, usual};
use super::told::{Row, Told, What};
use super::{lists, rm};
use crate::progress::Progress;
use crate::table::counted;
use clap::Args;
use jail::error::Error;
use jail::id::{Name, Target};
use jail::layout;
use jail::spec::Spec;
use jail::state::Doing;
use jail::state::host::Host;
use jail::state::jails::{JailDir, Jails};
use jail::state::pins;
use jail::sys::files;
use jail::sys::root::Root;
use std::time::Duration;

/// The command line of `user sync`.
#[derive(Args, Debug)]
pub struct Words {
    /// The group, as the name services know it
    #[arg(long)]
    pub group: String,
    /// Take the jail from whom a sync with this group gave it, and who is no member any more
    #[arg(long)]
    remove: bool,
    /// With --remove: also when the group has no member any more, or is gone
    #[arg(long, requires = "remove")]
    remove_all: bool,
    /// With --remove: how long to wait for programs in those jails to end, while nobody is let in
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u32,
    /// Make homes that are missing: mode 0700, owned by the user
    #[arg(long)]
    create_home: bool,
    #[command(flatten)]
    shape: Shape,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// For programs: one object instead of a table
    #[arg(long)]
    json: bool,
}

/// One user who has a jail, and is recorded as a member.
struct Known {
    target: Target,
    name: String,
    dir: JailDir,
    about: About,
}

/// Brings a group in line.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<u8, Error> {
    let found = Members::of(&words.group)?;
    if found.is_none() && !words.remove_all {
        let group = &words.group;
        return Err(Error::Refused(format!(
            "there is no group {group}; does \"getent group {group}\" know it? If it is gone for good, --remove --remove-all takes the jails of those who were in it"
        )));
    }
    let mut rows = Vec::new();
    let known = known(&words.group)?;
    let (members, left) = parted(found.as_ref(), known, &mut rows);
    if members.is_empty() && !left.is_empty() && words.remove && !words.remove_all {
        return Err(Error::Refused(format!(
            "the group {} has no member, and {} would be taken away; if that is meant, say --remove-all",
            words.group,
            counted(left.len(), "jail")
        )));
    }
    rows.extend(leave(root, host, words, left)?);
    let progress = Progress::of(&words.group, u64::try_from(members.len()).unwrap_or(u64::MAX));
    for name in &members {
        rows.push(member(root, host, words, name, found.as_ref()).unwrap_or_else(|error| Row::failed(name, None, error)));
        progress.step();
    }
    drop(progress);
    let mut told = Told::of(&words.group, words.dry_run, rows);
    told.mark_living(|| crate::see::living(root, host));
    told.say(words.json)?;
    Ok(told.code())
}

/// Whom a sync with this group gave a jail, or found to have one.
fn known(group: &str) -> Result<Vec<Known>, Error> {
    let jails = match Jails::open() {
        Err(Error::Refused(_)) => return Ok(Vec::new()),
        jails => jails?,
    };
    let names = files::names(&jails.dir).doing("list", layout::JAILS)?;
    let one = |target: Target| {
        let dir = jails.jail(target).ok()?;
        let about = About::read(&dir).filter(|about| about.groups.contains(group))?;
        let name = dir.spec().map_or_else(|_| target.to_string(), |spec| spec.name.to_string());
        Some(Known { target, name, dir, about })
    };
    Ok(names.iter().filter_map(|name| pins::target_of(name)).filter_map(one).collect())
}

/// The members, and who left. Nobody left whose own account says otherwise, or could not be asked.
fn parted(found: Option<&Members>, known: Vec<Known>, rows: &mut Vec<Row>) -> (Vec<String>, Vec<Known>) {
    let Some(found) = found else { return (Vec::new(), known) };
    let (mut names, mut left) = (found.names.clone(), Vec::new());
    for one in known.into_iter().filter(|one| !found.names.contains(&one.name)) {
        match found.has(&one.name) {
            Ok(true) => drop(names.insert(one.name)),
            Ok(false) => left.push(one),
            Err(error) => rows.push(Row::failed(&one.name, Some(one.target.get()), error)),
        }
    }
    (names.into_iter().collect(), left)
}

/// What becomes of those who left.
fn leave(root: &Root, host: &Host, words: &Words, left: Vec<Known>) -> Result<Vec<Row>, Error> {
    let (mut rows, mut doomed) = (Vec::new(), Vec::new());
    for mut one in left {
        one.about.groups.remove(&words.group);
        let uid = Some(one.target.get());
        let others = one.about.groups.iter().cloned().collect::<Vec<_>>().join(", ");
        let why = match () {
            () if !words.remove => "left the group; --remove takes the jail",
            () if one.about.by_hand => "left the group, and was added by name; jailbase user rm takes the jail",
            () if !others.is_empty() => &format!("left the group, and is in {others}"),
            () => {
                doomed.push(one);
                continue;
            }
        };
        let noted = if words.remove && !words.dry_run { give::note(&Jails::open()?, &one.dir, &one.about) } else { Ok(()) };
        rows.push(match noted {
            Ok(()) => Row::done(&one.name, uid, What::Stays, Vec::new(), why),
            Err(error) => Row::failed(&one.name, uid, error),
        });
    }
    let gone = |one: &Known| Row::done(&one.name, Some(one.target.get()), What::Removed, Vec::new(), "left the group");
    if words.dry_run || doomed.is_empty() {
        rows.extend(doomed.iter().map(gone));
        return Ok(rows);
    }
    let jails = Jails::open()?;
    let targets: Vec<Target> = doomed.iter().map(|one| one.target).collect();
    let mut drained = Drained::of(root, host, &jails, &targets, Duration::from_secs(words.wait.into()))?;
    for one in &doomed {
        let done = drained.judge(one.target).and_then(|()| rm::retire(root, host, &jails, one.target, false, || Ok(())));
        rows.push(done.map_or_else(|error| Row::failed(&one.name, Some(one.target.get()), error), |_kept| gone(one)));
    }
    Ok(rows)
}

/// Gives one member a jail, or brings the one there is up to date.
fn member(root: &Root, host: &Host, words: &Words, name: &str, found: Option<&Members>) -> Result<Row, Error> {
    let no = || {
        Error::Refused(
            "no jail can have a user of that name: letters, digits, _ - and ., 32 bytes at most; give the account another".into(),
        )
    };
    let name = Name::new(name).ok_or_else(no)?;
    let old = there(&name);
    let wanted = wanted(words, &name, old.as_ref(), found)?;
    let uid = wanted.account.uid;
    let moved = old.as_ref().map(|(dir, _, _)| dir.target).filter(|target| *target != uid);
    let failed = |error| Ok(Row::failed(name.as_str(), Some(uid.get()), error));
    if let Some(target) = moved {
        if !words.remove {
            return failed(Error::Refused(format!(
                "the account's uid is {uid} now, and the jail is uid {target}'s; --remove takes that away and makes another"
            )));
        }
        if !words.dry_run {
            let jails = Jails::open()?;
            let mut drained = Drained::of(root, host, &jails, &[target], Duration::from_secs(words.wait.into()))?;
            if let Err(error) = drained.judge(target).and_then(|()| rm::retire(root, host, &jails, target, false, || Ok(()))) {
                return failed(error);
            }
        }
    }
    let old = old.filter(|_| moved.is_none()).map(|(_, spec, _)| spec);
    let judged = match &old {
        Some(old) => give::judge_change(root, &wanted, old, words.create_home),
        None => give::judge(root, &wanted, words.create_home),
    };
    let before = old.map_or(Before::Whatever, |old| Before::Exactly(Box::new(old)));
    let done = judged.and_then(|homeless| match words.dry_run {
        true if moved.is_some() => Ok(Done::Added),
        true => give::look(&wanted),
        false => give::put(wanted, homeless, &before),
    });
    let why = moved.map_or(String::new(), |target| format!("the uid was {target}"));
    match done {
        Ok(Done::Added) => Ok(Row::done(name.as_str(), Some(uid.get()), What::Added, Vec::new(), why)),
        Ok(Done::Same) => Ok(Row::done(name.as_str(), Some(uid.get()), What::AlreadySo, Vec::new(), why)),
        Ok(Done::Updated(changes)) => Ok(Row::done(name.as_str(), Some(uid.get()), What::Updated, changes, why)),
        Err(error) => failed(error),
    }
}

/// The jail that a name stands for.
fn there(name: &Name) -> Option<(JailDir, Spec, Option<About>)> {
    let jails = Jails::open().ok()?;
    let dir = jails.jail(jails.target(name).ok()?).ok()?;
    let spec = dir.spec().ok().filter(|spec| spec.name == *name)?;
    let about = About::read(&dir);
    Some((dir, spec, about))
}

/// A member's jail as it is to be: what the command line names, what was chosen before, and for the rest the account.
fn wanted(
    words: &Words,
    name: &Name,
    old: Option<&(JailDir, Spec, Option<About>)>,
    found: Option<&Members>,
) -> Result<Wanted, Error> {
    let keeps = |key: &str| {
        let (_, spec, about) = old?;
        // Of a jail without a record nobody knows; a home or a shell of somebody's choice is not to be lost.
        about.as_ref().is_none_or(|about| !about.follows(key)).then_some(spec)
    };
    let chosen = |key: &str| old.is_some_and(|(_, _, about)| about.as_ref().is_some_and(|about| !about.follows(key)));
    let home = keeps("home").map(|spec| spec.home.clone());
    let shell = keeps("shell").map(|spec| spec.shell.clone());
    let mut account = Account::of_system(name, home, shell)?;
    if let Some(found) = found {
        found.is_among(&account.gids())?;
    }
    let (mut spec, mut about) = (usual(&account)?, About::default());
    if let Some((dir, old, known)) = old {
        about = known.clone().unwrap_or_else(About::by_hand);
        let (gid, groups) =
            (if chosen("gid") { old.gid } else { spec.gid }, if chosen("groups") { &old.groups } else { &spec.groups });
        spec = Spec { gid, groups: groups.clone(), home: spec.home, shell: spec.shell, uid: spec.uid, ..old.clone() };
        if (&spec.gid, &spec.groups) != (&account.gid, &account.groups) {
            let (_, mut names) = lists::read(name, "", &give::text(dir, layout::GROUP));
            names.extend(account.group_names.iter().filter_map(|(group, name)| Some((group.get(), name.clone()?))));
            account = Account::of_spec(&spec, account.full_name, &names);
        }
    } else {
        about.account_gave_all();
    }
    words.shape.put(&mut spec, &mut about)?;
    if old.is_none() {
        about.rest_is_usual();
    }
    account.shell = spec.shell.clone();
    about.groups.insert(words.group.clone());
    Ok(Wanted { account, spec, about })
}
