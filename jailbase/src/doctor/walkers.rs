//! Programs that walk over every file: they must neither remove what is ours, nor write the names of users' files where
//! others read them.

use super::finding::{Fault, Report, advice, problem};
use super::mounts::within;
use jail::policy::{RUN, STATE};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// Where systemd-tmpfiles reads its rules.
const RULES: [&str; 4] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d"];

/// Cleaners of old files, and the files that say where they clean.
const CLEANERS: [&str; 4] =
    ["/etc/tmpreaper.conf", "/etc/cron.daily/tmpreaper", "/etc/cron.daily/tmpwatch", "/etc/default/tmpreaper"];

/// Programs that read or copy every file, and run from a table or a unit.
const COPIERS: [&str; 9] =
    ["borg", "borgmatic", "restic", "rsnapshot", "duplicity", "bacula-fd", "rdiff-backup", "clamscan", "aide"];

/// Where such programs are started or told what to leave out.
const STARTS: [&str; 9] = [
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/systemd/system",
    "/etc/borgmatic",
    "/etc/rsnapshot.conf",
    "/etc/aide",
    "/etc/bacula",
];

/// `updatedb`, `tmpfiles`, `file-cleaners`, `copiers`.
pub fn look(report: &mut Report) {
    let conf = read_to_string("/etc/updatedb.conf").ok();
    report.note("updatedb", conf.as_deref().and_then(updatedb), "updatedb is not here, or leaves our places out");
    let rules: Vec<(PathBuf, String)> = texts(&RULES);
    let found: Vec<Fault> = rules.iter().flat_map(|(path, text)| tmpfiles(&path.display().to_string(), text)).collect();
    report.note("tmpfiles", found, "no rule of systemd-tmpfiles removes what is ours");
    let cleaners: Vec<Fault> = texts(&CLEANERS).iter().filter_map(|(path, text)| cleaner(path, text)).collect();
    report.note("file-cleaners", cleaners, "no other cleaner of old files is told of our places");
    let starts: Vec<Fault> = texts(&STARTS).iter().filter_map(|(path, text)| copier(path, text)).collect();
    report.note("copiers", starts, "no backup or scanner was found that walks through our places");
}

/// The texts of these files, and of all files in these directories.
fn texts(places: &[&str]) -> Vec<(PathBuf, String)> {
    let files = places.iter().flat_map(|place| match read_dir(place) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![PathBuf::from(place)],
    });
    files.filter_map(|path| Some((path.clone(), read_to_string(&path).ok()?))).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Whether a path is ours, or above ours: a walk from there comes through.
fn reaches(path: &str) -> bool {
    let path = path.trim_end_matches(['/', '*', '.']);
    [STATE, RUN].iter().any(|ours| within(ours, if path.is_empty() { "/" } else { path }) || within(path, ours))
}

/// Its data base is read by everybody on the host, and by the names in it one sees what users have in their tmp.
fn updatedb(conf: &str) -> Option<Fault> {
    let pruned = lines(conf).filter_map(|line| line.strip_prefix("PRUNEPATHS")).last().unwrap_or_default();
    let paths = pruned.split(['=', '"', ' ', '\t']).filter(|path| !path.is_empty());
    let covered = |ours: &str| paths.clone().any(|path| within(ours, path.trim_end_matches('/')));
    let open: Vec<&str> = [STATE, RUN].into_iter().filter(|ours| !covered(ours)).collect();
    (!open.is_empty()).then(|| {
        advice(
            format!("updatedb walks through {} and lists the names of users' files there", open.join(" and ")),
            format!("add {} to PRUNEPATHS in /etc/updatedb.conf", open.join(" ")),
        )
    })
}

/// Rules that remove a path, empty it, or remove in it what is old.
fn tmpfiles(file: &str, text: &str) -> Vec<Fault> {
    let found = lines(text).filter(|line| removes(line).unwrap_or(false));
    found
        .map(|line| {
            problem(
                format!("{file} lets systemd-tmpfiles remove what is ours: {line}"),
                format!("take the rule out, or add \"x {STATE}\" and \"x {RUN}\" to a file of /etc/tmpfiles.d"),
            )
        })
        .collect()
}

