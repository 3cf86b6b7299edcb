//! `image edit`: a shell in a clone of an image, at a terminal.

use crate::common::screen::Screen;
use crate::common::{STATE, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An image of a test's own that shows the host, so that it has a shell.
struct Own(String);

impl Own {
    fn new(name: &str) -> Self {
        let own = Self(format!("t-screen-{name}"));
        own.clear();
        let done = Command::new(program("jailbase")).args(["-q", "image", "build", &own.0, "--from", "host"]).output().unwrap();
        assert_eq!((done.status.code(), done.stdout.len()), (Some(0), 0), "{}", String::from_utf8_lossy(&done.stderr));
        own
    }

    fn dir(&self) -> PathBuf {
        Path::new(STATE).join("images").join(&self.0)
    }

    fn current(&self) -> String {
        fs::read_link(self.dir().join("current")).unwrap().to_str().unwrap().to_owned()
    }

    fn clear(&self) {
        if self.dir().exists() {
            fs::remove_dir_all(self.dir()).unwrap();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A shell that edits the image when it is told to, and says how that went, and how the terminal is before and after.
fn screen(own: &Own) -> Screen {
    let line = format!(
        "PS1='out> ' exec bash --norc -c 'stty -a >/tmp/{0}.1; jailbase image edit {0}; echo code $?; stty -a >/tmp/{0}.2; cmp /tmp/{0}.1 /tmp/{0}.2 && echo as before; rm /tmp/{0}.[12]; exec bash --norc -i'",
        own.0
    );
    let screen = Screen::new(80, &line);
    // The prompt of the shell in there.
    screen.shows("image:/#");
    screen
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_shell_that_ends_well_publishes_what_was_done_and_leaves_the_terminal_as_it_was() {
    let own = Own::new("well");
    let screen = screen(&own);
    screen.types("echo mine > /etc/mine; tty; id -u", &["Enter"]);
    screen.shows("image:/#");
    screen.types("exit 0", &["Enter"]);
    let shown = screen.shows("as before");
    assert!(shown.contains(&format!("{}@2 in service", own.0)) && shown.contains("code 0"), "{shown}");
    assert_eq!((own.current(), fs::read_to_string(own.dir().join("2/root/etc/mine")).unwrap()), ("2".into(), "mine\n".into()));
    assert!(!own.dir().join("2/root/root/.bash_history").exists(), "what was typed is part of the image");
    screen.types("echo alive-$((40+2))", &["Enter"]);
    screen.shows("alive-42");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_shell_that_ends_badly_publishes_nothing() {
    let own = Own::new("badly");
    let screen = screen(&own);
    screen.types("rm /etc/hosts; exit 1", &["Enter"]);
    let shown = screen.shows("as before");
    assert!(shown.contains("exit status: 1") && shown.contains("code 77"), "{shown}");
    assert_eq!(own.current(), "1");
    assert!(own.dir().join("1/root/etc/hosts").exists() && !own.dir().join("2").exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_key_that_interrupts_interrupts_what_runs_in_the_shell_and_not_jailbase() {
    let own = Own::new("interrupted");
    let screen = screen(&own);
    screen.types("sleep 600", &["Enter"]);
    screen.types("", &["C-c"]);
    screen.types("echo still-$((40+2))", &["Enter"]);
    screen.shows("still-42");
    screen.types("echo more > /etc/more", &["Enter"]);
    screen.types("exit", &["Enter"]);
    let shown = screen.shows("as before");
    assert!(shown.contains("code 0"), "{shown}");
    assert_eq!(own.current(), "2");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_terminal_that_was_left_in_disorder_is_put_in_order() {
    let own = Own::new("disorder");
    let screen = screen(&own);
    screen.types("stty raw -echo; exit 1", &["Enter"]);
    let shown = screen.shows("as before");
    assert!(shown.contains("code 77"), "{shown}");
    screen.types("echo alive-$((40+2))", &["Enter"]);
    screen.shows("alive-42");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_that_is_interrupted_publishes_nothing_and_leaves_nothing() {
    let own = Own::new("stopped");
    let line = format!(
        "trap : INT; jailbase image edit {} -- /bin/sh -c 'echo begun; exec sleep 600'; echo code $?; exec sleep 60",
        own.0
    );
    let screen = Screen::new(80, &line);
    screen.shows("begun");
    screen.types("", &["C-c"]);
    screen.shows("code 130");
    assert_eq!(own.current(), "1");
    let hidden = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().starts_with('.');
    assert!(!fs::read_dir(own.dir()).unwrap().any(hidden));
}
