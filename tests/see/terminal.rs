//! A terminal that a test types into and reads off: a pane of tmux, with a server of its own.

use crate::common::seen;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// One terminal with a shell in it.
pub struct Terminal {
    server: String,
}

impl Terminal {
    /// A terminal of this size; the shell says `$` and nothing else.
    pub fn new(columns: u32, lines: u32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = format!("trampoline-see-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let terminal = Self { server };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &lines,
            "env -i TERM=$TERM PS1='$ ' PATH=/usr/bin:/bin /bin/sh",
        ]);
        terminal.shows("$");
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        let done = tmux.args(["-L", &self.server]).args(words).env_remove("TMUX").output().unwrap();
        assert!(done.status.success(), "tmux {words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Types a line and the key that ends it.
    pub fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.key("Enter");
    }

    /// Presses one key, as tmux names it.
    pub fn key(&self, name: &str) {
        self.tmux(&["send-keys", name]);
    }

    /// What can be read now.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until this can be read.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        assert!(seen::within(Duration::from_secs(15), || self.screen().contains(text)), "no {text:?} in\n{}", self.screen());
    }

    /// Waits until this cannot be read any more.
    #[track_caller]
    pub fn hides(&self, text: &str) {
        assert!(
            seen::within(Duration::from_secs(15), || !self.screen().contains(text)),
            "{text:?} is still in\n{}",
            self.screen()
        );
    }

    /// Gives it another size.
    pub fn resize(&self, columns: u32, lines: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// What tmux knows of it.
    pub fn knows(&self, what: &str) -> String {
        self.tmux(&["display-message", "-p", what]).trim().to_owned()
    }

    /// The settings of the terminal, as stty names them; its own shell is not asked, so it may be busy.
    pub fn settings(&self) -> String {
        let device = self.knows("#{pane_tty}");
        let done = Command::new("stty").args(["-a", "-F", &device]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        // The first line has the size.
        String::from_utf8_lossy(&done.stdout).lines().skip(1).collect::<Vec<_>>().join("\n")
    }

    /// The cursor is shown, the screen is the usual one, the settings are these: as it was before.
    #[track_caller]
    pub fn is_as_before(&self, settings: &str) {
        let as_before = || self.knows("#{alternate_on} #{cursor_flag}") == "0 1" && self.settings() == settings;
        let now = || format!("{}\n{}\n{}", self.knows("#{alternate_on} #{cursor_flag}"), self.settings(), self.screen());
        assert!(seen::within(Duration::from_secs(5), as_before), "before:\n{settings}\nnow:\n{}", now());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let socket = Command::new("tmux").args(["-L", &self.server, "display-message", "-p", "#{socket_path}"]).output();
        drop(Command::new("tmux").args(["-L", &self.server, "kill-server"]).output());
        // It leaves its socket behind.
        if let Some(path) =
            socket.ok().and_then(|done| String::from_utf8(done.stdout).ok()).filter(|path| path.contains(&self.server))
        {
            drop(std::fs::remove_file(path.trim()));
        }
    }
}
