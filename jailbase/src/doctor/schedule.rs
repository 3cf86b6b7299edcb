//! Who starts the reaper: without it jails stay until the next boot.

use super::finding::{Fault, Report, advice, problem};
use super::programs;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// The directories in which units of systemd lie; in each, a link makes a timer start with the machine.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

const TIMER: &str = "trampoline-reaper.timer";
const SERVICE: &str = "trampoline-reaper.service";

/// The tables of cron.
const TABLES: [&str; 4] = ["/etc/crontab", "/etc/cron.d", "/var/spool/cron/crontabs/root", "/var/spool/cron/root"];

/// The names of daemons that read these tables.
const DAEMONS: [&str; 5] = ["cron", "crond", "anacron", "fcron", "bcron-start"];

/// `reaper-installed`, `reaper-scheduled`.
pub fn look(report: &mut Report) {
    let all = programs::installed("reaper");
    let missing = problem("there is no reaper beside this program, nor where programs are installed", "run make install");
    report.note(
        "reaper-installed",
        all.is_empty().then_some(missing),
        all.first().map_or_else(String::new, |p| p.display().to_string()),
    );
    let fault = if Path::new("/run/systemd/system").is_dir() { by_systemd(&all) } else { by_cron(&all) };
    report.note("reaper-scheduled", fault, "a timer or cron starts it");
}

fn by_systemd(all: &[PathBuf]) -> Option<Fault> {
    let wanted = UNITS.iter().any(|dir| Path::new(dir).join("timers.target.wants").join(TIMER).exists());
    if !wanted {
        return Some(unscheduled("systemctl daemon-reload; systemctl enable --now trampoline-reaper.timer"));
    }
    let unit = UNITS.iter().find_map(|dir| read_to_string(Path::new(dir).join(SERVICE)).ok()).unwrap_or_default();
    let started = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap_or_default();
    stranger(all, started, SERVICE)
}

fn by_cron(all: &[PathBuf]) -> Option<Fault> {
    let tables = TABLES.iter().flat_map(|path| match read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![PathBuf::from(path)],
    });
    let lines: Vec<String> = tables.filter_map(|path| read_to_string(path).ok()).flat_map(|text| jobs(&text)).collect();
    if lines.is_empty() {
        return Some(unscheduled("copy share/doc/trampoline/cron.example of the installation to /etc/cron.d/trampoline-reaper"));
    }
    if let Some(fault) = lines.iter().map(|line| stranger(all, line, "the line of cron")).collect::<Option<Vec<_>>>() {
        return fault.into_iter().next();
    }
    (!daemon_runs())
        .then(|| advice("a line of cron starts the reaper, and no cron runs", "start cron, and let it start with the machine"))
}

fn unscheduled(todo: &str) -> Fault {
    problem("nothing starts the reaper: jails that nobody uses stay until the next boot", todo)
}

/// The lines of a table that start the reaper.
fn jobs(table: &str) -> Vec<String> {
    let starts = |line: &&str| !line.trim_start().starts_with('#') && line.split(['/', ' ', '\t']).any(|word| word == "reaper");
    table.lines().filter(starts).map(str::to_owned).collect()
}

/// What is started is none of the reapers that are there.
fn stranger(all: &[PathBuf], line: &str, what: &str) -> Option<Fault> {
    let known = all.iter().any(|path| line.split(' ').any(|word| std::fs::canonicalize(word).is_ok_and(|real| real == *path)));
    (!known).then(|| {
        problem(
            format!("{what} starts none of the reapers that are installed: {line}"),
            "name the installed one in it, by its whole path",
        )
    })
}

fn daemon_runs() -> bool {
    let processes = read_dir("/proc").into_iter().flatten().flatten();
    let mut names = processes.filter_map(|entry| read_to_string(entry.path().join("comm")).ok());
    names.any(|name| DAEMONS.contains(&name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cron_starts_the_reaper_if_it_names_it_and_is_no_comment() {
        let line = "*/5 * * * * root [ -d /run/systemd/system ] || /usr/local/sbin/reaper";
        assert_eq!(jobs(&format!("# reaper\nSHELL=/bin/sh\n{line}\n5 4 * * * root grim-reaper\n")), [line]);
    }

    #[test]
    fn a_line_that_starts_another_program_starts_nothing() {
        let reapers = [PathBuf::from("/nowhere/reaper")];
        assert!(stranger(&reapers, "* * * * * root /elsewhere/reaper", "the line").is_some());
    }
}
