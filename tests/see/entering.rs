//! An administrator's shell in a jail.

use crate::common::user::User;
use crate::common::{program, seen};
use crate::terminal::Terminal;
use crate::{jailbase, sessions, well};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// jailbase beside the trampoline that belongs to it, which enters.
fn enter(user: &User, rest: &str) -> String {
    format!("{} enter {} {rest}", program("jailbase").display(), user.name)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn it_is_the_users_jail_with_the_users_rights_and_no_more() {
    let user = User::new();
    let name = user.name.as_str();
    let line = "id -u; id -G; grep -E '^(NoNewPrivs|CapEff|CapBnd)' /proc/self/status; echo $HOME $PWD; env | sort";
    let said = well(&["enter", name, "--", "/bin/sh", "-c", line]);
    let none = "0000000000000000";
    let expected = format!(
        "{uid}\n{uid}\nCapEff:\t{none}\nCapBnd:\t{none}\nNoNewPrivs:\t1\n{home} {home}\n",
        uid = user.uid,
        home = user.home
    );
    let shown: Vec<&str> = said.lines().collect();
    let expected: Vec<&str> = expected.lines().collect();
    for line in &expected {
        assert!(shown.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("SUDO") && !said.contains("SSH"), "{said}");
    assert_eq!(jailbase(&["enter", name, "--", "/bin/sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(jailbase(&["enter", name, "--", "/bin/sh", "-c", "kill -9 $$"]).status.code(), Some(137));
    assert_eq!(jailbase(&["enter", name, "--", "/no/such/program"]).status.code(), Some(127));
    let mut shell =
        Command::new(program("jailbase")).args(["enter", name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(b"echo read from a pipe; exit 3\n").unwrap();
    let done = shell.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stdout).as_ref()), (Some(3), "read from a pipe\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_hostile_home_decides_nothing_of_what_is_started() {
    let user = User::new();
    let touched = user.in_home("touched");
    for file in [".profile", ".shrc", ".bashrc", ".bash_profile", "sh", "id"] {
        fs::write(user.in_home(file), format!("#!/bin/sh\ntouch {}\n", touched.display())).unwrap();
        Command::new("chmod").args(["755"]).arg(user.in_home(file)).status().unwrap();
    }
    user.set("shell", user.in_home("sh").to_str().unwrap());
    let terminal = Terminal::new(100, 24);
    terminal.line(&format!("ENV={home}/.shrc BASH_ENV={home}/.bashrc {}", enter(&user, ""), home = user.home));
    terminal.shows("job control turned off");
    terminal.line("id -u; exit 0");
    terminal.shows(&format!("\n{}", user.uid));
    assert!(seen::within(Duration::from_secs(5), || sessions(&user) == 0));
    assert!(!touched.exists(), "something of the home was run");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_jail_never_has_the_administrators_terminal_and_cannot_spoil_it() {
    let user = User::new();
    let terminal = Terminal::new(100, 24);
    let before = terminal.settings();
    let device = fs::metadata(terminal.knows("#{pane_tty}")).unwrap().rdev();
    terminal.line(&enter(&user, ""));
    terminal.shows("job control turned off");
    // The terminal that all three streams are, and what else is open.
    let look = "import fcntl, os, stat, termios\n\
                seen = {os.fstat(fd).st_rdev for fd in range(20) if os.path.exists(f'/proc/self/fd/{fd}') and stat.S_ISCHR(os.fstat(fd).st_mode)}\n\
                try:\n    fcntl.ioctl(0, termios.TIOCSTI, b'x'); sti = 'done'\nexcept OSError as e:\n    sti = 'refused'\n\
                print('devices', sorted(seen), sti, os.isatty(0))";
    fs::write(user.in_home("look.py"), look).unwrap();
    terminal.line("python3 -I ~/look.py");
    terminal.shows("devices [");
    let said = terminal.screen();
    let line = said.lines().find(|line| line.starts_with("devices [")).unwrap();
    assert!(line.ends_with("] refused True"), "{said}");
    assert!(!line.contains(&format!("[{device}]")), "it has our terminal {device}: {line}");
    // Its size comes through, and so do the keys.
    terminal.resize(77, 20);
    terminal.line("stty size; sleep 100");
    terminal.shows("20 77");
    terminal.key("C-c");
    terminal.line("stty raw -echo; printf '\\033[?25h'; exit 9");
    terminal.shows("$ ");
    assert!(seen::within(Duration::from_secs(5), || sessions(&user) == 0));
    terminal.is_as_before(&before);
    terminal.line("echo ended with $?");
    terminal.shows("ended with 9");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn streams_that_are_partly_the_administrators_terminal_do_not_hand_it_over_either() {
    let user = User::new();
    let look = "import os, stat\nprint('devices', [os.fstat(fd).st_rdev for fd in range(3) if stat.S_ISCHR(os.fstat(fd).st_mode)], 'all')";
    fs::write(user.in_home("look.py"), look).unwrap();
    let terminal = Terminal::new(100, 24);
    let program = enter(&user, "-- python3 -I look.py");
    let lines = [format!("{program} | cat"), format!("{program} < /etc/passwd"), format!("{program} 2> /tmp/see-{}", user.uid)];
    for (number, line) in lines.iter().enumerate() {
        terminal.line(&format!("clear; {line}; echo is over {number}"));
        terminal.shows(&format!("\nis over {number}\n"));
        let said = terminal.screen();
        let device = fs::metadata(terminal.knows("#{pane_tty}")).unwrap().rdev();
        assert!(said.contains("devices [") && !said.contains(&device.to_string()), "{line}: {device}: {said}");
    }
    fs::remove_file(format!("/tmp/see-{}", user.uid)).unwrap();
    // What is typed reaches the program though only its output is a pipe.
    terminal.line(&format!("clear; {} | cat", enter(&user, "-- /bin/sh -c 'read word; echo heard $word'")));
    terminal.line("something");
    terminal.shows("heard something");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_enters_and_is_killed_leaves_no_session() {
    let user = User::new();
    let terminal = Terminal::new(100, 24);
    terminal.line(&enter(&user, "-- sleep 100"));
    assert!(seen::within(Duration::from_secs(5), || sessions(&user) == 1));
    let shell: u32 = terminal.knows("#{pane_pid}").parse().unwrap();
    let [entering] = seen::children(shell)[..] else { panic!("one process and no other runs in the terminal") };
    crate::common::process::kill(entering, libc::SIGKILL);
    assert!(seen::within(Duration::from_secs(10), || sessions(&user) == 0), "{}", well(&["ps", &user.name]));
}
