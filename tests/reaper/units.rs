//! The units of systemd, as they are installed: read by systemd's own tools, and run by a systemd of the test's own.

use crate::common::user::User;
use crate::common::{process, program, seen, sweep};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The exposure that is too much, in tenths; 0 is a service that may nothing, 100 one that may all.
const TOO_MUCH: u32 = 30;

/// The units, for the programs under test, in a directory that goes with this value.
struct Units(PathBuf);

impl Units {
    fn installed() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let dir = std::env::temp_dir().join(format!("trampoline-units-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        let units = Self(dir);
        for name in ["trampoline-reaper.service", "trampoline-reaper.timer"] {
            let text = fs::read_to_string(format!("{}/etc/systemd/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
            let bin = program("reaper").parent().unwrap().to_str().unwrap().to_owned();
            fs::write(units.0.join(name), text.replace("@PREFIX@/sbin", &bin)).unwrap();
        }
        units
    }

    fn analyze(&self, words: &[&str], names: &[&str]) -> Output {
        let paths = names.iter().map(|name| self.0.join(name));
        Command::new("systemd-analyze").args(words).args(paths).output().unwrap()
    }
}

impl Drop for Units {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_service_is_closed_as_far_as_a_sweep_allows_and_systemd_understands_both_units() {
    let units = Units::installed();
    let both = ["trampoline-reaper.service", "trampoline-reaper.timer"];
    let verified = units.analyze(&["verify", "--man=no"], &both);
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // What systemd says of other units of the machine is not ours.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("trampoline")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");

    let judged = units.analyze(&["security", "--offline=true", "--no-pager", &format!("--threshold={TOO_MUCH}")], &both[..1]);
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
    let line = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{said}"));
    println!("{}", line.trim_start_matches(['→', ' ']));
}

/// A systemd that runs nothing but a journal and what it is told to, in a `/run` of its own.
struct System {
    boot: Child,
    first: u32,
}

impl System {
    fn boot(units: &Units) -> Self {
        for name in ["sysinit", "basic", "shutdown", "timers"] {
            fs::write(units.0.join(format!("{name}.target")), "[Unit]\nDefaultDependencies=no\n").unwrap();
        }
        let go = "[Unit]\nDefaultDependencies=no\nWants=systemd-journald.socket\nAfter=systemd-journald.socket\n";
        fs::write(units.0.join("go.target"), go).unwrap();
        for name in ["systemd-journald.service", "systemd-journald.socket"] {
            let places = ["/lib/systemd/system", "/usr/lib/systemd/system"].map(|dir| PathBuf::from(dir).join(name));
            fs::copy(places.iter().find(|path| path.exists()).unwrap(), units.0.join(name)).unwrap();
        }
        let script = format!("{}/tests/reaper/boot", env!("CARGO_MANIFEST_DIR"));
        let boot = Command::new(script).arg(&units.0).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut first = None;
        // The script starts unshare, that starts systemd, and that a journal when somebody speaks.
        let is_up = || {
            first = child(boot.id()).and_then(child);
            first.is_some_and(|first| Self::within(first, &["systemctl", "is-active", "go.target"]).status.success())
        };
        assert!(seen::within(Duration::from_secs(20), is_up), "systemd does not start");
        Self { boot, first: first.unwrap() }
    }

    fn within(first: u32, words: &[&str]) -> Output {
        let mut command = Command::new("nsenter");
        command.args(["-m", "-p", "-C", "-i", "-u", "-t", &first.to_string()]).args(words);
        command.env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
    }

    /// Runs a program in there, which must end well; what it said.
    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        let done = Self::within(self.first, words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(done.status.success(), "{words:?}: {}{}{}", text(&done.stdout), text(&done.stderr), self.journal());
        text(&done.stdout)
    }

    /// What the reaper has in the journal: priority and message of each line.
    fn journal(&self) -> String {
        let words = ["journalctl", "-t", "reaper", "-o", "json", "--no-pager", "-q"];
        let done = Self::within(self.first, &words);
        let lines = String::from_utf8(done.stdout).unwrap();
        let line = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{} {}\n", entry["PRIORITY"].as_str().unwrap(), entry["MESSAGE"].as_str().unwrap())
        };
        lines.lines().map(line).collect()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        process::kill(self.first, libc::SIGKILL);
        self.boot.wait().unwrap();
    }
}

fn child(pid: u32) -> Option<u32> {
    let done = Command::new("pgrep").args(["-P", &pid.to_string()]).output().unwrap();
    String::from_utf8(done.stdout).unwrap().lines().next()?.parse().ok()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_service_sweeps_under_systemd_and_the_timer_starts_it() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    let units = Units::installed();
    let system = System::boot(&units);
    let trampoline = program("trampoline");
    let sweep = || system.run(&["systemctl", "start", "trampoline-reaper.service"]);
    sweep();
    system.run(&[trampoline.to_str().unwrap(), "--ensure", &user.name]);
    sweep();
    assert_eq!(system.journal(), "", "nothing changed so far");
    sweep();
    // The journal may be a moment behind.
    let line = format!("6 {}: unmounted\n", user.uid);
    assert!(seen::within(Duration::from_secs(5), || system.journal() == line), "{}", system.journal());

    // As the unit says it is done.
    let dropin = units.0.join("trampoline-reaper.service.d");
    let figures = units.0.join("x.prom");
    fs::create_dir(&dropin).unwrap();
    let line = format!("ExecStart={} -v --metrics {}", program("reaper").display(), figures.display());
    fs::write(dropin.join("figures.conf"), format!("[Service]\nExecStart=\n{line}\n")).unwrap();
    system.run(&["systemctl", "daemon-reload"]);
    sweep();
    assert!(fs::read_to_string(&figures).unwrap().contains("trampoline_sweep_success 1\n"));
    assert!(seen::within(Duration::from_secs(5), || system.journal().contains("7 sweep: ")), "{}", system.journal());
    assert!(!system.journal().contains("cannot stay on one processor"), "{}", system.journal());
    assert_eq!(fs::metadata(&figures).unwrap().permissions().mode() & 0o777, 0o644, "in spite of UMask=");

    system.run(&["systemctl", "start", "trampoline-reaper.timer"]);
    let timers = system.run(&["systemctl", "list-timers", "--all", "--no-pager"]);
    assert!(timers.contains("trampoline-reaper.timer trampoline-reaper.service"), "{timers}");
}
