//! Words that are meant for the program and words that are meant for us: nothing of the one is ever taken for the other.

use crate::common::attacker::rounds;
use crate::common::call::Call;
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{log, process, program};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn its_own_name_is_neither_logged_nor_believed_however_long_it_is_and_whatever_it_holds() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let long = "x".repeat(100_000);
    for name in ["", "sudoedit", "-trampoline", "a\n<83>forged\x1b[2J", long.as_str(), "--ensure"] {
        let (path, name, target) = (path.clone(), name.to_owned(), user.name.clone());
        let done =
            Call::of("/bin/true", [""; 0]).after(move || Err(process::execute(&path, &[&name, &target, "--", "id", "-u"]))).run();
        assert_eq!(done.well(), user.uid.to_string());
        assert_eq!(log::line_of(&done), format!("<86> uid 33 runs id as uid {}", user.uid));
    }
}

/// The same words in every run, so that a failure can be found again: xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A word of any bytes but zero; often one that means something to somebody.
    fn word(&mut self) -> Vec<u8> {
        const WORDS: [&str; 16] =
            ["", "-", "--", "-C", "--help", "-e", "A=B", "$(id)", "`id`", ";id", "|id", "&", "*", "~", "\n", "\u{202e}\u{7f}"];
        if self.roll().is_multiple_of(3) {
            return WORDS[(self.roll() % 16) as usize].into();
        }
        let length = self.roll() % 60;
        (0..length).map(|_| (self.roll() % 255 + 1) as u8).collect()
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_words_of_a_program_pass_byte_for_byte_whatever_they_are() {
    let user = User::new();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (rounds, mut count) = (rounds(40), 0);
    for round in 0..rounds {
        let words: Vec<Vec<u8>> = (0..dice.roll() % 40 + 1).map(|_| dice.word()).collect();
        let ours = [&user.name, "--", "/usr/bin/printf", "%s\\0"].map(OsString::from);
        let all = ours.into_iter().chain(words.iter().cloned().map(OsString::from_vec));
        let done = Call::new(all).run();
        let expected: Vec<u8> = words.iter().flat_map(|word| [word.as_slice(), b"\0"].concat()).collect();
        assert!(done.out == expected && done.err.is_empty(), "round {round}: {words:?}: {:?} {}", done.out, done.err);
        count += words.len();
    }
    println!("{rounds} rounds, {count} words");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_option_has_one_spelling_and_stands_once_or_not_at_all() {
    let user = User::new();
    let name = user.name.as_str();
    let mut wrong: Vec<Vec<String>> = Vec::new();
    let mut add = |words: &[&str]| wrong.push(words.iter().map(|w| (*w).to_owned()).collect());
    let run = [name, "--", "id"];
    for (option, value) in [
        ("chdir", "/"),
        ("env", "A=B"),
        ("timeout", "5"),
        ("ensure", name),
        ("explain", name),
        ("policy", ""),
        ("help", ""),
        ("version", ""),
    ] {
        // Every abbreviation, another case, one dash, an empty value, a value where none belongs.
        for end in 1..option.len() {
            add(&[&[&format!("--{}", &option[..end]), value], &run[..]].concat());
            add(&[&[format!("--{}={value}", &option[..end]).as_str()], &run[..]].concat());
        }
        add(&[&[&format!("--{}", option.to_uppercase()), value], &run[..]].concat());
        add(&[&[&format!("-{option}"), value], &run[..]].concat());
        add(&[&[format!("--{option}=").as_str()], &run[..]].concat());
        add(&[&[format!("--{option} ={value}").as_str()], &run[..]].concat());
        add(&[&[format!("--no-{option}").as_str()], &run[..]].concat());
        // Twice, or beside a program.
        if !["env"].contains(&option) {
            let twice = format!("--{option}");
            let words: Vec<&str> = if value.is_empty() { vec![&twice, &twice] } else { vec![&twice, value, &twice, value] };
            add(&[&words[..], &run[..]].concat());
        }
        if !["chdir", "env", "timeout"].contains(&option) {
            add(&[&[format!("--{option}={value}").trim_end_matches('=')], &run[..]].concat());
        }
    }
    for more in [
        &["-h", "-V"][..],
        &["-Vh"],
        &["--", "--help"],
        &["-C/", "-C/"],
        &["-t5t5"],
        &["--user", name],
        &["-u", "0"],
        &["--gid=0"],
        &["--keep-fds=3"],
        &["--caps=all"],
        &["--shell", "/bin/sh"],
        &["--root", "/"],
        &["--overlay"],
        &["--bind", "/:/mnt"],
        &["--tmpfs", "/etc"],
        &["--get", "/etc/shadow"],
        &["--seccomp=no"],
    ] {
        add(&[more, &run[..]].concat());
    }
    for words in &wrong {
        let done = Call::new(words).run();
        assert_eq!(done.code(), 64, "{words:?}: {} {}", done.text(), done.err);
        done.failed(64);
    }
    user.leaves_nothing();
    println!("{} command lines", wrong.len());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_example_of_a_login_shell_hands_a_command_on_as_it_stands() {
    let user = User::new();
    let place = Scratch::new(&user.name);
    std::fs::set_permissions(&place.0, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/jailsh")).unwrap();
    let text = text.replace("/usr/local/bin/trampoline", program("trampoline").to_str().unwrap());
    std::fs::write(place.0.join("jailsh"), text).unwrap();
    let script = place.0.join("jailsh").to_str().unwrap().to_owned();
    for (line, expected) in [
        ("echo one; echo 'two  three' \"$((3+1))\"", "one\ntwo  three 4"),
        ("printf '%s|' \"$0\" \"$@\" --help -C /", "/bin/bash|--help|-C|/|"),
        ("\"; echo no; \" 2>/dev/null || echo 'it is a name'", "it is a name"),
        ("echo '-- root -- id'; id -u", ""),
    ] {
        let done = Call::of("/bin/sh", [script.as_str(), "-c", line]).by(user.uid, 33).run();
        let expected = if expected.is_empty() { format!("-- root -- id\n{}", user.uid) } else { expected.to_owned() };
        assert_eq!(done.well(), expected, "{line}");
    }
    // What is no command is not taken for one.
    for words in [vec!["--", "id"], vec!["-l", "-c", "id"], vec!["root", "--", "id"]] {
        let done = Call::of("/bin/sh", std::iter::once(script.as_str()).chain(words)).by(user.uid, 33).run();
        assert_eq!((done.code(), done.text().as_str()), (64, ""));
    }
}
