//! The manuals, as the two programs read them that people read them with. What is in them the pure tests check.

use crate::{root, shell};
use std::path::PathBuf;

fn pages() -> Vec<PathBuf> {
    let all = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e == "5" || e == "8")).collect();
    pages.sort();
    assert!(pages.len() >= 5, "{pages:?}");
    pages
}

#[test]
#[ignore = "needs man and mandoc: make check"]
fn no_manual_has_a_fault() {
    for page in pages() {
        let page = page.display();
        // Its own style is mandoc's matter; that a page of ours is not installed here too.
        assert_eq!(shell(&format!("mandoc -T lint -W warning {page} 2>&1")), "", "{page}");
        assert_eq!(
            shell(&format!("LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man -l --warnings=all {page} 2>&1 >/dev/null")),
            "",
            "{page}"
        );
    }
}

#[test]
#[ignore = "needs man and mandoc: make check"]
fn every_manual_reads_the_same_in_both() {
    // Line breaks and blanks are theirs; the words are ours.
    let words = |line: &str| shell(line).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for page in pages() {
        let (page, name) = (page.display(), page.file_stem().unwrap().to_str().unwrap().to_owned());
        let one = words(&format!("mandoc -T utf8 -O width=200 {page} | col -bx"));
        let other = words(&format!("LC_ALL=C.UTF-8 MANWIDTH=200 man -l {page} | col -bx"));
        for section in ["NAME", "DESCRIPTION", "SEE"] {
            assert!(one.iter().any(|word| word == section) && other.iter().any(|word| word == section), "{name}: {section}");
        }
        assert!(one.len().abs_diff(other.len()) * 50 < one.len(), "{name}: {} words, and {}", one.len(), other.len());
    }
}
