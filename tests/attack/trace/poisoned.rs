//! An environment that leads libraries astray.

use crate::common::trace::{Process, Trace};
use crate::common::user::User;
use std::collections::BTreeSet;

/// What libraries, interpreters and shells have been led astray by; the values point to what an attacker can write.
pub const POISON: [(&str, &str); 30] = [
    ("LD_PRELOAD", "/tmp/x.so"),
    ("LD_AUDIT", "/tmp/x.so"),
    ("LD_LIBRARY_PATH", "/tmp"),
    ("LD_DEBUG", "all"),
    ("LD_DEBUG_OUTPUT", "/tmp/x"),
    ("LD_PROFILE", "libc.so.6"),
    ("LD_PROFILE_OUTPUT", "/tmp"),
    ("LD_PREFER_MAP_32BIT_EXEC", "1"),
    ("GLIBC_TUNABLES", "glibc.malloc.mxfast=glibc.malloc.mxfast=A"),
    ("GCONV_PATH", "/tmp"),
    ("CHARSET", "X"),
    ("OUTPUT_CHARSET", "X"),
    ("LOCPATH", "/tmp"),
    ("NLSPATH", "/tmp/%N"),
    ("LC_ALL", "../../tmp/x"),
    ("LANGUAGE", "/tmp/x"),
    ("TZ", ":/tmp/x"),
    ("TZDIR", "/tmp"),
    ("HOSTALIASES", "/tmp/x"),
    ("LOCALDOMAIN", "x"),
    ("RES_OPTIONS", "attempts:9"),
    ("RESOLV_HOST_CONF", "/tmp/x"),
    ("MALLOC_CHECK_", "3"),
    ("MALLOC_TRACE", "/tmp/x"),
    ("TMPDIR", "/tmp/x"),
    ("RUST_BACKTRACE", "full"),
    ("RUST_LOG", "trace"),
    ("RUST_MIN_STACK", "garbage"),
    ("HOME", "/root"),
    ("LIBMOUNT_FORCE_MOUNT2", "always"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_poisoned_environment_makes_it_ask_the_kernel_nothing_else() {
    let user = User::new();
    // The first entry of all makes the holder.
    user.ensure();
    // Up to the launch; how often it is waited for the program after that is a matter of chance.
    let until = |process: &Process, last: &str| -> BTreeSet<String> {
        let own = process.calls.iter().take_while(|c| c.name != last);
        let own = own.filter(|c| !["execve", "brk", "mmap"].contains(&c.name.as_str()));
        // Where a young holder refuses a pin there are calls more.
        let more = ["sched_", "unlinkat ", "getrandom "];
        own.map(|c| format!("{} {:?}", c.name, c.texts())).filter(|c| !more.iter().any(|m| c.starts_with(m))).collect()
    };
    let asked = |cold, variables: &[(&str, &str)]| {
        let trace = Trace::entry(&user, cold, variables);
        [until(trace.supervisor(), "rt_sigtimedwait"), until(trace.init(), "clone")]
    };
    // The line of the log, with its number.
    let by_chance = |c: &String| c.starts_with("write [\"<86>trampoline[");
    for cold in [true, false] {
        let differing = || -> BTreeSet<String> {
            let (clean, poisoned) = (asked(cold, &[]), asked(cold, &POISON));
            let differing = clean.iter().zip(&poisoned).flat_map(|(clean, poisoned)| clean.symmetric_difference(poisoned));
            differing.filter(|c| !by_chance(c)).cloned().collect()
        };
        // What the environment brings about it brings about each time; what else works on the machine does so once.
        let mut difference = differing();
        for _ in 0..3 {
            if !difference.is_empty() {
                println!("differing: {difference:#?}");
                difference = &difference & &differing();
            }
        }
        assert!(difference.is_empty(), "{difference:#?}");
    }
}
