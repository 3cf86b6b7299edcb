//! The threat ledger against the sources: every row is there once and names tests that exist, and every attack has a row.

use super::{files, root, text};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;

/// How many rows the catalogue has in each class that the ledger must answer. The catalogue is not in this repository.
#[rustfmt::skip]
const ROWS: [(char, usize); 21] = [
    ('A', 29), ('B', 19), ('C', 20), ('D', 12), ('E', 13), ('F', 19), ('G', 11), ('H', 20), ('I', 16), ('J', 21), ('K', 14),
    ('L', 7), ('M', 13), ('N', 8), ('O', 6), ('P', 11), ('Q', 11), ('R', 18), ('S', 17), ('T', 11), ('U', 17),
];

/// The class of what attackers of ours tried; it grows.
const OURS: char = 'Z';

/// One row.
struct Row {
    class: char,
    number: usize,
    columns: Vec<String>,
}

fn rows() -> Vec<Row> {
    let ledger = text("docs/threat-ledger.md");
    let rows = ledger.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id "));
    rows.map(|line| {
        let columns: Vec<String> = line.trim_matches('|').split(" | ").map(|column| column.trim().to_owned()).collect();
        let class = columns[0].chars().next().unwrap_or(' ');
        let number = columns[0][1..].parse().unwrap_or_else(|_| panic!("{:?} is no id", columns[0]));
        Row { class, number, columns }
    })
    .collect()
}

/// The tests that a row names, and what else its last column says.
fn answer(row: &Row) -> (Vec<String>, Vec<String>) {
    let last = row.columns.last().unwrap();
    let tests = last.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let words: String = last.split('`').step_by(2).collect();
    (tests, words.split(';').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect())
}

/// The file of `ring::module::test` or `unit::path::test`, and the test.
fn place(test: &str) -> Option<(String, &str)> {
    let (module, name) = test.rsplit_once("::")?;
    let path = match module.split_once("::") {
        Some(("unit", path)) => path.to_owned(),
        Some((ring, module)) => {
            let stem = format!("tests/{ring}/{}", module.replace("::", "/"));
            let folder = format!("{stem}/mod.rs");
            if root().join(&folder).is_file() { folder } else { format!("{stem}.rs") }
        }
        None => format!("tests/{module}.rs"),
    };
    Some((path, name))
}

/// The tests of a file: the functions behind a test's attribute, whatever other attributes stand between.
fn tests_of(path: &str) -> BTreeSet<String> {
    let Ok(text) = read_to_string(root().join(path)) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        marked |= line == "#[test]";
        if let (true, Some(rest)) = (marked, line.strip_prefix("fn ")) {
            found.insert(rest.split(['(', '<']).next().unwrap().to_owned());
            marked = false;
        }
    }
    found
}

#[test]
fn no_row_of_the_threat_ledger_is_missing_doubled_or_empty() {
    let mut found: BTreeMap<char, Vec<usize>> = BTreeMap::new();
    for row in rows() {
        let id = format!("{}{}", row.class, row.number);
        assert_eq!(row.columns.len(), 4, "{id} has {} columns", row.columns.len());
        assert!(row.columns.iter().all(|column| !column.is_empty()), "{id} has an empty column");
        let (tests, words) = answer(&row);
        assert!(!tests.is_empty() || !words.is_empty(), "{id} names nothing");
        for word in words {
            let reason = |mark: &str| word.strip_prefix(mark).is_some_and(|rest| rest.trim().len() > 4);
            let known = reason("does not apply: ") || reason("preflight: doctor::");
            assert!(known, "{id} says {word:?}");
        }
        found.entry(row.class).or_default().push(row.number);
    }
    let ours = found.get(&OURS).map_or(0, Vec::len);
    for (class, count) in ROWS.into_iter().chain([(OURS, ours)]) {
        let numbers = found.remove(&class).unwrap_or_default();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "the rows of class {class}");
    }
    assert!(found.is_empty(), "classes that are in no list: {:?}", found.keys());
}

#[test]
fn every_test_that_the_threat_ledger_names_is_there() {
    let mut missing = Vec::new();
    for row in rows() {
        for test in answer(&row).0 {
            let there = place(&test).is_some_and(|(path, name)| tests_of(&path).contains(name));
            if !there {
                missing.push(format!("{}{} names {test}", row.class, row.number));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_check_that_the_threat_ledger_names_is_made() {
    if !root().join("jailbase/src/doctor").is_dir() {
        // Until there is a doctor, the names are what it is asked to do.
        return;
    }
    let checks: String = files("jailbase/src/doctor", ".rs").iter().map(|path| read_to_string(path).unwrap()).collect();
    for row in rows() {
        for word in answer(&row).1 {
            if let Some(check) = word.strip_prefix("preflight: doctor::") {
                assert!(checks.contains(&format!("\"{check}\"")), "{}{}: no check is called {check}", row.class, row.number);
            }
        }
    }
}

#[test]
fn every_attack_has_a_row_in_the_threat_ledger() {
    let named: BTreeSet<String> = rows().iter().flat_map(|row| answer(row).0).collect();
    let mut without = Vec::new();
    for path in files("tests/attack", ".rs") {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let module = file.trim_start_matches("tests/attack/").trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        without.extend(
            tests_of(&file).into_iter().map(|test| format!("attack::{module}::{test}")).filter(|test| !named.contains(test)),
        );
    }
    assert!(without.is_empty(), "\n{}", without.join("\n"));
}

#[test]
fn the_threat_ledger_says_how_many_rows_and_tests_it_has() {
    let rows = rows();
    let tests: BTreeSet<String> = rows.iter().flat_map(|row| answer(row).0).collect();
    let wanted = format!("{} rows and {} tests", rows.len(), tests.len());
    let ledger = text("docs/threat-ledger.md").replace('\n', " ");
    assert!(ledger.contains(&wanted), "docs/threat-ledger.md does not say that there are {wanted}");
}
