//! The programs as files, spoiled.

use crate::{Programs, in_world};

/// What else is seen when others than root can change the file: then nobody starts it.
const NOT_STARTED: [&str; 3] = ["trampoline-callers", "trampoline-policy", "trampoline-version"];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn each_fault_of_the_installed_programs_is_found_by_the_check_of_its_name() {
    // What is done in the directory of the programs, the check, its level, and other checks that see the same thing.
    let rows: &[(&str, &str, &str, &[&str])] = &[
        ("chmod 0750 trampoline", "trampoline-mode", "problem", &["trampoline-callers"]),
        ("chmod 6750 trampoline", "trampoline-mode", "problem", &[]),
        ("chmod 4755 trampoline", "trampoline-mode", "advice", &[]),
        ("chmod 4770 trampoline", "trampoline-owner", "problem", &NOT_STARTED),
        ("chown 33 trampoline; chmod 4750 trampoline", "trampoline-owner", "problem", &NOT_STARTED),
        ("chgrp root trampoline; chmod 4750 trampoline", "trampoline-callers", "problem", &[]),
        ("ln trampoline other", "trampoline-links", "problem", &[]),
        (
            "chmod 0777 .",
            "trampoline-path",
            "problem",
            &["tools-owner", "trampoline-callers", "trampoline-policy", "trampoline-version"],
        ),
        ("mount --bind . .; mount -o remount,bind,nosuid . .", "trampoline-nosuid", "problem", &["trampoline-callers"]),
        ("rm trampoline", "trampoline-installed", "problem", &[]),
        ("rm reaper", "reaper-installed", "problem", &["reaper-scheduled"]),
        ("chmod 4755 reaper", "tools-owner", "problem", &[]),
        ("chmod 0775 jailbase", "tools-owner", "problem", &[]),
        ("chown 33 reaper", "tools-owner", "problem", &[]),
        ("printf '#!/bin/sh\\necho trampoline 9.9\\n' >trampoline", "trampoline-version", "problem", &["trampoline-policy"]),
        (
            "mount -t tmpfs none /usr/local/bin; cp -p trampoline /usr/local/bin/; chmod 4755 /usr/local/bin/trampoline",
            "trampoline-copies",
            "problem",
            &[],
        ),
    ];
    for (spoil, check, level, others) in rows {
        let programs = Programs::new();
        let said = in_world(&programs, &format!("cd {}; {spoil}; cd /", programs.dir.display()));
        let (found, what) = said.check(check);
        assert_eq!(found, *level, "{spoil}: {what}");
        let mut expected: Vec<&str> = others.to_vec();
        expected.extend((*level == "problem").then_some(*check));
        let mut problems = said.problems();
        problems.dedup();
        problems.sort_unstable();
        expected.sort_unstable();
        assert_eq!(problems, expected, "{spoil}: {said:#?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_is_not_what_its_package_brought_is_found_and_one_of_no_package_is_not_asked_about() {
    let programs = Programs::new();
    let dir = programs.dir.display();
    // A machine whose package manager knows one package.
    let package = format!(
        "mount -t tmpfs none /var/lib/dpkg; mkdir /var/lib/dpkg/info /var/lib/dpkg/updates; cd /var/lib/dpkg\n\
         printf 'Package: jails\\nStatus: install ok installed\\nMaintainer: x\\nArchitecture: all\\nVersion: 1\\nDescription: x\\n' >status\n\
         (echo /.; echo {dir}/trampoline; echo {dir}/reaper) >info/jails.list\n\
         (cd /; md5sum $(echo {dir}/trampoline {dir}/reaper | sed 's,/,,;s, /, ,')) >info/jails.md5sums; cd /"
    );
    assert_eq!(in_world(&programs, &package).check("package-files").0, "ok");
    let told = |spoil: &str| {
        let said = in_world(&programs, &format!("{package}; cd {dir}; {spoil}; cd /"));
        let (level, found) = said.check("package-files");
        (level.to_owned(), found)
    };
    // Of no package.
    assert_eq!(told("echo >>jailbase").0, "ok");
    let (level, found) =
        told("touch -r reaper stamp; printf x | dd of=reaper bs=1 seek=4096 conv=notrunc 2>/dev/null; touch -r stamp reaper");
    assert!(
        level == "problem" && found.contains(&format!("{dir}/reaper is not the file that the package jails brought")),
        "{found}"
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_trampoline_that_others_can_change_is_not_started_by_root() {
    let programs = Programs::new();
    let trace = programs.path("started");
    let script = format!("printf '#!/bin/sh\\ntouch {trace}\\n' >{}", programs.path("trampoline"));
    in_world(&programs, &script);
    assert!(std::path::Path::new(&trace).exists(), "root's own is started, or this test shows nothing");
    std::fs::remove_file(&trace).unwrap();
    for spoil in ["chown 33", "chmod 0777"] {
        in_world(&programs, &format!("{spoil} {}", programs.path("trampoline")));
        assert!(!std::path::Path::new(&trace).exists(), "{spoil}");
    }
}
