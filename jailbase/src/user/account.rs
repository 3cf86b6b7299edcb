//! Who a user is: as the system's name services say, or, for an account that only the jail knows, as the command line says.

use super::nss;
use jail::error::Error;
use jail::id::{Group, Name, Target};
use jail::path::JailPath;
use jail::policy::{ENTER, OWN};
use jail::report::escaped;
use jail::spec::{MOST_GROUPS, Spec};
use jail::sys::drop::Ids;
use nix::unistd::{Gid, Uid, User};
use std::collections::BTreeMap;
use std::path::Path;

/// One user.
#[derive(Debug)]
pub struct Account {
    /// The name.
    pub name: Name,
    /// The uid.
    pub uid: Target,
    /// The primary group.
    pub gid: Group,
    /// The supplementary groups: ascending, each once, without the primary one.
    pub groups: Vec<Group>,
    /// The names of the primary and the supplementary groups, as far as the system has one.
    pub group_names: Vec<(Group, Option<String>)>,
    /// The full name.
    pub full_name: String,
    /// The home.
    pub home: JailPath,
    /// The login shell.
    pub shell: JailPath,
}

/// Numbers that replace the system's.
#[derive(Debug)]
pub struct Numbers {
    /// The uid.
    pub uid: Target,
    /// The primary group.
    pub gid: Group,
    /// The supplementary groups.
    pub groups: Vec<Group>,
}

impl Account {
    /// The account that the system knows by this name. What the command line says of home and shell counts more.
    pub fn of_system(name: &Name, home: Option<JailPath>, shell: Option<JailPath>) -> Result<Self, Error> {
        let user = nss::user(name.as_str())?.ok_or_else(|| {
            refused("this machine has no such account; make one, or give --uid, --gid and --home for an account that only the jail knows")
        })?;
        if user.name != name.as_str() {
            return Err(refused(format!("the account is called {}; use that name", user.name)));
        }
        let wrong = |what: &str, id: u32| {
            refused(format!("its {what} is {id}, and nothing runs in a jail with that; use another account"))
        };
        let uid = Target::new(user.uid.as_raw()).ok_or_else(|| wrong("uid", user.uid.as_raw()))?;
        let gid = Group::new(user.gid.as_raw()).ok_or_else(|| wrong("primary group", user.gid.as_raw()))?;
        // getgrouplist has no limit of its own; getgroups(2)-sized buffers have cut lists short in other programs.
        let list = nss::groups_of(name.as_str(), user.gid)?;
        let groups = list.iter().map(|g| {
            Group::new(g.as_raw()).ok_or_else(|| {
                refused(format!("it is a member of group {g}, and nothing runs in a jail with that; take it out with gpasswd -d"))
            })
        });
        let groups = ordered(groups.collect::<Result<_, _>>()?, gid)?;
        let home = match home {
            Some(home) => home,
            None => path(&user.dir)
                .ok_or_else(|| refused(format!("its home {:?} is not a path a jail can have; give one with --home", user.dir)))?,
        };
        let shell = match shell {
            Some(shell) => shell,
            None => path(&user.shell).or_else(usual_shell).ok_or_else(|| refused("it has no shell; give one with --shell"))?,
        };
        let mut group_names = Vec::new();
        for group in [gid].iter().chain(&groups) {
            group_names.push((*group, name_of(*group)?));
        }
        // chfn(1) keeps telephone numbers behind the first comma.
        let full_name = user.gecos.to_string_lossy().split(',').next().unwrap_or_default().to_owned();
        Ok(Self { name: name.clone(), uid, gid, groups, group_names, full_name, home, shell })
    }

    /// An account that only the jail knows: the system's name services are not asked for anything.
    pub fn of_numbers(name: &Name, numbers: Numbers, home: JailPath, shell: Option<JailPath>) -> Result<Self, Error> {
        let groups = ordered(numbers.groups, numbers.gid)?;
        let group_names =
            std::iter::once((numbers.gid, Some(name.to_string()))).chain(groups.iter().map(|g| (*g, None))).collect();
        let shell = shell.or_else(usual_shell).ok_or_else(|| refused("it has no shell; give one with --shell"))?;
        Ok(Self {
            name: name.clone(),
            uid: numbers.uid,
            gid: numbers.gid,
            groups,
            group_names,
            full_name: String::new(),
            home,
            shell,
        })
    }

