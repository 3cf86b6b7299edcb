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
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let said: Vec<String> = pids
        .filter(|pid| *pid != std::process::id() && has_open(*pid, jails))
        .map(|pid| format!("pid {pid} ({})", words(pid)))
        .collect();
    let who = if said.is_empty() { "somebody who cannot be seen from here".into() } else { said.join(", ") };
    advice(
        format!("people are kept out of jails by {who}"),
        "if nobody waits for that drain any more, end it by kill -9 PID: people are let in again, and nothing is lost",
    )
}

fn has_open(pid: u32, path: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link == Path::new(path))
}

fn words(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let shown: Vec<u8> = words.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
    escaped(shown.trim_ascii_end())
}
