//! What trampoline asks of the kernel, call by call, in a real entry by uid 33: in which order, on which paths, and what of it
//! with root's rights. What is not on these lists was not thought about.

mod begins;
mod descriptors;
mod dropped;
mod mounting;
mod paths;
mod poisoned;
mod sweep;
mod writes;

use crate::common::trace::{Call, Trace};
use crate::common::user::User;
use crate::common::{WWW, image, program};
use std::collections::BTreeSet;

/// A cold and a warm entry of one user, traced.
fn entries(user: &User) -> [Trace; 2] {
    [true, false].map(|cold| Trace::entry(user, cold, &[]))
}

/// What a C library does before `main`, and what it asks for memory; none of it names a file of the caller's.
fn is_of_the_c_library(call: &Call) -> bool {
    let memory = ["brk", "mmap", "munmap", "mremap", "mprotect", "madvise"];
    let start = ["arch_prctl", "set_tid_address", "set_robust_list", "rseq", "getrandom"];
    let text = call.arguments.as_str();
    memory.contains(&call.name.as_str())
        || start.contains(&call.name.as_str())
        || (call.name == "execve" && text.starts_with(&format!("\"{}\"", program("trampoline").display())))
        || (call.name == "access" && text.starts_with("\"/etc/suid-debug\""))
        || (call.name == "readlink" && text.starts_with("\"/proc/self/exe\""))
        || (call.name == "prlimit64" && text.starts_with("0, RLIMIT_STACK, NULL"))
        || (call.name == "fcntl" && text.ends_with("F_GETFD"))
        || (call.name == "poll" && text.contains("fd=0"))
}

/// The names of calls, each once for as long as it is repeated.
fn names<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<&'a str> {
    let mut names: Vec<&str> = calls.into_iter().map(|c| c.name.as_str()).collect();
    names.dedup();
    names
}

fn set<'a>(calls: impl IntoIterator<Item = &'a Call>) -> BTreeSet<&'a str> {
    names(calls).into_iter().collect()
}

/// The calls of all processes of trampoline's own while they have root's rights.
fn privileged<'a>(user: &User, trace: &'a Trace) -> Vec<&'a Call> {
    let (outside, inside) = (trace.supervisor().around_the_drop(WWW).0, trace.init().around_the_drop(user.uid).0);
    outside.iter().chain(inside).collect()
}

/// A path of the trace with what differs between two users and two runs taken out.
fn template(user: &User, path: &str) -> String {
    let own = |path: &str| path.replace(&user.name, "NAME").replace(&user.uid.to_string(), "UID");
    let (head, tail) = path.strip_prefix("/proc/").map_or(("", path), |rest| {
        let end = rest.find('/').unwrap_or(rest.len());
        if rest[..end].len() > 1 && rest[..end].parse::<u32>().is_ok() { ("/proc/self", &rest[end..]) } else { ("", path) }
    });
    head.to_owned() + &own(tail)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_programs_of_the_tests_are_traced_as_uid_33_and_the_image_is_the_usual_one() {
    image::host();
    let user = User::new();
    let trace = Trace::entry(&user, false, &[]);
    let before = trace.supervisor().calls.iter().find(|c| c.name == "getresuid").unwrap();
    assert_eq!(before.arguments, "[33], [0], [0]", "the traces of these files are not those of a web server's call");
}
