//! The first calls.

use super::{entries, is_of_the_c_library};
use crate::common::trace::Call;
use crate::common::user::User;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_first_thing_it_does_is_to_leave_its_caller_s_reach_and_the_first_twelve_are_these() {
    let user = User::new();
    for trace in entries(&user) {
        let calls = &trace.supervisor().calls;
        let own = calls.iter().skip_while(|c| is_of_the_c_library(c));
        let mut first: Vec<&str> = Vec::new();
        for call in own {
            // musl asks fstat where glibc asks newfstatat, and holds all signals back while it changes ids.
            let name = if call.name == "newfstatat" { "fstat" } else { call.name.as_str() };
            if !first.contains(&name) && !is_of_the_c_library(call) && name != "rt_sigprocmask" {
                first.push(name);
            }
        }
        let expected = [
            "getresuid",
            "getresgid",
            "setresuid",
            "setresgid",
            "setgroups",
            "prctl",
            "close_range",
            "prlimit64",
            "fcntl",
            "fstat",
            "rt_sigaction",
            "setitimer",
        ];
        assert_eq!(first[..12], expected);
        let held = calls.iter().position(|c| c.name == "rt_sigprocmask" && c.arguments.starts_with("SIG_SETMASK, ~[")).unwrap();
        assert!(calls[..held].iter().all(|c| is_of_the_c_library(c) || c.path().is_none()), "a path before signals are held");
        // The two questions before it change nothing; what comes after it the caller can neither stop nor kill.
        let find = |name: &str| calls.iter().find(|c| c.name == name).unwrap();
        assert_eq!(find("setresuid").arguments, "0, 0, 0");
        assert_eq!(find("setresgid").arguments, "0, 0, 0");
        assert_eq!(find("setgroups").arguments, "0, []");
        assert_eq!(find("close_range").arguments, "3, 4294967295, 0");
        let cores = calls.iter().position(|c| c.name == "prctl" && c.arguments.contains("PR_SET_DUMPABLE, SUID_DUMP_DISABLE"));
        assert!(cores < calls.iter().position(|c| c.name == "close_range"), "{cores:?}");
        let first_path = calls.iter().filter(|c| !is_of_the_c_library(c)).find_map(Call::path).unwrap();
        assert_eq!(first_path, "/proc/1/ns/mnt", "a path is looked up before everything is put right");
    }
}
