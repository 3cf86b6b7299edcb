//! The drop: its order, and what is asked after it.

use super::{entries, set};
use crate::common::WWW;
use crate::common::trace::{Call, Process};
use crate::common::user::User;
use std::collections::BTreeSet;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_but_these_calls_is_made_after_the_drop() {
    let user = User::new();
    let dropping = ["setresuid", "capget", "capset", "prctl", "getresuid", "getresgid", "getgroups"];
    let memory = ["brk", "mmap", "munmap", "mremap", "madvise", "mprotect"];
    let supervising = ["close", "rt_sigtimedwait", "wait4", "exit_group", "clock_gettime"];
    let being_process_1 = [
        "seccomp",
        "chdir",
        "sched_setscheduler",
        "getpriority",
        "ioprio_set",
        "personality",
        "signalfd4",
        "clone",
        "close",
        "wait4",
        "poll",
        "read",
        "exit_group",
    ];
    for trace in entries(&user) {
        let allowed = |more: &[&'static str]| dropping.iter().chain(&memory).chain(more).copied().collect::<BTreeSet<&str>>();
        let is_within = |process: &Process, uid: u32, allowed: &BTreeSet<&str>| {
            let after = set(process.around_the_drop(uid).1);
            // musl holds all signals back while it changes ids.
            let strange: Vec<_> = after.difference(allowed).filter(|name| **name != "rt_sigprocmask").collect();
            assert!(strange.is_empty(), "{strange:?} after the drop to {uid}");
        };
        is_within(trace.supervisor(), WWW, &allowed(&supervising));
        is_within(trace.init(), user.uid, &allowed(&being_process_1));
        let launch: Vec<&str> = trace.program().calls.iter().take(5).map(|c| c.name.as_str()).collect();
        assert_eq!(launch, ["sched_setaffinity", "setsid", "rt_sigprocmask", "close_range", "execve"]);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn groups_go_before_the_gid_and_the_gid_before_the_uid_and_each_is_looked_at_again() {
    let user = User::with(&["--group", "29991"]);
    for trace in entries(&user) {
        for (process, uid, groups) in [(trace.supervisor(), WWW, "0, []"), (trace.init(), user.uid, "1, [29991]")] {
            let (before, after) = process.around_the_drop(uid);
            let own = before.iter().rev().filter(|c| c.name != "rt_sigprocmask");
            let last: Vec<(&str, &str)> = own.take(2).map(|c| (c.name.as_str(), c.arguments.as_str())).collect();
            let four = format!("{uid}, {uid}, {uid}");
            assert_eq!(last, [("setresgid", four.as_str()), ("setgroups", groups)]);
            let tries = |c: &&Call| c.name == "setresuid" && c.arguments == "-1, 0, -1" && c.result.contains("EPERM");
            assert_eq!(after.iter().filter(tries).count(), 1, "the way back was not tried");
            for question in ["getresuid", "getresgid", "getgroups", "capget"] {
                assert!(after.iter().any(|c| c.name == question), "{question} is not asked");
            }
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_first_program_after_its_own_is_the_target_s_and_starts_without_privilege() {
    let user = User::new();
    for trace in entries(&user) {
        let executes = |process: &Process| process.calls.iter().filter(|c| c.name.starts_with("execve")).count();
        assert_eq!(executes(trace.supervisor()), 1, "its own");
        assert_eq!(executes(trace.init()), 0);
        let (before, after) = trace.init().around_the_drop(user.uid);
        assert!(before.iter().all(|c| !["clone", "fork", "vfork", "clone3"].contains(&c.name.as_str())));
        let at = |name: &str| after.iter().position(|c| c.name == name).unwrap();
        assert!(at("seccomp") < at("clone"), "the filter comes before the launch");
        let executed = trace.program().calls.iter().find(|c| c.name.starts_with("execve")).unwrap();
        assert_eq!(executed.texts(), ["/bin/true", "/bin/true"]);
        assert_eq!(trace.0.len(), 3, "one process became three");
    }
}
