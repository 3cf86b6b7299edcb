//! One name, one uid, one jail: looked up while the lock of all jails is held.

use jail::error::Error;
use jail::id::{Name, Target};
use jail::layout;
use jail::spec::Spec;
use jail::state::Doing;
use jail::state::jails::{JailDir, Jails};
use jail::sys::Errno;
use jail::sys::fd::{self, How};
use std::os::fd::OwnedFd;

/// Refuses a name that stands for another uid.
pub fn judge_name(jails: &Jails, links: &OwnedFd, name: &Name, target: Target) -> Result<(), Error> {
    match target_of(links, name)?.filter(|other| *other != target && may_be(jails, *other, name)) {
        None => Ok(()),
        Some(other) => Err(Error::Refused(format!(
            "the name stands for uid {other}; remove that first with jailbase user rm {other}, or use another name"
        ))),
    }
}

/// Refuses a uid whose spec has another name. Returns the spec there is, for an update; one that cannot be read is in
/// nobody's way.
pub fn judge_spec(dir: &JailDir, name: &Name) -> Result<Option<Spec>, Error> {
    match dir.spec() {
        Ok(spec) if spec.name != *name => {
            let (uid, old) = (dir.target, spec.name);
            Err(Error::Refused(format!(
                "uid {uid} has a jail under the name {old}; remove that first with jailbase user rm {old}"
            )))
        }
        Ok(spec) => Ok(Some(spec)),
        Err(why) => {
            log::debug!("there is no spec to update: {why}");
            Ok(None)
        }
    }
}

/// Whether a link of this name leads to a uid.
pub fn leads_to(links: &OwnedFd, name: &str, target: Target) -> Result<bool, Error> {
    Name::new(name).map_or(Ok(false), |name| Ok(target_of(links, &name)? == Some(target)))
}

fn target_of(links: &OwnedFd, name: &Name) -> Result<Option<Target>, Error> {
    match fd::link_text(links, name.as_str()) {
        Err(Errno::ENOENT | Errno::EINVAL) => Ok(None),
        text => Ok(Target::parse(&text.doing("read the link", format!("{}/{name}", layout::BY_NAME))?)),
    }
}

/// Whether the jail of a uid has that name. A link to a uid that has no jail, or one of another name, is left over from
/// what was interrupted; of a spec that cannot be read nobody knows.
fn may_be(jails: &Jails, target: Target, name: &Name) -> bool {
    let there = fd::open_beneath(&jails.dir, &format!("{target}/{}", layout::SPEC), How::Place).is_ok();
    there && jails.jail(target).and_then(|dir| dir.spec()).map_or(true, |spec| spec.name == *name)
}
