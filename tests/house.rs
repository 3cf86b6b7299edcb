//! The rules of the house, read off its sources. Nothing here needs a privilege, a network or another program than cargo.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "house/paths.rs"]
mod paths;
#[path = "house/source.rs"]
mod source;

use paths::{module, paths, resolved, statements, tokens};
use source::{Source, all, root};

const PROGRAMS: [&str; 3] = ["trampoline", "reaper", "jailbase"];

/// The crates by which the kernel is reached.
const KERNEL: [&str; 5] = ["nix", "libc", "caps", "syscalls", "seccompiler"];

/// What of the setuid binary runs without privilege: after the drop, each takes a `User` or is asked by who has one.
const UNPRIVILEGED: [&str; 11] = [
    "trampoline/src/answer.rs",
    "trampoline/src/inside.rs",
    "trampoline/src/outside.rs",
    "src/environ.rs",
    "src/explain.rs",
    "src/sys/await_signal.rs",
    "src/sys/exec.rs",
    "src/sys/init.rs",
    "src/sys/landlock.rs",
    "src/sys/seccomp.rs",
    "src/sys/streams.rs",
];

/// What only the other programs use; none of it may be named by trampoline or by what trampoline stands on.
const OF_OTHERS: [(&str, &[&str]); 19] = [
    ("src/written.rs", &["written", "usual"]),
    (
        "src/sys/expire.rs",
        &["expire", "unmount", "Expiry", "Bar", "is_mount_namespace", "keep_no_limits", "names", "stat_at", "try_exclusive"],
    ),
    ("src/sys/whole.rs", &["whole"]),
    ("src/state/drain.rs", &["until_down"]),
    ("src/state/marks.rs", &["Marks"]),
    ("src/state/mounted.rs", &["Mounted", "Source", "Table"]),
    ("src/state/mounted/live.rs", &["live"]),
    ("src/state/pins.rs", &["Pins", "Pin", "take_down", "target_of"]),
    ("src/sys/images/mod.rs", &[]),
    ("src/sys/images/advice.rs", &["advice", "advised"]),
    ("src/sys/images/apart.rs", &["apart", "from_others_of_the_uid"]),
    ("src/sys/images/attributes.rs", &["attributes", "giving_rights", "remove_attribute", "share_extents"]),
    ("src/sys/images/extents.rs", &["extents", "Extent"]),
    ("src/sys/images/locked.rs", &["locked", "locking"]),
    ("src/sys/images/pidfd.rs", &["pidfd", "Held"]),
    ("src/sys/images/room.rs", &["room", "keep_little"]),
    ("src/sys/images/terminal.rs", &["terminal", "set_size"]),
    ("src/sys/images/tmpfs.rs", &["tmpfs", "is_tmpfs"]),
    ("src/sys/images/neighbours.rs", &["neighbours", "neighbour", "Towards"]),
];

/// The most own lines that can run with privilege, the most of the unprivileged rest, and the most crates of others.
const BUDGET: (usize, usize, usize) = (2000, 2000, 8);

const LONGEST_FILE: usize = 260;