    /// The account that a spec describes; what names there are was found elsewhere.
    pub fn of_spec(spec: &Spec, full_name: String, names: &BTreeMap<u32, String>) -> Self {
        let group_names = std::iter::once(&spec.gid).chain(&spec.groups).map(|group| (*group, names.get(&group.get()).cloned()));
        Self {
            name: spec.name.clone(),
            uid: spec.uid,
            gid: spec.gid,
            groups: spec.groups.clone(),
            group_names: group_names.collect(),
            full_name,
            home: spec.home.clone(),
            shell: spec.shell.clone(),
        }
    }

    /// The primary and the supplementary groups.
    pub fn gids(&self) -> Vec<Gid> {
        std::iter::once(&self.gid).chain(&self.groups).map(|group| Gid::from_raw(group.get())).collect()
    }

    /// Whom to become to do something as this user.
    pub fn ids(&self) -> Ids {
        Ids::of_target(self.uid, self.gid, &self.groups)
    }

    /// Refuses an account whose jail nobody could ever enter, or whose name means somebody else in every jail.
    pub fn judge(&self) -> Result<(), Error> {
        if ["root", "nobody"].contains(&self.name.as_str()) {
            return Err(refused("every jail has an account of that name already; use another name"));
        }
        if reachable(self.uid.get()) {
            return Ok(());
        }
        Err(refused(format!(
            "the compiled policy lets nobody enter the jail of uid {} (see trampoline --policy); use another uid, or change policy.toml and rebuild",
            self.uid
        )))
    }
}

/// The name of a group, if the system has one for it.
pub fn name_of(group: Group) -> Result<Option<String>, Error> {
    nss::group_name(Gid::from_raw(group.get()))
}

/// What it means that the system knows the uid of this user as somebody else's, if it does.
pub fn shared(uid: Target, name: &Name) -> Option<String> {
    let known = User::from_uid(Uid::from_raw(uid.get())).ok().flatten();
    let other = known.map(|user| user.name).filter(|other| other != name.as_str())?;
    let whose = format!("uid {uid}, which {name} has in the jail, is {}'s on this machine", escaped(other.as_bytes()));
    Some(format!("{whose}: each can do to the other what a user can do to himself"))
}

/// Whether some caller may enter the jail of this uid.
fn reachable(uid: u32) -> bool {
    ENTER.iter().any(|rule| !rule.callers.is_empty() && (rule.first..=rule.last).contains(&uid)) || (OWN.0..=OWN.1).contains(&uid)
}

/// Supplementary groups as a spec lists them: ascending, each once, without the primary one.
pub fn ordered(mut groups: Vec<Group>, primary: Group) -> Result<Vec<Group>, Error> {
    groups.retain(|g| *g != primary);
    groups.sort();
    groups.dedup();
    if groups.len() > MOST_GROUPS {
        return Err(refused(format!("it is in {} groups, and a spec holds {MOST_GROUPS}; take it out of some", groups.len())));
    }
    Ok(groups)
}

/// An account without a shell has this one, says passwd(5).
fn usual_shell() -> Option<JailPath> {
    JailPath::new("/bin/sh")
}

fn path(path: &Path) -> Option<JailPath> {
    crate::parse::path(path.to_str()?).ok()
}

fn refused(why: impl Into<String>) -> Error {
    Error::Refused(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(numbers: &[u32]) -> Vec<Group> {
        numbers.iter().filter_map(|n| Group::new(*n)).collect()
    }

    #[test]
    fn groups_are_listed_once_and_the_primary_one_not_at_all() -> Result<(), Error> {
        let primary = groups(&[100]);
        for primary in primary {
            assert_eq!(ordered(groups(&[300, 100, 200, 300]), primary)?, groups(&[200, 300]));
            let many: Vec<u32> = (101..).take(MOST_GROUPS + 1).collect();
            assert!(ordered(groups(&many), primary).is_err());
        }
        Ok(())
    }

    #[test]
    fn a_uid_outside_every_range_is_reachable_by_nobody() {
        for rule in ENTER {
            assert!(reachable(rule.first) && reachable(rule.last));
        }
        assert!(!reachable(0) && !reachable(u32::MAX));
    }
}
