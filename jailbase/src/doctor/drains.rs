//! Who keeps people out: a drain that waits long, or was stopped, does so until somebody finds it.

use super::finding::{Fault, Report, advice};
use jail::layout;
use jail::policy::STATE;
use jail::report::escaped;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `drains`.
pub fn look(report: &mut Report) {
    let jails = format!("{STATE}/{}", layout::JAILS);
    report.note("drains", barred(&jails).then(|| fault(&jails)), "nobody is kept out of a jail");
}

/// Whether somebody has a record lock there, which is the bar of a drain.
///
/// KERNEL: of a lock that belongs to an open file no process is named (OFDLCK in `/proc/locks`, proc(5)).
fn barred(jails: &str) -> bool {
    let inode = fs::metadata(jails).map(|meta| meta.ino().to_string()).unwrap_or_default();
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (kind, file) = (fields.next(), fields.nth(3));
        kind == Some("OFDLCK") && file.and_then(|file| file.rsplit(':').next()) == Some(inode.as_str())
    })
}

fn fault(jails: &str) -> Fault {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> =
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| bars(*pid, jails)).collect();
    pids.sort_unstable();
    told(&pids.into_iter().map(|pid| (pid, words(pid))).collect::<Vec<_>>(), jails)
}

/// Who bars, as far as he is seen, and how that is ended.
fn told(by: &[(u32, String)], jails: &str) -> Fault {
    if by.is_empty() {
        return advice(
            "people are kept out of jails by somebody who cannot be seen from here",
            format!("where all processes are seen, fuser -v {jails} names him"),
        );
    }
    let who: Vec<String> = by.iter().map(|(pid, words)| format!("pid {pid} ({words})")).collect();
    let pids: Vec<String> = by.iter().map(|(pid, _)| pid.to_string()).collect();
    advice(
        format!("people are kept out of jails by {}", who.join(", ")),
        format!(
            "if nobody waits for that any more, end it by kill -9 {}: people are let in again, and nothing is lost",
            pids.join(" ")
        ),
    )
}

/// Whether a process has the directory open, and by that the lock; a sweep has it open too, and bars nobody.
fn bars(pid: u32, jails: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let of_jails = open.filter(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == Path::new(jails)));
    let mut infos =
        of_jails.filter_map(|entry| fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_str()?)).ok());
    infos.any(|info| info.lines().any(|line| line.starts_with("lock:") && line.contains(" OFDLCK ")))
}

fn words(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let shown: Vec<u8> = words.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
    escaped(shown.trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_seen_can_be_ended_by_his_number_and_who_is_not_by_a_command_that_finds_it() {
        let (_, found, todo) = told(&[(4711, "reaper --drain a".into()), (4712, "reaper --drain b".into())], "/x/jails");
        assert_eq!(found, "people are kept out of jails by pid 4711 (reaper --drain a), pid 4712 (reaper --drain b)");
        assert!(todo.contains(" kill -9 4711 4712: "), "{todo}");
        let (_, _, todo) = told(&[], "/x/jails");
        assert_eq!(todo, "where all processes are seen, fuser -v /x/jails names him");
    }
}