/// Fails with every violation, not with the first.
fn none(violations: impl IntoIterator<Item = String>) {
    let all: Vec<String> = violations.into_iter().collect();
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

/// The files of the ground floor.
fn ground() -> Vec<Source> {
    let stands = |file: &Source| !file.under("src/sys") && !file.under("src/state") && file.path != "src/lib.rs";
    all(&["src"]).into_iter().filter(stands).collect()
}

/// Each path that a file's own code names, joined, when it breaks a rule.
fn naming(files: &[Source], breaks: impl Fn(&Source, &[String]) -> bool) -> Vec<String> {
    let named = |file| paths(Source::own(file)).into_iter().map(move |path| (file, path));
    let broken = files.iter().flat_map(named).filter(|(file, path)| breaks(file, path));
    broken.map(|(file, path)| format!("{} names {}", file.path, path.join("::"))).collect()
}

/// Each line whose words break a rule.
fn lines(files: &[Source], breaks: impl Fn(&[&str]) -> bool) -> Vec<String> {
    let numbered = |file| Source::own(file).lines().zip(1..).map(move |(line, number)| (file, line, number));
    let broken = files.iter().flat_map(numbered).filter(|(_, line, _)| breaks(&tokens(line)));
    broken.map(|(file, line, number)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

#[test]
fn no_file_names_a_floor_above_its_own() {
    let floor = |module: &[String]| match module.first().map(String::as_str) {
        Some("state") => 2,
        Some("sys") => 1,
        _ => 0,
    };
    let files: Vec<Source> = all(&["src"]).into_iter().filter(|f| f.path != "src/lib.rs").collect();
    none(naming(&files, |file, path| {
        let own = module(&file.path);
        let reaches_up = resolved(path, &own).is_some_and(|to| floor(&to) > floor(&own));
        reaches_up || PROGRAMS.contains(&path[0].as_str()) || path[0] == "jail"
    }));
}

#[test]
fn the_kernel_is_named_in_src_sys_alone_and_nix_in_jailbase_too() {
    let files = all(&["src", "trampoline/src", "reaper/src", "jailbase/src"]);
    none(naming(&files, |file, path| {
        let allowed = file.under("src/sys") || (file.under("jailbase") && path[0] == "nix");
        KERNEL.contains(&path[0].as_str()) && !allowed
    }));
}

#[test]
fn the_ground_floor_asks_nobody_but_its_arguments() {
    let asks = ["fs", "env", "net", "process", "io", "thread", "time"];
    none(naming(&ground(), |_, path| path[0] == "std" && path.get(1).is_some_and(|m| asks.contains(&m.as_str()))));
}

#[test]
fn no_program_names_another() {
    for own in PROGRAMS {
        let others = PROGRAMS.into_iter().filter(|p| *p != own);
        let files = all(&[&format!("{own}/src")]);
        none(naming(&files, |_, path| others.clone().any(|other| path[0] == other)));
        let manifest = std::fs::read_to_string(root().join(own).join("Cargo.toml")).unwrap();
        let depends = |other: &str| manifest.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(other));
        none(others.clone().filter(|other| depends(other)).map(|other| format!("{own} depends on {other}")));
    }
}

#[test]
fn unsafe_stands_in_src_sys_alone() {
    let elsewhere: Vec<Source> =
        all(&["src", "trampoline", "reaper", "jailbase"]).into_iter().filter(|f| !f.under("src/sys")).collect();
    none(lines(&elsewhere, |words| words.contains(&"unsafe")));
}

#[test]
fn every_unsafe_says_within_six_lines_why_it_is_safe() {
    let mut silent = Vec::new();
    for file in all(&["src/sys"]) {
        let said: Vec<&str> = file.text.lines().collect();
        for (at, line) in file.code.lines().enumerate().filter(|(_, line)| tokens(line).contains(&"unsafe")) {
            if !said[at.saturating_sub(6)..=at].iter().any(|line| line.contains("SAFETY:")) {
                silent.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
        }
    }
    none(silent);
}

#[test]
fn unsafe_is_forbidden_where_it_never_belongs() {
    let mut files = ground();
    files.push(Source::read("src/state/mod.rs"));
    files.extend(PROGRAMS.map(|program| Source::read(&format!("{program}/src/main.rs"))));
    let open = files.iter().filter(|file| !file.code.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]"));
    none(open.map(|file| format!("{} lacks #![forbid(unsafe_code)]", file.path)));
}

#[test]
fn nothing_is_printed_but_through_the_one_place_that_says_things() {
    let macros = ["print", "println", "eprint", "eprintln", "dbg"];
    none(lines(&all(&["src", "trampoline"]), |words| words.windows(2).any(|pair| macros.contains(&pair[0]) && pair[1] == "!")));
}

#[test]
fn what_can_run_with_privilege_stays_small() {
    let (unprivileged, privileged): (Vec<Source>, Vec<Source>) =
        linked().into_iter().partition(|file| UNPRIVILEGED.contains(&file.path.as_str()));
    assert_eq!(unprivileged.len(), UNPRIVILEGED.len(), "an unprivileged module moved: put its new path into the list");
    let sum = |files: &[Source]| files.iter().map(Source::own_lines).sum::<usize>();
    let (with, without) = (sum(&privileged), sum(&unprivileged));
    println!("own lines that can run with privilege: {with} of {}; unprivileged rest: {without} of {}", BUDGET.0, BUDGET.1);
    assert!(with <= BUDGET.0, "{with} lines can run with privilege");
    assert!(without <= BUDGET.1, "{without} unprivileged lines");
}

/// The sources of the setuid binary.
fn linked() -> Vec<Source> {
    all(&["src", "trampoline/src"]).into_iter().filter(|file| !of_others(file)).collect()
}

fn of_others(file: &Source) -> bool {
    OF_OTHERS.iter().any(|(path, _)| file.path == *path)
}

#[test]
fn what_only_other_programs_use_is_not_named_by_trampoline() {
    let names: Vec<&str> = OF_OTHERS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let phases: Vec<Source> = all(&["trampoline/src", "src/state"]).into_iter().filter(|file| !of_others(file)).collect();
    none(lines(&phases, |words| words.iter().any(|word| names.contains(word))));
}

#[test]
fn what_counts_as_unprivileged_never_sees_root() {
    none(lines(&UNPRIVILEGED.map(Source::read), |words| words.contains(&"Root")));
}

#[test]
fn tests_stand_at_the_end_of_a_file_so_that_what_is_counted_is_all_there_is() {
    let mut odd = Vec::new();
    for file in all(&["src", "trampoline", "reaper", "jailbase"]) {
        let after: Vec<&str> = file.code.split("#[cfg(test)]").skip(1).collect();
        let at_margin = |text: &str| {
            text.trim().lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).map(str::to_owned).collect::<Vec<_>>()
        };
        let good = after.is_empty() || (after.len() == 1 && at_margin(after[0]) == ["mod tests {", "}"]);
        if !good {
            odd.push(format!("{}: one #[cfg(test)] mod tests at the end, or none", file.path));
        }
    }
    none(odd);
}

#[test]
fn the_setuid_program_stands_on_the_crates_of_the_list_and_no_others() {
    let arguments = ["tree", "--locked", "--offline", "-p", "trampoline", "-e", "normal", "--prefix", "none", "--format", "{p}"];
    let answer = std::process::Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let text = String::from_utf8(answer.stdout).unwrap();
    let crates = text
        .lines()
        .filter_map(|line| line.split_once(" v"))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap_or_default()));
    let mut found: Vec<String> =
        crates.filter(|(name, _)| !["jail", "trampoline"].contains(name)).map(|(n, v)| format!("{n} {v}")).collect();
    found.sort();
    found.dedup();
    println!("crates of others in trampoline: {} of {}", found.len(), BUDGET.2);
    let list = std::fs::read_to_string(root().join("tests/house/trampoline-crates.txt")).unwrap();
    let listed: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(found, listed, "read what changed in these crates, then put it into tests/house/trampoline-crates.txt");
    assert!(found.len() <= BUDGET.2, "{} crates", found.len());
}

