//! What the papers say is what the sources say: options, keys, exit codes, links. Reads files and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "papers/ledger.rs"]
mod ledger;

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

type Words = BTreeSet<String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file with this ending below a directory. None at all means that the test looks at the wrong place.
fn files(place: &str, ending: &str) -> Vec<PathBuf> {
    let found = walk(place, ending);
    assert!(!found.is_empty(), "no {ending} below {place}");
    found
}

fn walk(place: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join(place)).unwrap_or_else(|e| panic!("{place}: {e}")) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(path.strip_prefix(root()).unwrap().to_str().unwrap(), ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// All Rust text below a directory.
fn sources(place: &str) -> String {
    files(place, ".rs").iter().map(|path| read_to_string(path).unwrap()).collect()
}

fn same(left: (&str, &Words), right: (&str, &Words)) {
    let only = |a: &Words, b: &Words| a.difference(b).cloned().collect::<Vec<_>>().join(" ");
    let (first, second) = (only(left.1, right.1), only(right.1, left.1));
    assert!(first.is_empty() && second.is_empty(), "only in {}: [{first}]; only in {}: [{second}]", left.0, right.0);
    assert!(!left.1.is_empty(), "{} has none at all: the test looks at the wrong place", left.0);
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(text.len());
    let word = &text[..end];
    word.starts_with(|c: char| c.is_ascii_lowercase()).then(|| word.trim_end_matches('-').to_owned())
}

/// Every `--word` of a text, the word alone.
fn long_options(text: &str) -> Words {
    text.split("--").skip(1).filter_map(word).collect()
}

/// Every `Fl -word` of a manual page, the word alone.
fn manual_options(page: &str) -> Words {
    text(page).split("Fl -").skip(1).filter_map(word).collect()
}

/// What trampoline's own help lists.
fn help() -> String {
    let all = sources("trampoline/src");
    let help = all.split_once("const HELP: &str = \"").unwrap_or_else(|| panic!("trampoline has no HELP")).1;
    help.split_once("\";").unwrap().0.to_owned()
}

/// The long options that clap makes of the fields of a program, and the two it adds.
fn clap_options(place: &str) -> Words {
    let mut found: Words = ["help", "version"].map(str::to_owned).into();
    for attribute in sources(place).split("#[arg(").skip(1) {
        let (inside, rest) = attribute.split_once(")]").unwrap();
        // The first word of an attribute's part; what stands in a nested bracket or a string is none of them.
        let Some(long) = inside.split(", ").find(|part| part.split(" = ").next() == Some("long")) else { continue };
        let named = long.split_once('"').map(|(_, name)| name.trim_end_matches('"').to_owned());
        let field = || {
            let line = rest.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['/', '#'])).unwrap();
            line.trim_start_matches("pub ").split_once(':').unwrap().0.replace('_', "-")
        };
        found.insert(named.unwrap_or_else(field));
    }
    found
}

#[test]
fn trampolines_options_are_those_of_its_manual() {
    same(("its help", &long_options(&help())), ("docs/trampoline.8", &manual_options("docs/trampoline.8")));
}

#[test]
fn trampolines_options_are_those_of_the_readme() {
    let readme = text("README.md");
    let table = readme.split_once("## trampoline's options").unwrap().1.split("\n## ").next().unwrap();
    same(("its help", &long_options(&help())), ("the table of README.md", &long_options(table)));
}

/// Every single letter that a mark stands before and no letter behind.
fn short_options(text: &str, mark: &str) -> BTreeSet<char> {
    let letter = |rest: &str| {
        let mut next = rest.chars();
        next.next().filter(|c| c.is_ascii_alphabetic() && !next.next().is_some_and(|c| c.is_ascii_alphanumeric()))
    };
    text.split(mark).skip(1).filter_map(letter).collect()
}

#[test]
fn trampolines_short_options_are_the_same_everywhere() {
    let readme = text("README.md");
    let table = readme.split_once("## trampoline's options").unwrap().1.split("\n## ").next().unwrap();
    let manual = text("docs/trampoline.8");
    let list: String = manual.lines().filter(|line| line.starts_with(".It Fl ")).collect::<Vec<_>>().join("\n");
    let own = short_options(&help(), "\n  -");
    assert!(own.contains(&'C'), "the help lists no -C: the test looks at the wrong place");
    assert_eq!(own, short_options(table, "`-"), "its help, and the table of README.md");
    assert_eq!(own, short_options(&list, ".It Fl "), "its help, and docs/trampoline.8");
}

#[test]
fn the_targets_of_make_that_papers_name_are_there() {
    let makefile = text("Makefile");
    for paper in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/examples/README.md"] {
        let said = text(paper);
        // Where a command is shown: in backticks, or at the start of a line that is code.
        for mark in ["`make ", "\n    make ", "sudo make "] {
            for target in said.split(mark).skip(1).filter_map(word) {
                assert!(makefile.contains(&format!("\n{target}:")), "{paper} names make {target}");
            }
        }
    }
}

#[test]
fn the_readme_names_no_option_that_nobody_has() {
    let shown = text("README.md");
    // What belongs to other people's programs.
    let shown: String =
        shown.lines().filter(|line| !line.contains("systemctl") && !line.contains("|--")).collect::<Vec<_>>().join("\n");
    let mut known = long_options(&help());
    known.extend(clap_options("jailbase/src"));
    known.extend(clap_options("reaper/src"));
    let strange: Vec<String> = long_options(&shown).difference(&known).cloned().collect();
    assert!(strange.is_empty(), "README.md names {strange:?}");
}

