//! The policy compiler refuses whatever is odd, because nobody reads the policy again at run time.
#![allow(clippy::unwrap_used)]

#[path = "../build/policy.rs"]
mod policy;

const GOOD: &str = include_str!("../policy.toml");

#[test]
fn the_policies_of_this_repository_are_good() {
    assert!(policy::read(GOOD).is_ok());
    assert!(policy::read(include_str!("policy.toml")).is_ok());
}

#[test]
fn the_constants_say_what_the_policy_says() {
    let text = policy::read(GOOD).unwrap().constants();
    for part in [
        "Rule { callers: &[0, 33], first: 1000, last: 59999 }",
        "OWN: (u32, u32) = (1000, 59999)",
        "STATE: &str = \"/var/lib/trampoline\"",
        "processes: 4096",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn whatever_is_odd_stops_the_build() {
    for (from, to) in [
        ("targets = \"1000-59999\"", "targets = \"999-59999\""),
        ("targets = \"1000-59999\"", "targets = \"2000-1000\""),
        ("targets = \"1000-59999\"", "targets = \"1000\""),
        ("targets = \"1000-59999\"", "targets = \"1000-4294967295\""),
        ("targets = \"1000-59999\"", "targets = \"+1000-59999\""),
        ("callers = [0, 33]", "callers = []"),
        ("callers = [0, 33]", "callers = [-1]"),
        ("callers = [0, 33]", "callers = [4294967295]"),
        ("callers = [0, 33]", "calers = [0, 33]"),
        ("state = \"/var/lib/trampoline\"", "state = \"var/lib/trampoline\""),
        ("state = \"/var/lib/trampoline\"", "state = \"/var/lib/../trampoline\""),
        ("state = \"/var/lib/trampoline\"", "state = \"/tmp/trampoline\""),
        ("state = \"/var/lib/trampoline\"", "state = \"/run/trampoline\""),
        ("state = \"/var/lib/trampoline\"", "state = \"/run/trampoline/state\""),
        ("run = \"/run/trampoline\"", "run = \"/run\""),
        ("runs = true", "runs = \"yes\""),
        ("cpu = 86400", "cpu = 0"),
        ("memory = 68719476736", "memory = 18446744073709551615"),
        ("open-files = 65536", "open-files = 3"),
        ("shm = 67108864", ""),
        ("[limits]", "[limits]\nstack = 1"),
        ("[log]", "[log]\n[extra]"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        assert!(policy::read(&GOOD.replacen(from, to, 1)).is_err(), "{from} -> {to}");
    }
}