#[test]
fn a_file_has_one_subject_and_few_lines() {
    let files = all(&["src", "trampoline", "reaper", "jailbase", "build", "build.rs"]);
    let long = files.iter().map(|file| (&file.path, file.text.lines().count())).filter(|(_, count)| *count > LONGEST_FILE);
    none(long.map(|(path, count)| format!("{path} has {count} lines, {LONGEST_FILE} are allowed")));
}

#[test]
fn an_id_that_is_missing_is_never_replaced_by_another() {
    let ids = ["Target", "Group", "Caller", "Uid", "Gid", "uid", "gid", "target_of"];
    let mut replaced = Vec::new();
    for file in all(&["src", "trampoline", "reaper", "jailbase"]) {
        for words in statements(file.own()) {
            if words.iter().any(|word| word.starts_with("unwrap_or")) && words.iter().any(|word| ids.contains(word)) {
                replaced.push(format!("{}: {}", file.path, words.join(" ")));
            }
        }
    }
    none(replaced);
}

#[test]
fn no_id_has_a_usual_value() {
    none(lines(&[Source::read("src/id.rs")], |words| words.contains(&"Default")));
}

#[test]
fn the_wall_clock_decides_nothing() {
    let asks = ["SystemTime", "UNIX_EPOCH", "CLOCK_REALTIME", "clock_gettime", "gettimeofday"];
    let files = all(&["src", "trampoline", "reaper/src/sweep.rs"]);
    none(lines(&files, |words| words.iter().any(|word| asks.contains(word))));
}

#[test]
fn nobody_lets_others_look_into_a_process_of_ours() {
    let mut open = Vec::new();
    for file in all(&["src", "trampoline", "reaper", "jailbase"]) {
        let set = |words: &Vec<&str>| {
            words.contains(&"set_dumpable") && !words.contains(&"false") || words.contains(&"PR_SET_DUMPABLE")
        };
        open.extend(statements(file.own()).into_iter().filter(set).map(|words| format!("{}: {}", file.path, words.join(" "))));
    }
    none(open);
}

#[test]
fn a_release_checks_its_arithmetic_and_ends_at_the_first_panic() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let release = manifest.split_once("[profile.release]\n").unwrap().1.split("\n[").next().unwrap();
    for line in ["panic = \"abort\"", "overflow-checks = true"] {
        assert!(release.lines().any(|found| found == line), "{line} is not in {release}");
    }
}