#[test]
fn the_manuals_of_reaper_and_jailbase_have_their_options_and_no_others() {
    for program in ["reaper", "jailbase"] {
        let page = format!("docs/{program}.8");
        let mut shown = manual_options(&page);
        if program == "jailbase" {
            // It sends the reader to trampoline --policy.
            assert!(shown.remove("policy"));
        }
        same((program, &clap_options(&format!("{program}/src"))), (&page, &shown));
    }
}

#[test]
fn the_manual_of_the_reaper_names_each_file_that_is_installed_to_run_it() {
    let (page, make) = (text("docs/reaper.8"), text("Makefile"));
    let files = page.split_once("\n.Sh FILES\n").unwrap().1.split("\n.Sh ").next().unwrap();
    let named: Vec<&str> = files.lines().filter_map(|line| line.strip_prefix(".It Pa /usr/local/")).collect();
    let of_systemd = files_of("etc/systemd").into_iter().map(|unit| format!("lib/systemd/system/{unit}"));
    let expected: Vec<String> = of_systemd.chain(["share/doc/trampoline/cron.example".to_owned()]).collect();
    assert_eq!(named, expected);
    for path in expected {
        let place = path.rsplit_once('/').unwrap().0;
        assert!(make.contains(&format!("$(DESTDIR)$(PREFIX)/{place}/")), "make install puts nothing into {place}");
    }
}

/// The names of the files in a directory, in order.
fn files_of(place: &str) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(root().join(place)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_completions_that_are_written_by_hand_have_every_option_and_no_others() {
    let known = [("trampoline", long_options(&help())), ("reaper", clap_options("reaper/src"))];
    for (program, own) in known {
        for file in [format!("{program}.bash"), format!("_{program}"), format!("{program}.fish")] {
            let said = text(&format!("etc/completions/{file}"));
            // fish says -l for --; what a description mentions is an option too.
            let offered = long_options(&said.replace(" -l ", " --"));
            same((program, &own), (&file, &offered));
        }
    }
}

#[test]
fn the_keys_of_a_spec_are_those_of_its_manual() {
    let taken = |source: &str| -> Words {
        let source = source.replace("record.take_or(", "record.take(");
        source.split("record.take(\"").skip(1).filter_map(word).collect()
    };
    let page = text("docs/trampoline-spec.5");
    let described: Words = page.lines().filter_map(|line| line.strip_prefix(".It Cm ")).map(str::to_owned).collect();
    same(("src/spec.rs", &taken(&text("src/spec.rs"))), ("docs/trampoline-spec.5", &described));
}

#[test]
fn the_spec_shown_in_the_manual_has_every_key() {
    let page = text("docs/trampoline-spec.5");
    let example = page.split_once(".Bd -literal").unwrap().1.split_once(".Ed").unwrap().0.split_once('\n').unwrap().1;
    let spec = jail::spec::Spec::read(example.as_bytes());
    assert_eq!(spec.map(|spec| spec.name.as_str().to_owned()), Ok("alice".to_owned()));
}

#[test]
fn every_exit_code_is_in_the_readme_and_in_the_manual() {
    use jail::error::code::{FAILED, NOT_EXECUTABLE, NOT_FOUND, REFUSED, SIGNAL, USAGE};
    let (readme, manual) = (text("README.md"), text("docs/trampoline.8"));
    let rows: Vec<&str> = readme.split_once("## Exit codes").unwrap().1.split("\n## ").next().unwrap().lines().collect();
    for code in [USAGE, REFUSED, FAILED, NOT_EXECUTABLE, NOT_FOUND] {
        assert!(rows.iter().any(|row| row.starts_with(&format!("| {code} "))), "{code} has no row in README.md");
        assert!(manual.contains(&format!("\n.It {code}\n")), "{code} is not in docs/trampoline.8");
    }
    assert!(
        rows.iter().any(|row| row.starts_with(&format!("| {SIGNAL}+N"))) && manual.contains(&format!("\n.It {SIGNAL} + N\n"))
    );
}

#[test]
fn every_link_of_a_paper_leads_to_a_file() {
    let mut papers: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].iter().map(|name| root().join(name)).collect();
    papers.extend(files("docs", ".md"));
    let mut dead = Vec::new();
    for paper in papers {
        let said = read_to_string(&paper).unwrap_or_else(|e| panic!("{}: {e}", paper.display()));
        for link in said.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap();
            let elsewhere = file.is_empty() || link.contains("://");
            if !elsewhere && !paper.parent().unwrap().join(file).exists() {
                dead.push(format!("{} links to {link}", paper.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(dead.is_empty(), "\n{}", dead.join("\n"));
}

#[test]
fn the_change_log_knows_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let log = text("CHANGELOG.md");
    assert!(log.contains(&format!("## [{version}]")) || log.contains("## [Unreleased]"), "CHANGELOG.md does not know {version}");
}

#[test]
fn the_readme_keeps_a_place_for_the_figures() {
    let readme = text("README.md");
    let (_, rest) = readme.split_once("<!-- figures -->").unwrap();
    assert!(rest.contains("<!-- /figures -->"));
}
