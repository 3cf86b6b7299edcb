//! The resource limits of a session: those of the spec, whatever the caller's are.

use crate::common::user::User;
use crate::common::{process, seen};
use std::os::unix::process::ExitStatusExt;

fn hard_and_soft(limits: &str, name: &str) -> (String, String) {
    let line = limits.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {limits}"));
    let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
    (words[0].to_owned(), words[1].to_owned())
}

fn are_those_of(limits: &str, expected: [(&str, &str); 6]) {
    for (name, value) in expected {
        assert_eq!(hard_and_soft(limits, name), (value.to_owned(), value.to_owned()), "{name}");
    }
}

const OWN: [&str; 10] =
    ["--cpu", "77", "--memory", "3000000000", "--processes", "55", "--file-size", "1000000", "--open-files", "99"];

const AS_SPEC: [(&str, &str); 6] = [
    ("Max cpu time", "77"),
    ("Max address space", "3000000000"),
    ("Max processes", "55"),
    ("Max file size", "1000000"),
    ("Max open files", "99"),
    // At 0 the kernel would still run a handler behind a pipe, as root and on the host.
    ("Max core file size", "1"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn limits_are_exactly_those_of_the_spec_soft_and_hard() {
    let user = User::with(&OWN);
    are_those_of(&user.run(&["cat", "/proc/self/limits"]).well(), AS_SPEC);
}

/// What a caller may set to make a step fail at a place of its choice.
const HOSTILE: [(u32, u64); 9] = [
    (libc::RLIMIT_NOFILE, 4),
    (libc::RLIMIT_AS, 16 << 20),
    (libc::RLIMIT_DATA, 1 << 20),
    (libc::RLIMIT_FSIZE, 0),
    (libc::RLIMIT_CPU, 1),
    (libc::RLIMIT_STACK, 128 << 10),
    (libc::RLIMIT_NPROC, 0),
    (libc::RLIMIT_MEMLOCK, 0),
    (libc::RLIMIT_SIGPENDING, 0),
];

/// What comes of a hard limit: root raises it again, but not the root of a container without the right to.
fn is_survived(user: &User, done: &crate::common::call::Done, what: &str) {
    if process::may_raise_limits() {
        assert_eq!((done.code(), done.err.as_str()), (0, ""), "{what}");
        are_those_of(&done.text(), AS_SPEC);
    } else if done.code() == 0 {
        for (name, most) in AS_SPEC {
            let (soft, hard) = hard_and_soft(&done.text(), name);
            let at_most = |limit: &str| limit.parse::<u64>().unwrap() <= most.parse::<u64>().unwrap();
            assert!(at_most(&soft) && at_most(&hard), "{what}: {name} {soft} {hard}");
        }
    } else {
        assert!(
            [125, 126, 127, 128 + libc::SIGKILL, 128 + libc::SIGSEGV].contains(&done.code()),
            "{what}: {} {}",
            done.code(),
            done.err
        );
        seen::take_down(user.uid);
        user.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_s_lower_soft_limits_stop_neither_a_cold_nor_a_warm_entry_and_do_not_reach_the_program() {
    for (resource, value) in HOSTILE {
        let user = User::with(&OWN);
        for entry in ["cold", "warm"] {
            let done = user.call(&["cat", "/proc/self/limits"]).after(move || process::soft_limit(resource, value)).run();
            assert_eq!((done.code(), done.err.as_str()), (0, ""), "{entry}, limit {resource} = {value}");
            are_those_of(&done.text(), AS_SPEC);
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_s_lower_hard_limits_stop_neither_a_cold_nor_a_warm_entry_and_do_not_reach_the_program() {
    for (resource, value) in HOSTILE {
        let user = User::with(&OWN);
        for entry in ["cold", "warm"] {
            let done = user.call(&["cat", "/proc/self/limits"]).after(move || process::limit(resource, value)).run();
            is_survived(&user, &done, &format!("{entry}, limit {resource} = {value}"));
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn all_hostile_limits_at_once_stop_nothing() {
    let user = User::with(&OWN);
    let done = user.call(&["cat", "/proc/self/limits"]).after(|| {
        HOSTILE.iter().filter(|(r, _)| *r != libc::RLIMIT_NOFILE).try_for_each(|(r, v)| process::limit(*r, *v))?;
        process::limit(libc::RLIMIT_NOFILE, 4)
    });
    is_survived(&user, &done.run(), "all at once");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_memory_for_the_words_of_its_caller_it_ends_without_a_word_of_its_own() {
    let user = User::with(&OWN);
    let word = "x".repeat(100_000);
    let words: Vec<&str> = ["echo"].into_iter().chain(std::iter::repeat_n(word.as_str(), 6)).collect();
    let done = user.call(&words).after(|| process::limit(libc::RLIMIT_DATA, 200 << 10)).run();
    // It is still root then, and what standard error is nobody has looked at yet.
    assert_eq!((done.status.signal(), done.out.len(), done.err.as_str()), (Some(libc::SIGABRT), 0, ""));
    assert_eq!(user.shell("echo after"), "after");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn root_s_own_call_without_a_single_descriptor_is_made_or_told_why_not() {
    let user = User::new();
    let done = user.call(&["echo", "made"]).by(0, 0).after(|| process::limit(libc::RLIMIT_NOFILE, 0)).run();
    if process::may_raise_limits() {
        assert_eq!(done.well(), "made");
    } else {
        assert!(done.failed(125).contains("(EMFILE)"), "{}", done.err);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_limit_holds_what_it_promises() {
    let user = User::with(&["--memory", "400000000", "--file-size", "10000", "--cpu", "1", "--open-files", "20"]);
    let done = user.run(&["python3", "-I", "-c", "b = bytearray(500_000_000)"]);
    assert!(done.err.contains("MemoryError"), "{}", done.err);
    let done = user.run(&["sh", "-c", "head -c 20000 /dev/zero > f; ls -l f | cut -d' ' -f5"]);
    assert_eq!(done.text(), "10000");
    let done = user.run(&["python3", "-I", "-c", "while True: pass"]);
    assert_eq!(done.code(), 128 + libc::SIGKILL, "hard and soft limit of processor time are the same");
    let done = user.run(&["python3", "-I", "-c", "a = [open('/dev/null') for _ in range(30)]"]);
    assert!(done.err.contains("Too many open files"), "{}", done.err);
}
