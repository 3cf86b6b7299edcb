//! `top` in a terminal.

use crate::common::user::User;
use crate::common::{process, program, seen, sweep};
use crate::terminal::Terminal;
use crate::{end, jailbase, session};
use std::process::{Command, Stdio};
use std::time::Duration;

fn start(terminal: &Terminal, words: &str) {
    terminal.line(&format!("{} top {words}; echo ended with $?", program("jailbase").display()));
    terminal.shows("q quits");
}

/// The one process of this command line in the terminal.
fn pid(terminal: &Terminal) -> u32 {
    let shell: u32 = terminal.knows("#{pane_pid}").parse().unwrap();
    *seen::children(shell).first().unwrap_or_else(|| panic!("nothing runs in the terminal:\n{}", terminal.screen()))
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_terminal_is_given_back_however_it_ends() {
    let user = User::new();
    user.ensure();
    let terminal = Terminal::new(100, 24);
    terminal.line("echo what was there before");
    terminal.shows("what was there before");
    let before = terminal.settings();
    let ends: [(&str, &dyn Fn(), i32); 5] = [
        ("q", &|| terminal.key("q"), 0),
        ("SIGTERM", &|| process::kill(pid(&terminal), libc::SIGTERM), 143),
        ("SIGINT from elsewhere", &|| process::kill(pid(&terminal), libc::SIGINT), 130),
        ("the key for SIGINT", &|| terminal.key("C-c"), 130),
        ("SIGHUP", &|| process::kill(pid(&terminal), libc::SIGHUP), 129),
    ];
    for (how, finish, code) in ends {
        start(&terminal, "");
        assert_eq!(terminal.knows("#{alternate_on} #{cursor_flag}"), "1 0", "{how}: it has a screen of its own");
        assert_ne!(terminal.settings(), before, "{how}");
        finish();
        terminal.hides("q quits");
        terminal.is_as_before(&before);
        terminal.shows(&format!("ended with {code}"));
        terminal.shows("what was there before");
        terminal.line("clear; echo what was there before");
        terminal.hides("ended with");
        terminal.shows("what was there before");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn colours_leave_nothing_between_the_words() {
    let user = User::new();
    user.ensure();
    let terminal = Terminal::new(100, 24);
    start(&terminal, "--color always");
    terminal.shows(&user.name);
    let screen = terminal.screen();
    assert!(screen.lines().any(|line| line.starts_with("USER ")) && !screen.contains('['), "{screen}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_shown_fits_the_terminal_whatever_its_size_becomes() {
    let users: Vec<User> = (0..12).map(|_| User::new()).collect();
    users.iter().for_each(User::ensure);
    let terminal = Terminal::new(100, 24);
    start(&terminal, "--sort name");
    terminal.shows(&users[11].name);
    for (columns, lines) in [(40, 10), (20, 5), (10, 2), (120, 40), (100, 24)] {
        terminal.resize(columns, lines);
        let shown = || {
            let screen = terminal.screen();
            let rows: Vec<&str> = screen.trim_end().lines().collect();
            rows.len() <= lines as usize && rows.iter().all(|row| row.len() <= columns as usize) && rows[0].starts_with("jails 1")
        };
        assert!(seen::within(Duration::from_secs(5), shown), "{columns} × {lines}:\n{}", terminal.screen());
        let last = terminal.screen().contains(&users[11].name);
        assert!(
            seen::within(Duration::from_secs(5), || terminal.screen().contains(&users[11].name) == (lines >= 24)),
            "{columns} × {lines}, {last}:\n{}",
            terminal.screen()
        );
    }
    terminal.key("q");
    terminal.shows("ended with 0");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn jails_are_sorted_by_the_key_that_was_pressed() {
    let (busy, large) = (User::new(), User::new());
    let spin = session(&busy, &["/bin/sh", "-c", "while :; do :; done"]);
    let hold = session(&large, &["/usr/bin/python3", "-I", "-c", "import time; kept = b'x' * 50_000_000; time.sleep(60)"]);
    let terminal = Terminal::new(100, 24);
    start(&terminal, "--interval 0.3");
    let first = || terminal.screen().lines().nth(4).unwrap_or_default().split(' ').next().unwrap_or_default().to_owned();
    for (key, expected) in [("c", &busy), ("m", &large), ("c", &busy), ("n", &busy)] {
        terminal.key(key);
        assert!(seen::within(Duration::from_secs(10), || first() == expected.name), "{key}:\n{}", terminal.screen());
    }
    terminal.key("r");
    assert!(seen::within(Duration::from_secs(10), || first() == large.name), "turned round:\n{}", terminal.screen());
    // An arrow is no letter, and a key without a meaning has none.
    for key in ["Up", "F5", "x", "C-l"] {
        terminal.key(key);
    }
    terminal.shows("turned round");
    terminal.key("q");
    terminal.shows("ended with 0");
    end(&busy, vec![spin]);
    end(&large, vec![hold]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_hundred_refreshes_leave_an_idle_jail_its_mark() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.ensure();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    let terminal = Terminal::new(100, 24);
    start(&terminal, "--interval 0.1");
    terminal.shows(&user.name);
    let asked = pid(&terminal);
    // Each look reads the whole table of processes, which the kernel counts.
    let calls = || -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{asked}/io")).unwrap();
        text.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap().parse().unwrap()
    };
    let before = calls();
    assert!(seen::within(Duration::from_secs(40), || calls() >= before + 110), "{} looks", calls() - before);
    terminal.key("q");
    terminal.shows("ended with 0");
    assert_eq!(sweeps.sweep(user.uid), "unmounted", "a look undid the mark");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_stopped_one_gives_the_terminal_back_and_takes_it_again() {
    let terminal = Terminal::new(100, 24);
    terminal.line("exec bash --norc --noprofile");
    terminal.line("PS1='$ '; echo a shell with jobs");
    terminal.shows("\na shell with jobs");
    let before = terminal.settings();
    start(&terminal, "");
    terminal.key("C-z");
    terminal.shows("Stopped");
    terminal.is_as_before(&before);
    terminal.line("fg");
    terminal.shows("q quits");
    terminal.key("q");
    terminal.shows("a shell with jobs");
    terminal.is_as_before(&before);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_no_terminal_is_refused_with_what_to_do_instead() {
    let done = jailbase(&["top"]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!((done.status.code(), done.stdout.len()), (Some(77), 0), "{said}");
    assert!(said.contains("jailbase stat"), "{said}");
    // A terminal to read from and a pipe to write to, and a terminal that cannot move its cursor.
    let terminal = Terminal::new(100, 24);
    let lines =
        [format!("{} top | cat", program("jailbase").display()), format!("TERM=dumb {} top", program("jailbase").display())];
    for (number, line) in lines.iter().enumerate() {
        terminal.line(&format!("clear; {line}; echo is over {number}"));
        terminal.shows(&format!("\nis over {number}\n"));
        assert!(terminal.screen().contains("jailbase stat"), "{}", terminal.screen());
    }
    assert_eq!(jailbase(&["top", "--interval", "0"]).status.code(), Some(64));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_terminal_that_is_closed_leaves_nothing_running() {
    let terminal = Terminal::new(100, 24);
    start(&terminal, "");
    let left = pid(&terminal);
    drop(terminal);
    let gone = || Command::new("kill").args(["-0", &left.to_string()]).stderr(Stdio::null()).status().is_ok_and(|s| !s.success());
    assert!(seen::within(Duration::from_secs(5), gone), "process {left} is left");
}
