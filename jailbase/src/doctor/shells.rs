//! Login shells that lead into jails: whoever has one runs trampoline himself, and must be able to.

use super::finding::{Fault, Report, advice, problem};
use super::{owners, programs};
use crate::user::leads_into_jails;
use jail::spec::Spec;
use nix::unistd::{Gid, Group, User, getgrouplist};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// As many names as one finding lists.
const MOST_NAMES: usize = 3;

/// Who logs in by which shell: name, primary group, shell.
type Login = (String, u32, PathBuf);

/// `login-shells`.
pub fn look(users: &[Spec], report: &mut Report) {
    let mut leading: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let mut logins = logins(&std::fs::read_to_string("/etc/passwd").unwrap_or_default(), users);
    let mut leads = |shell: &Path| *leading.entry(shell.to_owned()).or_insert_with(|| leads_into_jails(shell));
    logins.retain(|(_, _, shell)| leads(shell));
    let mut inside: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
    for spec in users.iter().filter(|spec| leads(Path::new(spec.shell.as_str()))) {
        inside.entry(Path::new(spec.shell.as_str())).or_default().push(spec.name.as_str());
    }
    let well = match logins.as_slice() {
        [] => "no login shell leads into a jail",
        _ => "whose login shell leads into a jail may execute trampoline",
    };
    let barred = programs::trampoline().map(|path| barred(&path, &logins)).unwrap_or_default();
    report.note("login-shells", barred.into_iter().chain(inside.into_iter().map(nowhere)).collect::<Vec<_>>(), well);
}

/// The accounts of this machine's own file, and those with a jail that only another name service knows.
fn logins(passwd: &str, users: &[Spec]) -> Vec<Login> {
    let of_line = |line: &str| -> Option<Login> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, _, gid, _, _, shell] = fields.as_slice() else { return None };
        Some(((*name).to_owned(), gid.parse().ok()?, PathBuf::from(shell)))
    };
    let mut found: Vec<Login> = passwd.lines().filter_map(of_line).collect();
    let known: std::collections::BTreeSet<String> = found.iter().map(|(name, ..)| name.clone()).collect();
    let others = users.iter().filter(|spec| !known.contains(spec.name.as_str()));
    found.extend(others.filter_map(|spec| {
        let user = User::from_name(spec.name.as_str()).ok().flatten()?;
        Some((user.name, user.gid.as_raw(), user.shell))
    }));
    found
}

/// Those who cannot start trampoline, with one finding for each shell.
fn barred(path: &Path, logins: &[Login]) -> Vec<Fault> {
    let Ok(meta) = metadata(path) else { return Vec::new() };
    let mut out: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
    for (name, _, shell) in logins.iter().filter(|(name, gid, _)| !may_execute(&meta, name, *gid)) {
        out.entry(shell).or_default().push(name);
    }
    let (at, rights) = (path.display(), owners::rights(&meta));
    let group =
        Group::from_gid(Gid::from_raw(meta.gid())).ok().flatten().map_or_else(|| meta.gid().to_string(), |group| group.name);
    let fault = |(shell, names): (&Path, Vec<&str>)| {
        let who = some(&names);
        problem(
            format!(
                "the login shell of {who} is {}, and they may not execute {at} (mode {rights:04o}, group {group}): they cannot log in",
                shell.display()
            ),
            format!("chmod 4755 {at}, and say MODE=4755 at every make install"),
        )
    };
    out.into_iter().map(fault).collect()
}

/// Those whose jail would be led into by a shell that is in it.
fn nowhere((shell, names): (&Path, Vec<&str>)) -> Fault {
    let first = names.first().copied().unwrap_or_default();
    advice(
        format!(
            "the shell of {} in the jail is {}, which only leads there from outside: whatever starts it in the jail fails",
            some(&names),
            shell.display()
        ),
        format!("jailbase user set {first} --shell /bin/bash"),
    )
}

/// A few of them, and how many there are beside.
fn some(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let who = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { who } else { format!("{who} and {more} more") }
}

fn may_execute(meta: &std::fs::Metadata, name: &str, gid: u32) -> bool {
    let rights = owners::rights(meta);
    let of_group = || {
        let groups = CString::new(name).ok().and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok());
        gid == meta.gid() || groups.is_some_and(|all| all.iter().any(|group| group.as_raw() == meta.gid()))
    };
    // Members of the file's group have its rights and no others'.
    match (rights & 0o010 != 0, rights & 0o001 != 0) {
        (true, true) => true,
        (false, false) => false,
        (group, _) => of_group() == group,
    }
}
