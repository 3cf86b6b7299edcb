//! Everybody who has a jail: specs, the links of names, the files beside a spec, and what the system says of the account.

use super::finding::{Fault, Report, advice, problem};
use super::owners;
use crate::table::counted;
use crate::user::{About, From, shared};
use jail::error::Error;
use jail::id::{Name, Target};
use jail::layout;
use jail::policy::STATE;
use jail::spec::Spec;
use jail::state::jails::Jails;
use jail::state::pins;
use jail::sys::{fd, files};
use std::fs::symlink_metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// `specs`, `names`, `jail-files`, `accounts`. Returns the specs that trampoline would believe.
pub fn look(report: &mut Report) -> Vec<Spec> {
    let all = format!("{STATE}/{}", layout::JAILS);
    let jails = match Jails::open() {
        Ok(jails) => jails,
        Err(_) if symlink_metadata(&all).is_err() => {
            report.note("specs", [], "nobody has a jail yet");
            return Vec::new();
        }
        Err(error) => {
            report.note("specs", [problem(reason(error), "mend the directory; see state-path")], "");
            return Vec::new();
        }
    };
    let listed = match files::names(&jails.dir) {
        Ok(listed) => listed,
        Err(errno) => {
            report.note("specs", [problem(format!("{all} cannot be listed: {}", jail::sys::why(errno)), "look at the disk")], "");
            return Vec::new();
        }
    };
    let mut targets: Vec<Target> = listed.iter().filter_map(|name| pins::target_of(name)).collect();
    targets.sort();
    let (mut specs, mut faults, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for target in targets {
        match jails.jail(target).and_then(|dir| dir.spec()) {
            Ok(spec) => specs.push(spec),
            Err(error) => faults.push(unbelieved(&all, target, error)),
        }
        beside.extend(files_of(&all, target));
    }
    report.note("specs", faults, format!("{} with a jail", counted(specs.len(), "user")));
    report.note("names", links(&jails, &specs), "each name leads to its spec, and each spec has its name");
    report.note("jail-files", beside, "the files of each jail are root's alone, and each tmp is the user's");
    let accounts = specs.iter().flat_map(|spec| account(spec, of_account(&jails, spec)));
    report.note("accounts", accounts.collect::<Vec<_>>(), "specs and accounts agree");
    specs
}

/// What went wrong, without the word that a refusal starts with.
pub fn reason(error: Error) -> String {
    match error {
        Error::Refused(why) => why,
        other => other.to_string(),
    }
}

fn unbelieved(all: &str, target: Target, error: Error) -> Fault {
    if symlink_metadata(format!("{all}/{target}/{}", layout::SPEC)).is_err() {
        return advice(
            format!("uid {target} has files of a jail and no spec"),
            format!("jailbase user rm {target} --purge removes them"),
        );
    }
    problem(
        format!("nobody can enter the jail of uid {target}: {}", reason(error)),
        format!("mend what it says, or run jailbase user rm {target} and add the user again"),
    )
}

/// Links that lead nowhere or astray, and specs that no link leads to.
fn links(jails: &Jails, specs: &[Spec]) -> Vec<Fault> {
    let Ok(links) = fd::open_beneath(&jails.dir, layout::BY_NAME, fd::How::List) else {
        let none = problem("there are no links from names to uids", "add one user again with jailbase user add");
        return (!specs.is_empty()).then_some(none).into_iter().collect();
    };
    let mut faults = Vec::new();
    for name in files::names(&links).unwrap_or_default() {
        let at = format!("{}/{name}", layout::BY_NAME);
        let found = Name::new(&name).and_then(|name| jails.target(&name).ok());
        match found.and_then(|target| specs.iter().find(|spec| spec.uid == target)) {
            Some(spec) if spec.name.as_str() == name => {}
            Some(spec) => faults.push(problem(
                format!("{at} leads to the spec of {} (uid {})", spec.name, spec.uid),
                format!("rm {STATE}/{}/{at}", layout::JAILS),
            )),
            None => faults.push(advice(
                format!("{at} leads to no spec that trampoline believes"),
                format!("add the user again, or rm {STATE}/{}/{at}", layout::JAILS),
            )),
        }
    }
    let lost = specs.iter().filter(|spec| jails.target(&spec.name).ok() != Some(spec.uid));
    faults.extend(lost.map(|spec| {
        problem(
            format!("no link leads from the name {} to uid {}: only the uid can be called", spec.name, spec.uid),
            format!("run jailbase user add {} again, with the same options", spec.name),
        )
    }));
    faults
}

/// The directory of one jail and what lies in it.
fn files_of(all: &str, target: Target) -> Vec<Fault> {
    let dir = PathBuf::from(all).join(layout::pin(target));
    let mut faults: Vec<Fault> = owned(&dir, true);
    for (name, secret) in [(layout::SPEC, true), (layout::PASSWD, false), (layout::GROUP, false)] {
        let path = dir.join(name);
        faults.extend(owned(&path, secret));
        if let Ok(meta) = symlink_metadata(&path)
            && (!meta.is_file() || meta.nlink() != 1)
        {
            faults.push(problem(
                format!("{} is no file, or has a second name", path.display()),
                format!("run jailbase user rm {target}, and add the user again"),
            ));
        }
    }
    let tmp = dir.join(layout::TMP);
    match symlink_metadata(&tmp) {
        Ok(meta) if meta.is_dir() && meta.uid() == target.get() => {}
        Ok(meta) if meta.is_dir() => {
            faults.push(problem(
                format!("{} belongs to uid {}", tmp.display(), meta.uid()),
                format!("chown {target} {}", tmp.display()),
            ));
        }
        _ if symlink_metadata(dir.join(layout::SPEC)).is_err() => {}
        _ => faults.push(problem(format!("{} is no directory", tmp.display()), "add the user again with jailbase user add")),
    }
    faults
}

fn owned(path: &Path, secret: bool) -> Vec<Fault> {
    let Ok(meta) = symlink_metadata(path) else { return Vec::new() };
    let mut found: Vec<Fault> = owners::fault(path, &meta).into_iter().map(|(found, todo)| problem(found, todo)).collect();
    if secret && owners::rights(&meta) & 0o077 != 0 {
        let at = path.display();
        found.push(problem(
            format!("{at} is open to others than root (mode {:04o})", owners::rights(&meta)),
            format!("chmod go= {at}"),
        ));
    }
    found
}

/// Whether the system's account gave anything of a spec.
fn of_account(jails: &Jails, spec: &Spec) -> bool {
    let about = jails.jail(spec.uid).ok().and_then(|dir| About::read(&dir));
    about.is_some_and(|about| about.from.values().any(|from| *from == From::Account))
}

/// What is said of a user whose name the system does not know.
fn without_account(spec: &Spec, of_account: bool) -> Vec<Fault> {
    let name = &spec.name;
    let todo = format!("jailbase user rm {name}, and add it with a uid that is nobody's");
    let shared = shared(spec.uid, name).map(|shared| advice(shared, todo));
    let gone = of_account.then(|| {
        advice(
            format!("the system has no account {name} any more, which the spec was made of"),
            format!("jailbase user rm {name} takes the jail away; if the account comes back, add it again"),
        )
    });
    gone.into_iter().chain(shared).collect()
}

/// What the name services say today. Of an account that only the jail knows they know nothing, and not its uid either.
fn account(spec: &Spec, of_account: bool) -> Vec<Fault> {
    let name = &spec.name;
    let user = match nix::unistd::User::from_name(name.as_str()) {
        Ok(Some(user)) => user,
        // A server that does not answer says nothing of the account.
        Err(_) => return Vec::new(),
        Ok(None) => return without_account(spec, of_account),
    };
    if user.uid.as_raw() != spec.uid.get() {
        let todo = format!("jailbase user rm {}, and then jailbase user add {name}", spec.uid);
        return vec![advice(format!("the system knows {name} as uid {}, the spec as uid {}", user.uid, spec.uid), todo)];
    }
    let c_name = std::ffi::CString::new(name.as_str()).unwrap_or_default();
    let Ok(groups) = nix::unistd::getgrouplist(&c_name, user.gid) else { return Vec::new() };
    let has = |gid: u32| groups.iter().any(|group| group.as_raw() == gid);
    let lost = spec.groups.iter().chain([&spec.gid]).filter(|group| !has(group.get()));
    let todo = format!("jailbase user set {name} --account takes the groups of the account again");
    lost.map(|group| advice(format!("the spec of {name} gives group {group}, the system does not any more"), todo.clone()))
        .collect()
}
