//! A terminal that a test looks at and types into.

use super::seen;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One terminal, in a tmux of its own.
pub struct Screen {
    socket: String,
}

impl Screen {
    /// A terminal of so many columns, in which this line of shell runs, and 24 lines.
    pub fn new(columns: u32, line: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let socket = format!("jail-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let screen = Self { socket };
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", super::program("").display());
        let mut command = Command::new("tmux");
        command.args(["-L", &screen.socket, "-f", "/dev/null", "new-session", "-d", "-x", &columns.to_string(), "-y", "24"]);
        let done = command
            .arg(line)
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", "/nonexistent")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        screen
    }

    fn tmux(&self, words: &[&str]) -> String {
        let done = Command::new("tmux").args(["-L", &self.socket]).args(words).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    /// What is on it.
    pub fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What is on it, with its colours.
    pub fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until this is on it.
    #[track_caller]
    pub fn shows(&self, what: &str) -> String {
        let mut last = String::new();
        let shown = seen::within(PATIENCE, || {
            last = self.text();
            last.contains(what)
        });
        assert!(shown, "{what:?} does not show:\n{last}");
        last
    }

    /// Types text, and then keys by their names.
    pub fn types(&self, text: &str, keys: &[&str]) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&[&["send-keys"], keys].concat());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
