//! A machine on which nothing is wrong, and how the doctor says so.

use crate::common::attacker::Attacker;
use crate::common::user::User;
use crate::common::{process, program, seen};
use crate::{Programs, doctor, in_world};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What may be less than firm on a machine that runs these tests, for which trampoline does not answer.
const OF_THE_MACHINE: [&str; 17] = [
    "protected-symlinks",
    "protected-hardlinks",
    "protected-fifos",
    "protected-regular",
    "ptrace-scope",
    "terminal-input",
    "unprivileged-bpf",
    "perf-events",
    "io-uring",
    "userfaultfd",
    "user-namespaces",
    "core-pattern",
    "kernel-holes",
    "cgroups",
    "socket-modules",
    "homes-nosuid",
    "homes-nodev",
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_healthy_installation_has_no_problem_and_no_advice_but_for_the_machine() {
    let _user = User::new();
    let programs = Programs::new();
    let said = doctor(&programs);
    assert!(said.problems().is_empty(), "{said:#?}");
    let of_others = |check: &str| OF_THE_MACHINE.contains(&check) || check == "reaper-scheduled";
    let ours: Vec<_> = said.findings.iter().filter(|(level, check, _)| level != "ok" && !of_others(check)).collect();
    assert!(ours.is_empty(), "{ours:#?}");
    assert_eq!(said.code, 0);
    // There is one of each.
    assert_eq!(said.check("specs").1, "1 user with a jail");
    assert_eq!(said.check("images").1, "1 image in use, and a generation of each in service");
    assert!(said.findings.iter().all(|(_, _, found)| !found.contains("with 1 homes")), "{said:#?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_ignores_the_end_of_children_is_told_the_same() {
    let programs = Programs::new();
    let deaf = format!("exec env --ignore-signal=CHLD {} doctor", programs.path("jailbase"));
    assert_eq!(in_world(&programs, &deaf).findings, doctor(&programs).findings);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_problem_makes_the_exit_code_1_and_stands_first() {
    let programs = Programs::new();
    let said = in_world(&programs, "rm /etc/cron.d/trampoline-reaper");
    assert_eq!((said.code, said.problems()), (1, vec!["reaper-scheduled"]));
    assert_eq!(said.findings[0].1, "reaper-scheduled");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn programs_get_the_same_findings_as_json() {
    let programs = Programs::new();
    let run = |words: &[&str]| Command::new(programs.path("jailbase")).arg("doctor").args(words).output().unwrap();
    let (table, json) = (run(&[]), run(&["--json"]));
    assert_eq!(table.status, json.status);
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout).unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    for finding in &findings {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        assert!(
            table.contains(&format!("{}  {}\n", text("check"), text("found"))) || table.contains(&text("found")),
            "{finding}"
        );
        assert_eq!(text("level") == "ok", finding["do"].is_null(), "what is wrong comes with what to do: {finding}");
        assert!(table.contains(&text("do")));
    }
    assert!(findings.len() > 40);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_check_that_the_manual_names_was_made() {
    let _user = User::new();
    let programs = Programs::new();
    let made: BTreeSet<String> = doctor(&programs).findings.into_iter().map(|(_, check, _)| check).collect();
    let page = include_str!("../../docs/jailbase.8");
    let list = page.split_once(".Sh CHECKS").unwrap().1.split("\n.Sh ").next().unwrap();
    let named: BTreeSet<String> = list.lines().filter_map(|line| line.strip_prefix(".It Li ")).map(str::to_owned).collect();
    assert_eq!(made, named);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn only_root_is_examined_by_and_nobody_else() {
    let done = Command::new("setpriv")
        .args(["--reuid=33", "--regid=33", "--clear-groups"])
        .arg(program("jailbase"))
        .arg("doctor")
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(77));
    assert!(String::from_utf8_lossy(&done.stderr).contains("only root may do this"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn it_changes_nothing() {
    let user = User::new();
    user.ensure();
    let programs = Programs::new();
    let seen = || {
        let listed =
            Command::new("find").args([crate::STATE, crate::common::RUN, "-printf", "%p %m %U %G %s %T@ %l\n"]).output().unwrap();
        (String::from_utf8(listed.stdout).unwrap(), crate::common::seen::pins(), crate::common::seen::mounts())
    };
    let before = seen();
    Command::new(programs.path("jailbase")).arg("doctor").output().unwrap();
    assert_eq!(seen(), before);
}

/// The children of a process, and theirs.
fn descendants(pid: u32) -> Vec<u32> {
    seen::children(pid).into_iter().flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

/// What a doctor says of the callers, while one of them stops whatever he may of what it started.
fn doctor_while_a_caller_stops() -> String {
    let script = format!("sleep 0.2; exec {} doctor", program("jailbase").display());
    let doctor = Command::new("/bin/sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let pid = doctor.id();
    let attacker =
        Attacker::start(33, 33, move || descendants(pid).into_iter().for_each(|pid| process::kill(pid, libc::SIGSTOP)));
    let ended =
        seen::within(Duration::from_secs(40), || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z "));
    drop(attacker);
    descendants(pid).into_iter().for_each(|pid| process::kill(pid, libc::SIGKILL));
    let done = doctor.wait_with_output().unwrap();
    assert!(ended, "the doctor waits for a caller who was stopped");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    said.lines().find(|line| line.contains(" trampoline-callers ")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_stops_whatever_runs_as_him_does_not_keep_the_doctor() {
    let _user = User::new();
    // The moment in which a caller may stop it is short, so there are several rounds; one stop is enough.
    let said = (0..20).map(|_| doctor_while_a_caller_stops()).find(|line| !line.contains("it starts"));
    let said = said.expect("none of them was stopped");
    assert!(said.contains("problem") && said.contains("stopped for ten seconds"), "{said}");
}
