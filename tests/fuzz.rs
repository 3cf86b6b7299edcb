//! Every reader of foreign bytes against its oracle: the corpus that libFuzzer found, and some thousands of inputs that a
//! fixed seed makes of it. `make fuzz` searches on, led by coverage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "fuzz/checks/mod.rs"]
mod checks;
#[path = "fuzz/mutate.rs"]
mod mutate;

use mutate::{Random, mutated};
use std::path::{Path, PathBuf};

/// How many inputs are made for each target.
const MADE: usize = 10_000;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(name)
}

/// The inputs of a target, in one order on every machine: what libFuzzer found, and as many times what was written by hand,
/// or the strict readers would hardly ever see a thing that is nearly right.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = place("corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (found, written): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.file_name().unwrap().len() == 40);
    assert!(found.len() > 10 && !written.is_empty(), "{}: a corpus was lost", dir.display());
    let as_many = written.iter().cycle().take(found.len().max(written.len()));
    as_many.chain(&found).map(|path| std::fs::read(path).unwrap()).collect()
}

/// The words of a dictionary, as libFuzzer writes them: one a line, in quotes, odd bytes as `\xNN`.
fn dictionary(target: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(place("dictionaries").join(format!("{target}.dict"))).unwrap();
    let word = |line: &str| {
        let mut rest = line.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let mut bytes = Vec::new();
        while let Some(first) = rest.chars().next() {
            let code = rest.strip_prefix("\\x").and_then(|r| r.get(..2));
            bytes.push(code.map_or_else(|| u8::try_from(first).unwrap(), |hex| u8::from_str_radix(hex, 16).unwrap()));
            rest = &rest[if code.is_some() { 4 } else { 1 }..];
        }
        bytes
    };
    text.lines().map(word).collect()
}

/// Tries the corpus and what is made of it. What fails is said as Rust would write it, to become a test or an input.
fn try_all(target: &str, check: fn(&[u8])) {
    let (inputs, tokens) = (corpus(target), dictionary(target));
    let tried = |bytes: &[u8]| {
        if std::panic::catch_unwind(|| check(bytes)).is_err() {
            panic!("{target}: b\"{}\"", bytes.escape_ascii());
        }
    };
    inputs.iter().for_each(|bytes| tried(bytes));
    let mut random = Random(u64::try_from(target.len()).unwrap());
    for _ in 0..MADE {
        tried(&mutated(&mut random, &inputs, &tokens));
    }
}

#[test]
fn a_command_line_means_what_a_plain_reader_says() {
    try_all("argv", checks::argv::check);
}

#[test]
fn a_spec_that_is_accepted_is_written_back_as_it_was() {
    try_all("spec", checks::spec::check);
}

#[test]
fn an_environment_is_what_the_table_says() {
    try_all("environment", checks::environment::check);
}

#[test]
fn a_manifest_that_is_accepted_is_written_back_as_it_was() {
    try_all("image", checks::image::check);
}

#[test]
fn a_name_has_one_spelling() {
    try_all("names", checks::names::check);
}

#[test]
fn a_policy_that_is_accepted_keeps_every_rule() {
    try_all("policy", checks::policy::check);
}

#[test]
fn foreign_text_becomes_one_short_harmless_line() {
    try_all("message", checks::message::check);
}

#[test]
fn the_corpus_holds_what_is_accepted_and_what_is_not() {
    let share = |target: &str, accepted: fn(&[u8]) -> bool| {
        let (all, tokens) = (corpus(target), dictionary(target));
        let mut random = Random(7);
        let made: Vec<Vec<u8>> = (0..2000).map(|_| mutated(&mut random, &all, &tokens)).collect();
        let good = made.iter().filter(|bytes| accepted(bytes)).count();
        assert!((40..1960).contains(&good), "{target}: {good} of 2000 inputs are accepted, so one side is hardly tried");
    };
    share("argv", checks::argv::is_accepted);
    share("spec", |bytes| jail::spec::Spec::read(bytes).is_ok());
    share("image", |bytes| jail::image::Image::read(bytes).is_ok());
    share("policy", checks::policy::is_accepted);
}

#[test]
fn every_target_of_libfuzzer_is_tried_here_too() {
    let own = std::fs::read_to_string(place("../fuzz.rs")).unwrap();
    let manifest = std::fs::read_to_string(place("Cargo.toml")).unwrap();
    for entry in std::fs::read_dir(place("targets")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(own.contains(&format!("try_all(\"{name}\"")) && manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}");
    }
}
