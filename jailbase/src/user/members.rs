//! Who is a member of a group, by the name services of this machine: whoever the group lists, and whose primary group it is.
//!
//! A service may keep both lists to itself: LDAP is often set up so that it lists no accounts, or no members. So nobody who
//! has a jail is taken for gone before his own account was asked.

use super::nss;
use jail::error::Error;
use nix::unistd::Gid;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// It asks the name services for all accounts; there is no call for that in the crates that we use.
const GETENT: &str = "/usr/bin/getent";

/// What getent says if a service does not list its accounts.
const NOT_LISTED: i32 = 3;

/// A group.
#[derive(Debug)]
pub struct Members {
    /// What it is called.
    group: String,
    /// Its number.
    gid: Gid,
    /// The accounts in it, as far as they are listed.
    pub names: BTreeSet<String>,
}

impl Members {
    /// Those of a group; `None` if there is no such group. A service that does not answer is an error, and no answer.
    pub fn of(group: &str) -> Result<Option<Self>, Error> {
        let Some(found) = nss::group(group)? else { return Ok(None) };
        let mut names: BTreeSet<String> = found.mem.into_iter().filter(|name| !name.is_empty()).collect();
        names.extend(primary(&accounts()?, found.gid));
        Ok(Some(Self { group: group.to_owned(), gid: found.gid, names }))
    }

    /// Whether an account is a member that no list showed. Who has no account any more is none.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        let Some(user) = nss::user(name)? else { return Ok(false) };
        self.is_among(&nss::groups_of(name, user.gid)?)
    }

    /// Whether the groups of an account show that it is a member. They do not if a service went away meanwhile, either: so
    /// before that is believed, who told of the group has to tell of it again.
    pub fn is_among(&self, groups: &[Gid]) -> Result<bool, Error> {
        if groups.contains(&self.gid) {
            return Ok(true);
        }
        match nss::group(&self.group)? {
            Some(group) if group.gid == self.gid => Ok(false),
            _ => Err(Error::failed("look up the group", &self.group, "it is another one now than a moment ago; try again")),
        }
    }
}

/// All accounts that the name services list, as passwd(5) has them.
fn accounts() -> Result<String, Error> {
    let failed = |why: String| Error::failed("list", "the accounts of this machine", why);
    let mut command = Command::new(GETENT);
    let done = command.arg("passwd").env_clear().stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    match done.status.code() {
        Some(0) => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        Some(NOT_LISTED) => {
            log::warn!("the name services list no accounts; who has the group as primary group alone is not found");
            Ok(String::new())
        }
        _ => Err(failed(format!("getent passwd: {}; run it to see what it says", done.status))),
    }
}

/// The names of those whose primary group it is.
fn primary(accounts: &str, gid: Gid) -> Vec<String> {
    let of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(2)? == gid.to_string()).then(|| name.to_owned())
    };
    accounts.lines().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_member_is_told_by_the_fourth_field() {
        let accounts =
            "root:x:0:0:root:/root:/bin/sh\na:x:5:30::/home/a:/bin/sh\nb:x:30:6::/:\nbroken\n:x:5:30:::\n\nc:x:1:30:\n";
        assert_eq!(primary(accounts, Gid::from_raw(30)), ["a", "c"]);
        assert!(primary("", Gid::from_raw(0)).is_empty());
    }
}