#[test]
fn no_unit_hands_a_cgroup_to_anybody() {
    for entry in std::fs::read_dir(root().join("etc/systemd")).unwrap() {
        let path = entry.unwrap().path();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("Delegate="), "{}", path.display());
    }
}

#[test]
fn no_program_is_started_but_by_the_launch_and_by_jailbase() {
    let files = all(&["src", "trampoline", "reaper"]);
    none(naming(&files, |_, path| path.windows(2).any(|pair| pair[0] == "process" && pair[1] == "Command")));
}

#[test]
fn whatever_jailbase_starts_begins_with_an_empty_environment() {
    let mut inherits = Vec::new();
    let mut starts = 0;
    for file in all(&["jailbase/src"]) {
        let code: Vec<&str> = file.own().lines().collect();
        for (at, line) in code.iter().enumerate().filter(|(_, line)| line.contains("Command::new(")) {
            starts += 1;
            let soon = &code[at..code.len().min(at + 12)];
            // `plain` and `contained` clear it; what is executed in the place of this process has come through `contained`.
            let cleared = ["env_clear(", "plain(", "contained("].iter().any(|word| soon.iter().any(|line| line.contains(word)));
            if !cleared && !line.contains(".exec()") {
                inherits.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
        }
    }
    assert!(starts >= 6, "{starts}");
    none(inherits);
}

#[test]
fn nobody_who_decides_anything_asks_what_day_it_is() {
    let calendars = ["SystemTime", "UNIX_EPOCH", "CLOCK_REALTIME", "gettimeofday", "time_t"];
    none(lines(&all(&["src", "trampoline", "reaper"]), |words| words.iter().any(|word| calendars.contains(word))));
}

#[test]
fn the_environment_is_read_where_a_request_is_and_where_a_program_gets_its_own() {
    let files: Vec<Source> = all(&["src", "trampoline"])
        .into_iter()
        .filter(|file| !["main", "request", "inside"].map(|phase| format!("trampoline/src/{phase}.rs")).contains(&file.path))
        .collect();
    none(naming(&files, |_, path| path.windows(2).any(|pair| pair[0] == "std" && pair[1] == "env")));
}

#[test]
fn no_library_is_loaded_no_user_looked_up_and_no_locale_set() {
    let starts = [
        "dlopen",
        "dlsym",
        "setlocale",
        "getpw",
        "getgrnam",
        "getgrgid",
        "getgrent",
        "getgrouplist",
        "initgroups",
        "getaddrinfo",
    ];
    let words = ["from_name", "from_uid", "from_gid", "to_socket_addrs", "ToSocketAddrs"];
    let looks_up = |word: &&str| starts.iter().any(|s| word.starts_with(s)) || words.contains(word);
    none(lines(&all(&["src", "trampoline"]), |line| line.iter().any(looks_up)));
}

#[test]
fn the_eye_of_these_rules_sees_code_and_not_what_is_written_about_it() {
    let text = "let a = \"// no \\\" unsafe\"; // unsafe\nfor x in r#\"unsafe \" \"# {} /* a /* b */\n unsafe */ 'u' '\\'' b'\"' c\"unsafe\" &'a str unsafe";
    let code = source::code(text);
    assert_eq!(tokens(&code).iter().filter(|word| **word == "unsafe").count(), 1, "{code}");
    assert_eq!(code.lines().count(), text.lines().count());

    let named = |code: &str| paths(code).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        named("use crate::{sys::{fd, mount as m}, id::Target}; use libc;"),
        ["crate::sys::fd", "crate::sys::mount", "crate::id::Target", "libc"]
    );
    assert_eq!(named("use ::nix::sched; return ::libc::x"), ["nix::sched", "libc::x"]);
    assert_eq!(named("match unix::x(a) { <T as A>::B => ::nix::c::<u8>(), D {} => d }"), ["unix::x", "nix::c"]);
    let of = |path: &str| {
        resolved(&path.split("::").map(str::to_owned).collect::<Vec<_>>(), &module("src/sys/fd.rs")).map(|p| p.join("::"))
    };
    assert_eq!(of("super::super::state::host"), Some("state::host".into()));
    assert_eq!(of("super::raw"), Some("sys::raw".into()));
    assert_eq!(of("crate::sys"), Some("sys".into()));
    assert_eq!(of("nix::mount"), None);

    let pieces = statements("S { uid: f(a, b), name: n.unwrap_or(c) }; g(uid, d).unwrap_or(e)");
    assert_eq!(pieces.iter().filter(|words| words.contains(&"unwrap_or") && words.contains(&"uid")).count(), 1, "{pieces:?}");
}
