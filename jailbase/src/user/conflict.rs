//! One name, one uid, one jail: looked up while the lock of all jails is held.

use jail::error::Error;
use jail::id::{Name, Target};
use jail::layout;
use jail::spec::Spec;
use jail::state::Doing;
use jail::state::jails::{JailDir, Jails};
use jail::sys::fd::{self, How};
use jail::sys::{Errno, files};
use std::os::fd::OwnedFd;

/// Refuses a name that stands for another uid.
pub fn judge_name(jails: &Jails, links: &OwnedFd, name: &Name, target: Target) -> Result<(), Error> {
    match target_of(links, name)?.filter(|other| *other != target && has_spec(jails, *other)) {
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

/// The names that stand for a uid.
pub fn names_of(links: &OwnedFd, target: Target) -> Result<Vec<Name>, Error> {
    let names = files::names(links).doing("list", layout::BY_NAME)?;
    let mut found = Vec::new();
    for name in names.iter().filter_map(|name| Name::new(name)) {
        if target_of(links, &name)? == Some(target) {
            found.push(name);
        }
    }
    Ok(found)
}

fn target_of(links: &OwnedFd, name: &Name) -> Result<Option<Target>, Error> {
    match fd::link_text(links, name.as_str()) {
        Err(Errno::ENOENT | Errno::EINVAL) => Ok(None),
        text => Ok(Target::parse(&text.doing("read the link", format!("{}/{name}", layout::BY_NAME))?)),
    }
}

/// Whether a uid has a jail at all: a link can be left over from an interrupted removal.
fn has_spec(jails: &Jails, target: Target) -> bool {
    fd::open_beneath(&jails.dir, &format!("{target}/{}", layout::SPEC), How::Place).is_ok()
}
