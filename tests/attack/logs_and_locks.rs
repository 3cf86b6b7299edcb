//! The system log, and the locks: what a stranger can write into the one, and whom he can hold up by the other.

use crate::common::call::{Call, Done};
use crate::common::user::User;
use crate::common::{RUN, STATE, WWW, log, program, seen, sweep};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Duration;

/// Words that forged a line, moved a cursor, reordered a text or overran a buffer elsewhere.
fn corpus() -> Vec<OsString> {
    let mut all: Vec<OsString> = [
        "\n<86>trampoline[1]: uid 0 runs sh as uid 0",
        "\r\n<0>kernel: panic",
        "a\u{b}b\u{c}c\u{7f}d",
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}P+q\u{1b}\\",
        "\u{9b}31m\u{9d}0;x\u{9c}",
        "\u{85}next\u{2028}line\u{2029}paragraph",
        "\u{202e}drowssap\u{2066}\u{2069}\u{200b}\u{feff}\u{206a}",
        "%s%s%n%x{}{:?}$(id)`id`${HOME}",
        "\\n\\x1b\\u{1b}",
        "x=\"1\" y='2' uid=0",
        "\t\u{8}\u{8}\u{8}",
    ]
    .map(OsString::from)
    .into();
    all.push(OsStr::from_bytes(b"\xff\xfe\x80\xc0\xaf\xed\xa0\x80").to_owned());
    all.push("x".repeat(131_000).into());
    all.push("\n".repeat(131_000).into());
    all.push("\u{202e}".repeat(40_000).into());
    all
}

/// What is in the log of a call: short lines of one line each, printable, none of which somebody else could have written.
#[track_caller]
fn is_logged_plainly(done: &Done, what: &str) {
    let line = log::line_of(done);
    let tricky = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert!(!line.contains(tricky) && line.len() < 600, "{what}: {} bytes: {line:?}", line.len());
    assert!(
        ["<84> caller uid 33: ", "<83> caller uid 33: ", "<86> uid 33 runs "].iter().any(|begin| line.starts_with(begin)),
        "{what}: {line:?}"
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whatever_a_caller_says_is_one_plain_and_short_line_of_the_log_and_of_its_own_standard_error() {
    let user = User::new();
    let name: &OsStr = user.name.as_ref();
    let joined = |left: &str, word: &OsStr| {
        let mut all = OsString::from(left);
        all.push(word);
        all
    };
    let mut count = 0;
    for word in corpus() {
        let word = word.as_os_str();
        let (chdir, env, timeout) = (joined("--chdir=/", word), joined("--env=A B=", word), joined("--timeout=", word));
        let (option, odd_env) = (joined("--", word), joined("-e1", word));
        let lines: [&[&OsStr]; 9] = [
            &[word, "--".as_ref(), "id".as_ref()],
            &["--ensure".as_ref(), word],
            &[&option, name, "--".as_ref(), "id".as_ref()],
            &[&timeout, name, "--".as_ref(), "id".as_ref()],
            &[&env, name, "--".as_ref(), "id".as_ref()],
            &[&odd_env, name, "--".as_ref(), "id".as_ref()],
            &[name, word],
            &[&chdir, name, "--".as_ref(), "id".as_ref()],
            &[name, "--".as_ref(), word, word],
        ];
        for (at, words) in lines.into_iter().enumerate() {
            let done = Call::new(words).run();
            let what = format!("word {at}: {:.40}", word.display());
            // The last two are runs: what fails in there is the caller's to know, and not the log's.
            if at < 7 {
                done.failed(64);
            }
            let said = done.err.strip_suffix('\n').unwrap_or(&done.err);
            assert!(!said.chars().any(char::is_control) && said.len() < 600, "{what}: {said:?}");
            is_logged_plainly(&done, &what);
            count += 1;
        }
    }
    println!("{count} calls");
}

/// Takes every lock it can on everything it can open, shows that it has them, and keeps them.
const HOARD: &str = "
import fcntl, os, time
held = []
for path in '/ /etc /etc/passwd /etc/group /usr /usr/bin /usr/bin/id /var /home /dev /dev/null /dev/shm /dev/pts /proc /tmp .'.split():
    file = os.open(path, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.append(file)
for name in range(100):
    file = os.open('/tmp/%d' % name, os.O_RDWR | os.O_CREAT)
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.append(file)
open('ready', 'w').write(str(len(held)))
while not os.path.exists('end'): time.sleep(0.05)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_takes_every_lock_that_is_to_have_holds_up_nobody() {
    let (user, other) = (User::new(), User::new());
    let sweeps = sweep::ours();
    let running = user.call(&["python3", "-I", "-c", HOARD]).start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    let quick = |done: Done| {
        done.well();
        assert!(done.took < Duration::from_secs(3), "{:?}", done.took);
    };
    quick(other.run(&["true"]));
    quick(user.run(&["true"]));
    assert_eq!(sweeps.sweep(user.uid), "in use");
    // A jail is made anew beside the session that has the locks, and an image is built.
    seen::take_down(user.uid);
    quick(user.run(&["true"]));
    let build = Command::new(program("jailbase")).args(["image", "build", "t-locked", "--from", "host"]).output().unwrap();
    std::fs::remove_dir_all(format!("{STATE}/images/t-locked")).unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    std::fs::write(user.in_home("end"), "").unwrap();
    running.end().well();
    // From the host, where the locks are that count, none can be had.
    let own = user.file("").to_str().unwrap().to_owned();
    let places = [RUN.to_owned(), format!("{STATE}/jails"), format!("{STATE}/images"), format!("{STATE}/images/host"), own];
    let take = "import fcntl, os, sys\nfor p in sys.argv[1:]:\n try: fcntl.flock(os.open(p, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB); print(p)\n except PermissionError: pass";
    for uid in [WWW, user.uid] {
        let words = ["-I", "-c", take].into_iter().chain(places.iter().map(String::as_str));
        assert_eq!(Call::of("/usr/bin/python3", words).by(uid, WWW).run().well(), "");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sweep_that_is_short_of_descriptors_or_memory_says_so_and_takes_no_jail_from_under_a_session() {
    let (user, idle) = (User::new(), User::new());
    let sweeps = sweep::ours();
    let running = user.call(&["sleep", "60"]).start();
    idle.ensure();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    let (mut whole, mut broken) = (0, 0);
    for limit in ["-n 3", "-n 4", "-n 5", "-n 6", "-n 7", "-n 8", "-n 10", "-n 12", "-v 4000", "-v 8000", "-f 0", "-s 100"] {
        for _ in 0..2 {
            let line = format!("ulimit {limit} && exec {} -v", program("reaper").display());
            let done = Command::new("/bin/bash").args(["-c", &line]).output().unwrap();
            if done.status.success() {
                whole += 1
            } else {
                broken += 1
            }
            assert!(done.status.success() || !done.stderr.is_empty(), "{limit}: it failed and said nothing");
            assert!(seen::is_pinned(user.uid), "{limit}: the jail was taken from under a session");
        }
    }
    assert!(whole > 0 && broken > 0, "{whole} sweeps were whole, {broken} were not");
    drop((sweeps.sweep(idle.uid), sweeps.sweep(idle.uid)));
    assert!(!seen::is_pinned(idle.uid), "the next whole sweeps make up for it");
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().code(), 128 + libc::SIGTERM);
    println!("{whole} sweeps were whole, {broken} were not");
}
