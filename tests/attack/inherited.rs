//! What a process inherits over execve, and a caller so leaves in trampoline: none of it reaches the program.

use crate::common::process;
use crate::common::trace::Trace;
use crate::common::user::User;

/// Every resource limit that Linux has.
const RESOURCES: std::ops::Range<u32> = 0..16;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_resource_limit_of_the_caller_s_reaches_the_program() {
    let user = User::new();
    let look = ["cat", "/proc/self/limits"];
    let usual = user.run(&look).well();
    assert_eq!(usual.lines().count(), 1 + RESOURCES.len(), "a limit that this test does not know: {usual}");
    // Lower than what a session gets, as far as the kernel executes anything with that, and higher.
    let lower = |resource| match resource {
        libc::RLIMIT_AS => 16 << 20,
        libc::RLIMIT_DATA => 1 << 20,
        libc::RLIMIT_STACK => 128 << 10,
        _ => 7,
    };
    for (resource, value) in RESOURCES.flat_map(|resource| [(resource, lower(resource)), (resource, 1 << 40)]) {
        let done = user.call(&look).by(0, 0).after(move || process::soft_limit(resource, value)).run();
        assert_eq!(done.well(), usual, "the caller's soft limit {resource} is {value}");
        // A container's root cannot raise what its caller lowered for good; see jail::limits.
        if process::may_raise_limits() {
            let hard = value.min(1 << 20);
            let done = user.call(&look).by(0, 0).after(move || process::limit(resource, hard)).run();
            assert_eq!(done.well(), usual, "the caller's hard limit {resource} is {hard}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_is_spared_when_memory_runs_out_does_not_pass_that_on() {
    let user = User::new();
    let look = ["cat", "/proc/self/oom_score_adj", "/proc/1/oom_score_adj"];
    let spared: &[&str] = if process::may_raise_limits() { &["-1000", "-1"] } else { &[] };
    println!("callers who are spared: {} (it takes CAP_SYS_RESOURCE to be one)", spared.len());
    for (own, inside) in spared.iter().map(|own| (*own, "0")).chain([("0", "0"), ("300", "300")]) {
        let done = user.call(&look).by(0, 0).after(move || std::fs::write("/proc/self/oom_score_adj", own)).run();
        assert_eq!(done.well(), format!("{inside}\n{inside}"), "the caller has {own}");
    }
    // What is good is written too, by root: that makes it the least to which the program may go back.
    let trace = Trace::entry(&user, true, &[]);
    let written = trace.init().calls.iter().any(|call| call.name == "write" && call.arguments.contains("oom_score_adj"));
    assert!(written, "{:#?}", trace.init());
    // Nor can a program take it back.
    let back =
        "import os\ntry: os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1')\nexcept PermissionError: print('no')";
    assert_eq!(user.python(back), "no");
}
