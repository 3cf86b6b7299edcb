//! The crates of others, by deny.toml: where they come from, their licences, none twice, none that is banned. What
//! `cargo deny` says too (`make deny`), without a tool that takes minutes to build.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn root() -> &'static str {
    env!("CARGO_MANIFEST_DIR")
}

/// Every package of the lock file that a target of deny.toml builds.
fn packages() -> Vec<Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for target in rules()["graph"]["targets"].as_array().unwrap() {
        let words = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target.as_str().unwrap()];
        let answer = Command::new(env!("CARGO")).args(words).current_dir(root()).output().unwrap();
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let all: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let used: Vec<&str> =
            all["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
        for package in all["packages"].as_array().unwrap() {
            let id = package["id"].as_str().unwrap();
            if used.contains(&id) {
                found.insert(id.to_owned(), package.clone());
            }
        }
    }
    assert!(found.len() > 20, "cargo knows of no crates: this looks at the wrong place");
    found.into_values().collect()
}

fn rules() -> toml::Table {
    std::fs::read_to_string(format!("{}/deny.toml", root())).unwrap().parse().unwrap()
}

fn words(value: &toml::Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn name(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

/// Fails with every violation, not with the first.
fn none(violations: impl Iterator<Item = String>) {
    let all: Vec<String> = violations.collect();
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn every_crate_is_ours_or_from_crates_io() {
    let strange = |package: &Value| package["source"].as_str().is_some_and(|source| source != CRATES_IO);
    none(packages().iter().filter(|p| strange(p)).map(|p| format!("{} comes from {}", name(p), p["source"])));
}

#[test]
fn every_licence_is_one_of_the_list() {
    let allowed = words(&rules()["licenses"]["allow"]);
    let good = |package: &Value| package["license"].as_str().is_some_and(|licence| satisfied(licence, &allowed));
    none(packages().iter().filter(|p| !good(p)).map(|p| format!("{} has the licence {}", name(p), p["license"])));
}

/// Whether an expression of licences can be met with those allowed: AND binds closer than OR; older crates write a slash.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
    let met = any(&mut tokens, allowed);
    assert_eq!(tokens.next(), None, "not understood: {expression}");
    met
}

type Tokens<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn any(tokens: &mut Tokens, allowed: &[String]) -> bool {
    let mut met = all(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        met |= all(tokens, allowed);
    }
    met
}

fn all(tokens: &mut Tokens, allowed: &[String]) -> bool {
    let mut met = one(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        met &= one(tokens, allowed);
    }
    met
}

fn one(tokens: &mut Tokens, allowed: &[String]) -> bool {
    match tokens.next().unwrap() {
        "(" => {
            let met = any(tokens, allowed);
            assert_eq!(tokens.next(), Some(")"));
            met
        }
        licence => {
            let exception = tokens.next_if_eq(&"WITH").and_then(|_| tokens.next());
            exception.is_none() && allowed.iter().any(|one| one == licence)
        }
    }
}

#[test]
fn an_expression_of_licences_is_read_as_it_is_meant() {
    let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
    for (expression, met) in [
        ("MIT OR Apache-2.0", true),
        ("Apache-2.0/MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND NCSA", false),
        ("GPL-3.0 OR Apache-2.0 AND MIT", false),
        ("MIT WITH some-exception", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), met, "{expression}");
    }
}

#[test]
fn no_crate_is_there_in_two_versions_and_none_is_banned() {
    let packages = packages();
    let banned: Vec<String> =
        rules()["bans"]["deny"].as_array().unwrap().iter().map(|b| b["crate"].as_str().unwrap().to_owned()).collect();
    // Those that deny.toml lets be there beside another: a name, and how its version begins.
    let skipped: Vec<String> = rules()["bans"]["skip"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["crate"].as_str().unwrap().replace('@', " ") + ".")
        .collect();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages.iter().filter(|p| !skipped.iter().any(|one| name(p).starts_with(one))) {
        versions.entry(package["name"].as_str().unwrap()).or_default().push(package["version"].as_str().unwrap());
    }
    none(versions.iter().filter(|(_, all)| all.len() > 1).map(|(name, all)| format!("{name} in versions {}", all.join(" and "))));
    none(versions.keys().filter(|name| banned.iter().any(|one| one == *name)).map(|name| format!("{name} is banned")));
}
