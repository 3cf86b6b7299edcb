//! What the name services of this machine are asked, and what their silence is.
//!
//! An account that does not exist and a directory that does not answer are two things: whoever takes the second for the first
//! takes everybody's jail.

use jail::error::Error;
use nix::errno::Errno;
use nix::unistd::{self, Gid, Group, User};
use std::ffi::CString;

/// The account of this name; `None` if no service knows one.
pub fn user(name: &str) -> Result<Option<User>, Error> {
    User::from_name(name).map_err(|errno| silent("look up the user", name, errno))
}

/// The group of this name; `None` if no service knows one.
pub fn group(name: &str) -> Result<Option<Group>, Error> {
    Group::from_name(name).map_err(|errno| silent("look up the group", name, errno))
}

/// What a group is called; `None` if no service knows it.
pub fn group_name(gid: Gid) -> Result<Option<String>, Error> {
    let found = Group::from_gid(gid).map_err(|errno| silent("look up the group", &gid.to_string(), errno))?;
    Ok(found.map(|found| found.name))
}

/// All groups of an account. Those are missing of which a service that does not answer would have told: getgrouplist(3) says
/// nothing of that.
pub fn groups_of(name: &str, primary: Gid) -> Result<Vec<Gid>, Error> {
    let failed = |errno| silent("look up the groups of", name, errno);
    let c_name = CString::new(name).map_err(|_| failed(Errno::EINVAL))?;
    unistd::getgrouplist(&c_name, primary).map_err(failed)
}

/// The C library has no word for this: a service that is down is ENOENT by the module of one directory, and EAGAIN by another's.
fn silent(doing: &'static str, name: &str, errno: Errno) -> Error {
    Error::failed(
        doing,
        name,
        format!(
            "the name services of /etc/nsswitch.conf did not answer ({errno:?}); see whether the directory is up, and the daemon that asks it, then try again"
        ),
    )
}
