//! Homes as the host has them: there, the user's, and on file systems on which nothing of a user's gains a right.

use super::finding::{Fault, Report, advice, problem};
use super::{mounts, owners};
use crate::table::counted;
use jail::spec::Spec;
use jail::sys::Errno;
use jail::sys::fd::{self, How};
use std::collections::BTreeMap;
use std::fs::symlink_metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `homes`, `homes-nosuid`, `homes-nodev`.
pub fn look(users: &[Spec], report: &mut Report) {
    report.note("homes", users.iter().filter_map(fault).collect::<Vec<_>>(), "every home is there, and its user's");
    let table = mounts::table();
    let whats = [
        ("homes-nosuid", "nosuid", "a setuid program that a user makes in the jail works on the host"),
        ("homes-nodev", "nodev", "a device in a home works on the host"),
    ];
    for (check, flag, allows) in whats {
        let mut without: BTreeMap<&str, usize> = BTreeMap::new();
        let mounts = users.iter().filter_map(|spec| mounts::of(&table, spec.home.as_str()));
        for mount in mounts.filter(|mount| !mount.has(flag)) {
            let count = without.entry(&mount.at).or_default();
            *count = count.saturating_add(1);
        }
        let faults = without.into_iter().map(|(at, count)| {
            advice(
                format!(
                    "{at}, with {}, is mounted without {flag}: {allows}, for whoever is there with that uid",
                    counted(count, "home")
                ),
                format!("give homes a file system of their own, with {flag} in /etc/fstab"),
            )
        });
        report.note(check, faults, format!("every home lies on a file system with {flag}"));
    }
}

fn fault(spec: &Spec) -> Option<Fault> {
    let (home, name) = (spec.home.as_str(), &spec.name);
    let meta = match fd::open(home, How::Directory).map(|_| symlink_metadata(home)) {
        Ok(meta) => meta.ok()?,
        // A server may hide from root what it shows to the user.
        Err(Errno::EACCES) => return None,
        Err(Errno::ENOENT) => {
            let todo = format!("jailbase user set {name} --create-home makes it, and --home names another");
            return Some(problem(format!("the home of {name}, {home}, does not exist: nobody can enter the jail"), todo));
        }
        Err(errno) => {
            let todo = format!("put a directory there, or run jailbase user set {name} --home with the real path");
            return Some(problem(format!("the home of {name}, {home}, cannot be opened: {}", jail::sys::why(errno)), todo));
        }
    };
    if meta.uid() != spec.uid.get() {
        // Whom it does not let in cannot begin there, so cannot begin at all.
        let weight = if owners::rights(&meta) & 0o005 == 0o005 { advice } else { problem };
        Some(weight(
            format!("the home of {name}, {home}, belongs to uid {}", meta.uid()),
            format!("chown it to uid {}", spec.uid),
        ))
    } else if owners::rights(&meta) & 0o002 != 0 {
        Some(advice(
            format!("everybody can write the home of {name}, {home}"),
            format!("chmod o-w {}", Path::new(home).display()),
        ))
    } else {
        None
    }
}
