//! Run last, by itself: what all other tests left behind. Nothing, but for the line of the holder.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::user::UIDS;
use common::{RUN, STATE, process, program, seen};
use std::fs;

fn of_ours(dir: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    let uid = |name: &String| {
        name.trim_start_matches('t').split('.').next().and_then(|n| n.parse().ok()).is_some_and(|n| UIDS.contains(&n))
    };
    names.filter(uid).map(|name| format!("{dir}/{name}")).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn zz_nothing_is_left_behind() {
    program("trampoline");
    let mut left: Vec<String> = ["/home".to_owned(), format!("{STATE}/jails"), format!("{STATE}/jails/by-name")]
        .iter()
        .flat_map(|d| of_ours(d))
        .collect();
    left.extend(
        fs::read_dir(format!("{STATE}/images"))
            .into_iter()
            .flatten()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|n| n.starts_with("t-")),
    );
    let busy = || seen::processes_of().into_iter().filter(|uid| UIDS.contains(uid)).collect::<Vec<_>>();
    // The last test's killed processes may still be on their way out.
    if !seen::within(std::time::Duration::from_secs(5), || busy().is_empty()) {
        left.extend(busy().into_iter().map(|uid| format!("processes of uid {uid}: {:?}", seen::processes(uid))));
    }
    left.extend(seen::pins().into_iter().filter(|uid| UIDS.contains(uid)).map(|uid| format!("the pin of uid {uid}")));
    let holder = format!(" {RUN}/holder ");
    // On a host with shared mounts the holder's pin stands on a private mount of its directory: both are the holder's.
    let allowed = |line: &String| line.contains(&holder) || line.contains(&format!(" {RUN} "));
    left.extend(seen::mounts().into_iter().filter(|line| !allowed(line)));
    assert!(seen::mounts().iter().filter(|line| line.contains(&holder)).count() <= 1, "{:?}", seen::mounts());
    // Of System V objects the owner is the eighth word, of message queues too; of a semaphore set it is the fifth.
    for (kind, owner) in [("shm", 7), ("sem", 4), ("msg", 7)] {
        let table = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap();
        let of_tests = |line: &&str| {
            line.split_whitespace().nth(owner).and_then(|uid| uid.parse().ok()).is_some_and(|uid| UIDS.contains(&uid))
        };
        left.extend(table.lines().skip(1).filter(of_tests).map(|line| format!("of System V ({kind}):{line}")));
    }
    assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    assert!(process::is_root());
}
