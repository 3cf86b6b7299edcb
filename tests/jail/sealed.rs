//! What the setuid program's own memory looks like while it runs.

use crate::common::user::User;
use crate::common::{program, seen};
use std::fs;
use std::process::Command;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_tables_that_only_relocations_write_are_read_only_while_it_runs() {
    let readelf = Command::new("readelf").arg("-lW").arg(program("trampoline")).output().unwrap();
    let readelf = String::from_utf8(readelf.stdout).unwrap();
    let row = readelf.lines().find(|line| line.trim().starts_with("GNU_RELRO")).unwrap();
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    let (at, size) = (number(words[2]), number(words[5]));
    let (begin, end) = (at / 4096 * 4096, (at + size) / 4096 * 4096);
    assert!(end > begin, "{row}");

    let user = User::new();
    let running = user.call(&["sleep", "60"]).start();
    let supervisor = running.pid();
    let child = |pid: u32| seen::children(pid).first().copied();
    // Init has its program.
    assert!(seen::within(Duration::from_secs(10), || child(supervisor).and_then(child).is_some()), "it does not start");
    for (who, pid) in [("supervisor", supervisor), ("init", child(supervisor).unwrap())] {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let own: Vec<(u64, u64, &str)> = maps
            .lines()
            .filter(|line| line.ends_with("/trampoline"))
            .map(|line| {
                let (range, rest) = line.split_once(' ').unwrap();
                let (from, to) = range.split_once('-').unwrap();
                (number(from), number(to), &rest[..4])
            })
            .collect();
        let base = own.first().unwrap_or_else(|| panic!("{who}: {maps}")).0;
        assert!(own.contains(&(base + begin, base + end, "r--p")), "{who}: {maps}");
        let written = own.iter().filter(|(_, _, flags)| flags.contains('w'));
        assert!(written.clone().all(|(from, _, _)| *from >= base + end), "{who}: {maps}");
        assert_eq!(own.iter().filter(|(_, _, flags)| flags.contains('x')).count(), 1, "{who}: {maps}");
    }
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().code(), 128 + libc::SIGTERM);
}
