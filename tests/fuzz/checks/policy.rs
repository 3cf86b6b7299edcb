//! policy.toml: what the compiler of policies lets through keeps the rules of the house, and becomes constants that say no
//! more than it did.

#[allow(dead_code)]
#[path = "../../../build/policy.rs"]
mod compiler;

use super::spelled;

/// One file.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(policy) = compiler::read(text) else { return };
    let toml: toml::Table = text.parse().expect("what was accepted is TOML");
    let known = ["enter", "own", "paths", "log", "limits"];
    assert!(toml.keys().all(|key| known.contains(&key.as_str())), "{text}");

    let rules = toml.get("enter").and_then(|rules| rules.as_array()).map_or(&[][..], Vec::as_slice);
    for rule in rules {
        targets(&rule["targets"]);
        let callers = rule["callers"].as_array().unwrap();
        assert!(!callers.is_empty());
        assert!(callers.iter().all(|uid| (0..i64::from(u32::MAX)).contains(&uid.as_integer().unwrap())));
    }
    if let Some(own) = toml.get("own") {
        targets(&own["targets"]);
    }
    assert!(!rules.is_empty() || toml.contains_key("own"));

    let path = |name: &str| toml["paths"][name].as_str().unwrap();
    let (state, run) = (path("state"), path("run"));
    for path in [state, run, path("log")] {
        let parts: Vec<&str> = path.strip_prefix('/').unwrap().split('/').collect();
        assert!(parts.iter().all(|part| !matches!(*part, "" | "." | "..")), "{path}");
        assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)), "{path}");
    }
    assert!(!format!("{state}/").starts_with(&format!("{run}/")) && !format!("{run}/").starts_with(&format!("{state}/")));
    for limit in ["cpu", "memory", "processes", "file-size", "open-files", "shm"] {
        assert!(toml["limits"][limit].as_integer().unwrap() > 0);
    }

    let constants = policy.constants();
    assert_eq!(constants.matches("pub const ").count(), 8, "{constants}");
    assert_eq!(constants.matches("Rule {").count(), rules.len(), "{constants}");
    assert!(constants.contains(&format!("STATE: &str = {state:?};")) && constants.contains(&format!("RUN: &str = {run:?};")));
}

/// `FIRST-LAST`, and no system account in it.
fn targets(value: &toml::Value) {
    let (first, last) = value.as_str().unwrap().split_once('-').unwrap();
    let number = |text: &str| spelled(text.as_bytes(), u64::from(u32::MAX) - 1).unwrap();
    assert!(1000 <= number(first) && number(first) <= number(last));
}

/// Whether this is a policy that can be compiled in.
#[allow(dead_code)]
pub fn is_accepted(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| compiler::read(text).is_ok())
}
