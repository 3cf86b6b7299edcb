//! Why an entry would be refused or fail: what trampoline looks at on its way in, looked at without going.

use jail::error::Error;
use jail::layout;
use jail::plan::{Plan, Step};
use jail::policy::{ENTER, OWN};
use jail::spec::Spec;
use jail::state::images::Generation;
use jail::state::jails::{JailDir, Jails};
use jail::sys::fd::{self, How};
use jail::sys::why;

/// All that hinders.
pub fn all(spec: &Spec, generation: Result<&Generation, &Error>) -> Vec<String> {
    let mut found = Vec::new();
    let target = spec.uid.get();
    let named = ENTER.iter().map(|rule| (rule.first, rule.last)).chain([OWN]);
    if !named.into_iter().any(|(first, last)| (first..=last).contains(&target)) {
        found.push(format!("the compiled policy lets nobody enter the jail of uid {target}; see trampoline --policy"));
    }
    match Jails::open() {
        Err(error) => found.push(reason(&error)),
        Ok(jails) => {
            match jails.target(&spec.name) {
                Ok(target) if target == spec.uid => {}
                Ok(other) => found.push(format!("the name {} stands for uid {other}; by the uid it would be let in", spec.name)),
                Err(error) => found.push(reason(&error)),
            }
            found.extend(jails.admit(spec.uid).err().as_ref().map(reason));
            match jails.jail(spec.uid) {
                Ok(dir) => found.extend(files(&dir)),
                Err(error) => found.push(reason(&error)),
            }
        }
    }
    match generation {
        Ok(generation) => found.extend(places(spec, generation)),
        Err(error) => found.push(reason(error)),
    }
    found.extend(home(spec));
    found
}

/// What an error says, without the word that a refusal begins with.
fn reason(error: &Error) -> String {
    match error {
        Error::Refused(why) => why.clone(),
        other => other.to_string(),
    }
}

fn files(dir: &JailDir) -> Vec<String> {
    let mut found: Vec<String> = [layout::PASSWD, layout::GROUP]
        .iter()
        .filter_map(|name| dir.place(name, How::Place).err().as_ref().map(reason))
        .collect();
    found.extend(dir.tmp().err().as_ref().map(reason));
    found
}

/// The directories of the host and the places of the image that the plan needs.
fn places(spec: &Spec, generation: &Generation) -> Vec<String> {
    let mut found = Vec::new();
    for step in Plan::of(spec, &generation.image).0 {
        let at = super::mounts::at(&step);
        let looked = match &step {
            Step::Base | Step::Pts | Step::Shm(_) | Step::Home(_) => continue,
            Step::Own { .. } => fd::open_beneath(&generation.tree, at.trim_start_matches('/'), How::Place),
            _ => fd::open_beneath(&generation.tree, at.trim_start_matches('/'), How::Directory),
        };
        found.extend(looked.err().map(|errno| format!("the image {} has no place for {at}: {}", spec.image, why(errno))));
        if let Step::Host(dir) = &step {
            let shown = fd::open(&format!("/{dir}"), How::Directory);
            found.extend(shown.err().map(|errno| format!("the host's /{dir} cannot be shown: {}", why(errno))));
        }
    }
    found
}

fn home(spec: &Spec) -> Option<String> {
    match fd::open(spec.home.as_str(), How::Directory).and_then(fd::stat) {
        Err(errno) => Some(format!("the home {} cannot be opened: {}", spec.home, why(errno))),
        Ok(stat) if stat.st_uid != spec.uid.get() => {
            Some(format!("the home {} belongs to uid {}; chown it to uid {}", spec.home, stat.st_uid, spec.uid))
        }
        Ok(_) => None,
    }
}
