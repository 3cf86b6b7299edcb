//! An upgrade of a Debian image that is killed: jailbase alone, or all that works at it.

use super::changed::{OLD, age, of_debian, version};
use super::killed::running_in;
use super::{Own, jailbase};
use crate::common::{process, program, seen};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// When the whole group is killed: once apt says a line that begins so.
const MOMENTS: [&str; 4] = ["(Reading", "Preparing to unpack", "Unpacking busybox", "Setting up busybox"];

fn update(own: &Own) -> Command {
    let mut command = Command::new(program("jailbase"));
    command.args(["image", "update", &own.name]).stderr(Stdio::null()).stdout(Stdio::null());
    command
}

/// The old generation is in service and whole, nothing runs or is mounted, and the next command clears the rest.
fn stands(own: &Own, at: &str) {
    assert!(seen::within(Duration::from_secs(10), || running_in(own).is_empty()), "{at}: {:?}", running_in(own));
    assert_eq!((own.current(), version(own, 2).as_str()), (2, OLD), "{at}");
    let inside = own.dir().display().to_string();
    assert!(!seen::mounts().iter().any(|line| line.contains(&inside)), "{at}: {:?}", seen::mounts());
    let two = format!("{}@2", own.name);
    jailbase(["image", "verify", &two]).well();
    jailbase(["image", "rollback", &two]).well();
    assert_eq!(own.names(), ["1", "2", "current", "last"], "{at}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_upgrade_that_is_killed_at_any_time_leaves_the_old_generation_in_service_and_nothing_running() {
    let own = of_debian("killed-upgrade");
    age(&own);
    for moment in MOMENTS {
        let mut child = update(&own).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said = lines.any(|line| line.starts_with(moment));
        process::kill_group(child.id());
        child.wait().unwrap();
        assert!(said, "{moment:?} was not said");
        stands(&own, moment);
    }
    // Among the many calls of all that work at it, ever later.
    let mut calls = 1 << 12;
    while !process::killed_at_call(&mut update(&own), calls) {
        stands(&own, &format!("after {calls} calls"));
        calls *= 4;
    }
    println!("the last kill came after {} calls", calls / 4);
    assert!(calls > 1 << 15, "{calls}");
    assert_ne!((own.current(), version(&own, own.current()).as_str()), (2, OLD));
    jailbase(["image", "verify", &own.name]).well();
}
