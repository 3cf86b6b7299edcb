//! Why an entry would be refused or fail: what trampoline looks at on its way in, looked at without going.

use jail::error::{Error, code};
use jail::layout;
use jail::plan::{Plan, Step};
use jail::policy::{ENTER, OWN};
use jail::spec::Spec;
use jail::state::images::Generation;
use jail::state::jails::{JailDir, Jails};
use jail::sys::fd::{self, How};
use jail::sys::images::advice::told;
use jail::sys::why;

/// One thing that hinders, and what trampoline exits with for it.
#[derive(Debug)]
pub struct Hindrance {
    pub why: String,
    pub code: u8,
}

impl Hindrance {
    fn of(error: &Error, why: String) -> Self {
        Self { why, code: error.code() }
    }

    fn refused(why: String) -> Self {
        Self { why, code: code::REFUSED }
    }

    fn failed(why: String) -> Self {
        Self { why, code: code::FAILED }
    }
}

/// All that hinders, in the order in which an entry meets it.
pub fn all(spec: &Spec, generation: Result<&Generation, &Error>) -> Vec<Hindrance> {
    let mut found = Vec::new();
    let target = spec.uid.get();
    // What is described anew is written anew.
    let again = format!("jailbase user add {}, with the options it was added with, mends that", spec.name);
    let named = ENTER.iter().map(|rule| (rule.first, rule.last)).chain([OWN]);
    if !named.into_iter().any(|(first, last)| (first..=last).contains(&target)) {
        found.push(Hindrance::refused(format!(
            "the compiled policy lets nobody enter the jail of uid {target} (see trampoline --policy); give the user another uid, or change policy.toml and rebuild"
        )));
    }
    match Jails::open() {
        Err(error) => found.push(Hindrance::of(&error, told(&error))),
        Ok(jails) => {
            match jails.target(&spec.name) {
                Ok(target) if target == spec.uid => {}
                Ok(other) => found.push(Hindrance::refused(format!(
                    "the name {} stands for uid {other}, and only by the uid is this one let in; {again}",
                    spec.name
                ))),
                Err(error) => found.push(advised(&error, &again)),
            }
            found.extend(jails.admit(spec.uid).err().map(|error| Hindrance::of(&error, told(&error))));
            match jails.jail(spec.uid) {
                Ok(dir) => found.extend(files(&dir).iter().map(|error| advised(error, &again))),
                Err(error) => found.push(advised(&error, &again)),
            }
        }
    }
    match generation {
        Ok(generation) => found.extend(places(spec, generation).into_iter().map(Hindrance::failed)),
        Err(error) => {
            let other = format!("jailbase image ls lists what there is, jailbase user set {} --image takes another", spec.name);
            found.push(advised(error, &other));
        }
    }
    found.extend(home(spec).map(Hindrance::failed));
    found
}

/// What an error says, without the word that a refusal begins with.
fn reason(error: &Error) -> String {
    match error {
        Error::Refused(why) => why.clone(),
        other => other.to_string(),
    }
}

/// The same, and what to do about it.
fn advised(error: &Error, advice: &str) -> Hindrance {
    Hindrance::of(error, crate::tell::advised(&reason(error), advice))
}

fn files(dir: &JailDir) -> Vec<Error> {
    let lists = [layout::PASSWD, layout::GROUP].into_iter().filter_map(|name| dir.place(name, How::Place).err());
    lists.chain(dir.tmp().err()).collect()
}

/// The directories of the host and the places of the image that the plan needs.
fn places(spec: &Spec, generation: &Generation) -> Vec<String> {
    let (mut found, plan) = (Vec::new(), Plan::of(spec, &generation.image).0);
    if fd::stat(&generation.tree).is_ok_and(|top| top.st_mode & 0o001 == 0) {
        let image = &spec.image;
        found.push(format!(
            "the image {image} is closed to everybody but root; jailbase image update {image} makes one that is open"
        ));
    }
    // No step of the plan: each session mounts its own.
    let session = ("/proc".to_owned(), How::Directory);
    let steps = plan.iter().filter_map(|step| match step {
        Step::Base | Step::Pts | Step::Shm(_) | Step::Home(_) => None,
        Step::Own { .. } => Some((super::mounts::at(step), How::Place)),
        _ => Some((super::mounts::at(step), How::Directory)),
    });
    for (at, how) in steps.chain([session]) {
        let looked = fd::open_beneath(&generation.tree, at.trim_start_matches('/'), how);
        found.extend(looked.err().map(|errno| {
            let (image, why) = (&spec.image, why(errno));
            format!("the image {image} has no place for {at}: {why}; build it anew with jailbase image build {image}")
        }));
    }
    for dir in plan.iter().filter_map(|step| if let Step::Host(dir) = step { Some(dir) } else { None }) {
        found.extend(fd::open(&format!("/{dir}"), How::Directory).err().map(|errno| {
            format!("the host's /{dir} cannot be shown: {}; make it, or build the image {} anew", why(errno), spec.image)
        }));
    }
    found
}

fn home(spec: &Spec) -> Option<String> {
    match fd::open(spec.home.as_str(), How::Directory).and_then(fd::stat) {
        Err(errno) => Some(format!(
            "the home {} cannot be opened: {}; make it, or give another with jailbase user set {} --home",
            spec.home,
            why(errno),
            spec.name
        )),
        Ok(stat) if stat.st_uid != spec.uid.get() => {
            Some(format!("the home {} belongs to uid {}; chown it to uid {}", spec.home, stat.st_uid, spec.uid))
        }
        Ok(_) => None,
    }
}