/// Whether a rule removes something of ours (tmpfiles.d(5): type, path, mode, user, group, age, argument).
fn removes(rule: &str) -> Option<bool> {
    let mut words = rule.split_whitespace();
    let kind = words.next()?.chars().next()?;
    let path = words.next()?;
    let ages = words.nth(3).is_some_and(|age| age != "-");
    Some(match kind {
        // A whole tree.
        'R' | 'D' => reaches(path),
        // One name, and no directory with something in it: what is above ours stays.
        'r' => [STATE, RUN].iter().any(|ours| within(path, ours)),
        // What is older than its age.
        'd' | 'q' | 'Q' | 'v' | 'e' => ages && reaches(path),
        _ => false,
    })
}

fn cleaner(path: &Path, text: &str) -> Option<Fault> {
    let names_ours = |word: &str| word.len() > 1 && word.starts_with('/') && reaches(word);
    let line = lines(text).find(|line| line.split(['=', '"', '\'', ' ', '\t', ':']).any(names_ours))?;
    Some(problem(format!("{} cleans our places: {line}", path.display()), format!("take {STATE} and {RUN} out of it")))
}

fn copier(path: &Path, text: &str) -> Option<Fault> {
    let named = |line: &str| COPIERS.into_iter().find(|name| line.split(['/', ' ', '\t', '=']).any(|word| word == *name));
    let program = lines(text).find_map(named)?;
    (!text.contains(STATE)).then(|| {
        advice(
            format!("{} starts {program}, and does not name {STATE}", path.display()),
            format!("let {program} leave out {STATE}/images, which is built anew, and {RUN}; let it keep what is in users' tmp to itself"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updatedb_leaves_out_what_lies_in_a_pruned_path() {
        let open = |conf: &str| updatedb(conf).map(|fault| fault.1).unwrap_or_default();
        assert_eq!(open(&format!("PRUNE_BIND_MOUNTS=\"yes\"\nPRUNEPATHS=\"/tmp {STATE} {RUN}/\"\n")), "");
        assert_eq!(open("PRUNEPATHS = \"/var/lib /run /var/spool\""), "");
        assert!(open(&format!("PRUNEPATHS=\"/tmp {RUN}\"")).contains(STATE));
        assert!(!open(&format!("PRUNEPATHS=\"/tmp {RUN}\"")).contains(RUN));
        assert!(open("# PRUNEPATHS=\"/\"\n").contains(RUN));
    }

    #[test]
    fn a_rule_removes_what_is_ours_if_it_reaches_it() {
        for rule in [
            format!("R {STATE}"),
            format!("D! {RUN} 0700 root root"),
            "d /var/lib - - - 10d".into(),
            format!("r {STATE}/jails/*"),
        ] {
            assert_eq!(removes(&rule), Some(true), "{rule}");
        }
        for rule in [
            "q /var/tmp 1777 root root 30d",
            "d /var/lib - - - -",
            "d /var/lib",
            "r /var/lib",
            "x /var/lib/trampoline",
            "L+ /run/x - - - - /y",
            "D /tmp",
        ] {
            assert_ne!(removes(rule), Some(true), "{rule}");
        }
    }

    #[test]
    fn a_cleaner_of_tmp_is_none_of_ours() {
        let said = |text: &str| cleaner(Path::new("/etc/tmpreaper.conf"), text).is_some();
        assert!(!said("TMPREAPER_DIRS='/tmp/. /var/tmp/.'\n# /run\n") && said("TMPREAPER_DIRS='/tmp/. /var/.'"));
        assert!(said(&format!("tmpwatch 240 {STATE}")));
    }

    #[test]
    fn a_backup_is_asked_only_if_it_does_not_name_our_places() {
        let said = |text: &str| copier(Path::new("/etc/cron.d/b"), text).map(|fault| fault.1).unwrap_or_default();
        assert!(said("0 3 * * * root /usr/bin/restic backup /\n").contains("restic"));
        assert_eq!(said(&format!("0 3 * * * root restic backup --exclude {STATE}/images /\n")), "");
        assert_eq!(said("# restic\n0 3 * * * root restic-notes\n"), "");
    }
}
