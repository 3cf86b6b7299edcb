//! The two trees that are trampoline's own: what outlives a boot, and where the holder is pinned.

use super::finding::{Fault, Report, advice, problem};
use super::{mounts, owners};
use jail::layout;
use jail::policy::{RUN, STATE};
use nix::sys::statvfs::statvfs;
use std::path::Path;

/// Of a file system's blocks and files, the share in percent below which it is as good as full.
const SCARCE: u64 = 5;

/// `state-path`, `run-path`, `state-writable`, `state-room`.
pub fn look(report: &mut Report) {
    let dir = |path: &str, secret| owners::directory(Path::new(path), secret);
    let (jails, links) = (format!("{STATE}/{}", layout::JAILS), format!("{STATE}/{}/{}", layout::JAILS, layout::BY_NAME));
    let images = format!("{STATE}/{}", layout::IMAGES);
    // What is above STATE was judged with it.
    let mut found = dir(STATE, false);
    for (path, secret) in [(&jails, true), (&links, true), (&images, false)] {
        found.extend(dir(path, secret));
    }
    found.sort();
    found.dedup();
    let faults = found.into_iter().map(|(found, todo)| problem(found, todo)).collect::<Vec<_>>();
    report.note("state-path", faults, format!("{STATE} and all above it are root's alone"));
    let run = dir(RUN, true).into_iter().map(|(found, todo)| problem(found, todo)).collect::<Vec<_>>();
    report.note("run-path", run, format!("{RUN} and all above it are root's alone"));

    let table = mounts::table();
    let read_only = mounts::of(&table, STATE).filter(|mount| mount.has("ro"));
    let fault = read_only.map(|mount| {
        problem(
            format!("{STATE} lies on {}, which is mounted read-only", mount.at),
            "mount it writable, or name another place in policy.toml",
        )
    });
    report.note("state-writable", fault, format!("{STATE} can be written"));
    report.note("state-room", room(), format!("the file system of {STATE} has room"));
}

fn room() -> Option<Fault> {
    let full = |what: &str| {
        advice(
            format!("less than {SCARCE} % of the {what} of the file system of {STATE} is left; users' tmp lies there"),
            "remove what is not needed, or give it a file system of its own",
        )
    };
    let stat = statvfs(STATE).ok()?;
    if scarce(stat.blocks_available(), stat.blocks()) {
        Some(full("space"))
    } else if scarce(stat.files_available(), stat.files()) {
        Some(full("files"))
    } else {
        None
    }
}

/// A file system that counts nothing says 0 of 0.
fn scarce(left: u64, all: u64) -> bool {
    all > 0 && left < all / 100 * SCARCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_counts_no_files_is_not_full() {
        assert!(!scarce(0, 0) && !scarce(50, 1000) && scarce(49, 1000) && scarce(0, 1000));
    }
}
