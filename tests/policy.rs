//! The policy compiler refuses whatever is odd, because nobody reads the policy again at run time.
#![allow(clippy::unwrap_used)]

#[path = "../build/policy.rs"]
mod policy;

use std::collections::BTreeSet;

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

/// Every key of a policy that holds a value.
fn keys(value: &toml::Value, found: &mut BTreeSet<String>) {
    let toml::Value::Table(table) = value else { return };
    for (key, value) in table {
        match value {
            toml::Value::Table(_) => keys(value, found),
            toml::Value::Array(all) if all.iter().all(toml::Value::is_table) => all.iter().for_each(|one| keys(one, found)),
            _ => drop(found.insert(key.clone())),
        }
    }
}

#[test]
fn the_manual_describes_every_key_and_shows_a_policy_that_is_good() {
    let page = include_str!("../docs/trampoline-policy.5");
    let described: BTreeSet<String> = page.lines().filter_map(|line| line.strip_prefix(".It Cm ")).map(str::to_owned).collect();
    let mut known = BTreeSet::new();
    keys(&toml::from_str(GOOD).unwrap(), &mut known);
    assert!(known.len() > 10, "{known:?}: the test looks at the wrong place");
    assert_eq!(described, known, "docs/trampoline-policy.5, and policy.toml");
    let shown = page.split_once(".Bd -literal").unwrap().1.split_once(".Ed").unwrap().0.split_once('\n').unwrap().1;
    assert_eq!(policy::read(shown).unwrap().constants(), policy::read(GOOD).unwrap().constants());
    // Every lowest value that the compiler knows is said.
    for (key, least) in [("memory", "16 MiB"), ("processes", "4"), ("file-size", "4096"), ("open-files", "16"), ("shm", "65536")]
    {
        let entry = page.split_once(&format!("\n.It Cm {key}\n")).unwrap().1.split("\n.It").next().unwrap();
        assert!(entry.contains(&format!("{least} at least")), "{key}: {entry}");
    }
}
