//! The command line of trampoline: what is answered or refused before any jail is looked at.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::call::Call;
use common::{RUN, STATE, log, process, program, seen};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

const USAGE: i32 = 64;
const REFUSED: i32 = 77;
const FAILED: i32 = 125;

/// Wrong command lines, and what their writer reads.
const WRONG: &[(&[&str], &str)] = &[
    (&[], "whose jail? Give a USER or a UID"),
    (&["-C", "/", "-t", "5", "-e", "A=B"], "whose jail? Give a USER or a UID"),
    (&["alice"], "it reads trampoline [OPTIONS] USER -- PROGRAM, with \"--\" between the two"),
    (&["alice", "id"], "it reads trampoline [OPTIONS] USER -- PROGRAM, with \"--\" between the two"),
    (&["alice", "-C", "/", "--", "id"], "it reads trampoline [OPTIONS] USER -- PROGRAM, with \"--\" between the two"),
    (&["--", "alice", "id"], "it reads trampoline [OPTIONS] USER -- PROGRAM, with \"--\" between the two"),
    (&["alice", "--"], "a PROGRAM must follow \"--\""),
    (&["alice", "--", ""], "a PROGRAM must follow \"--\""),
    (&["-x", "alice", "--", "id"], "unknown or repeated option -x"),
    (&["--nope", "alice", "--", "id"], "unknown, unfitting or repeated option --nope"),
    (&["--shell=/bin/sh", "alice", "--", "id"], "unknown, unfitting or repeated option --shell"),
    (&["-C", "/", "-C", "/", "alice", "--", "id"], "unknown or repeated option -C"),
    (&["-C", "/", "--chdir", "/", "alice", "--", "id"], "unknown, unfitting or repeated option --chdir"),
    (&["-t", "1", "-t", "1", "alice", "--", "id"], "unknown or repeated option -t"),
    (&["-C"], "missing argument for option '-C'"),
    (&["-C", "tmp", "alice", "--", "id"], "--chdir takes an absolute path inside the jail"),
    (&["-C", "", "alice", "--", "id"], "--chdir takes an absolute path inside the jail"),
    (&["-t", "0", "alice", "--", "id"], "--timeout takes whole seconds from 1 to 31622400"),
    (&["-t", "1.5", "alice", "--", "id"], "--timeout takes whole seconds from 1 to 31622400"),
    (&["-t", "-1", "alice", "--", "id"], "--timeout takes whole seconds from 1 to 31622400"),
    (&["-t", "31622401", "alice", "--", "id"], "--timeout takes whole seconds from 1 to 31622400"),
    (&["-e", "A", "alice", "--", "id"], "--env A: it does not read NAME=VALUE"),
    (&["-e", "=x", "alice", "--", "id"], "--env =x: its name must be letters, digits and _, not starting with a digit"),
    (&["-e", "1A=x", "alice", "--", "id"], "--env 1A=x: its name must be letters, digits and _, not starting with a digit"),
    (&["-e", "HOME=/", "alice", "--", "id"], "--env HOME=/: HOME, USER, LOGNAME and SHELL come from the spec"),
    (&["--ensure"], "missing argument for option '--ensure'"),
    (&["--ensure", "alice", "bob"], "unexpected word bob"),
    (&["--ensure", "alice", "--", "id"], "unexpected word id"),
    (&["--ensure", "alice", "--explain", "alice"], "unknown, unfitting or repeated option --explain"),
    (&["-C", "/", "--ensure", "alice"], "--ensure and --explain run nothing and take no other option"),
    (&["--explain", "alice", "-t", "1"], "--ensure and --explain run nothing and take no other option"),
    (&["--help", "alice"], "--help, --version and --policy stand alone"),
    (&["--version=2"], "--help, --version and --policy stand alone"),
    (&["-1", "--", "id"], "unknown or repeated option -1"),
    (&["", "--", "id"], "\"\" is neither a user's name nor a uid"),
    (&["2001x", "--", "id"], "\"2001x\" is neither a user's name nor a uid"),
    (&["+5", "--", "id"], "\"+5\" is neither a user's name nor a uid"),
    (&["0x7d1", "--", "id"], "\"0x7d1\" is neither a user's name nor a uid"),
    (&["02001", "--", "id"], "\"02001\" is neither a user's name nor a uid"),
    (&[" 2001", "--", "id"], "\" 2001\" is neither a user's name nor a uid"),
    (&["4294967296", "--", "id"], "\"4294967296\" is neither a user's name nor a uid"),
    (&["../alice", "--", "id"], "\"../alice\" is neither a user's name nor a uid"),
    (&["a\nb", "--", "id"], "\"a\\nb\" is neither a user's name nor a uid"),
    (&["--ensure", "\x1b[2J"], "\"\\x1b[2J\" is neither a user's name nor a uid"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_wrong_command_line_gets_64_and_one_line_that_says_what_is_wrong() {
    for (words, message) in WRONG {
        let done = Call::new(*words).run();
        assert_eq!(done.failed(USAGE), format!("{message}; see trampoline --help"), "{words:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_wrong_command_line_is_in_the_system_log_with_its_reason() {
    let before = (seen::mounts(), seen::pins());
    for (words, message) in WRONG {
        let done = Call::new(*words).run();
        assert_eq!(log::line_of(&done), format!("<84> caller uid 33: {message}; see trampoline --help"), "{words:?}");
    }
    assert_eq!((seen::mounts(), seen::pins()), before, "nothing came of any");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_word_that_is_no_text_is_shown_escaped() {
    let word = OsStr::from_bytes(b"\xff\xfe");
    let done = Call::new([word, OsStr::new("--"), OsStr::new("id")]).run();
    assert_eq!(done.failed(USAGE), "\"\\xff\\xfe\" is neither a user's name nor a uid; see trampoline --help");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_target_that_is_nobody_or_out_of_range_or_unknown_is_refused_in_the_same_words() {
    let cases = [
        ("0", "refused: uid 0 is never a target"),
        ("4294967295", "refused: uid 4294967295 is never a target"),
        ("1", "refused: the compiled policy does not let uid 33 enter the jail of uid 1"),
        ("33", "refused: the compiled policy does not let uid 33 enter the jail of uid 33"),
        ("999", "refused: the compiled policy does not let uid 33 enter the jail of uid 999"),
        ("60000", "refused: the compiled policy does not let uid 33 enter the jail of uid 60000"),
        ("4294967294", "refused: the compiled policy does not let uid 33 enter the jail of uid 4294967294"),
        ("29999", "refused: /var/lib/trampoline-check/jails/29999 is missing: this uid has no jail; see jailbase user add"),
        ("t-nobody", "refused: by-name/t-nobody is missing: this user has no jail; see jailbase user add"),
    ];
    // Without a directory of jails every answer would be that there is none.
    common::image::host();
    let _any = common::user::User::new();
    for (target, reason) in cases {
        for words in [vec![target, "--", "id"], vec!["--ensure", target], vec!["--explain", target]] {
            let done = Call::new(&words).run();
            assert_eq!(done.failed(REFUSED), "refused (the system log has the reason)", "{words:?}");
            assert_eq!(log::line_of(&done), format!("<84> caller uid 33: {reason}"), "{words:?}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn help_version_and_policy_are_answered_on_standard_output() {
    let help = Call::new(["--help"]).run().well();
    assert!(help.starts_with("Usage: trampoline [OPTIONS] USER|UID -- PROGRAM [ARG...]\n"), "{help}");
    for word in [
        "--chdir",
        "--env",
        "--timeout",
        "--ensure",
        "--explain",
        "--policy",
        "--help",
        "--version",
        "64",
        "77",
        "125",
        "126",
        "127",
        "128",
    ] {
        assert!(help.contains(word), "{word} is missing in: {help}");
    }
    assert!(help.lines().all(|line| line.len() <= 100));
    assert_eq!(Call::new(["--version"]).run().well(), concat!("trampoline ", env!("CARGO_PKG_VERSION")));
    assert_eq!(
        Call::new(["--policy"]).run().well(),
        format!(
            "enter   callers 0 33, targets 1000-59999\nown     targets 1000-59999, each its own jail only\nstate   {STATE}\nrun     {RUN}\n\
             log     {}, one line for each run\nlimits  at most cpu 86400, memory 68719476736, processes 4096, file-size 68719476736, \
             open-files 65536, no core dump\nshm     67108864 bytes",
            common::LOG
        )
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reader_who_left_is_no_failure_of_help() {
    let done = Call::of("/bin/sh", ["-c", &format!("{} --help | :; exit 0", program("trampoline").display())]).run();
    done.well();
    let full = format!("{} --policy > /dev/full", program("trampoline").display());
    assert!([0, FAILED].contains(&Call::of("/bin/sh", ["-c", &full]).run().code()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_argument_at_all_not_even_a_name_is_a_wrong_command_line() {
    let path = program("trampoline").to_str().unwrap().to_owned();
    let done = Call::of("/bin/true", [""; 0]).after(move || Err(process::execute(&path, &[]))).run();
    assert_eq!(done.failed(USAGE), "whose jail? Give a USER or a UID; see trampoline --help");
    assert_eq!(log::line_of(&done), "<84> caller uid 33: whose jail? Give a USER or a UID; see trampoline --help");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn its_own_name_means_nothing_to_it() {
    let path = program("trampoline").to_str().unwrap().to_owned();
    for name in ["", "--help", "-sh", "root", "../../etc/passwd", "a\nb\x1b[2J"] {
        let path = path.clone();
        let done = Call::of("/bin/true", [""; 0]).after(move || Err(process::execute(&path, &[name, "nope"]))).run();
        assert_eq!(
            done.failed(USAGE),
            "it reads trampoline [OPTIONS] USER -- PROGRAM, with \"--\" between the two; see trampoline --help",
            "{name:?}"
        );
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_long_word_of_a_stranger_s_is_cut() {
    let word = OsString::from("x".repeat(100_000));
    let done = Call::new([word.as_os_str(), OsStr::new("--"), OsStr::new("id")]).run();
    assert!(done.failed(USAGE).len() < 400, "{}", done.err);
}
