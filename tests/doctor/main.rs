//! `jailbase doctor`: one thing at a time is broken, and the check of that name says so. What is the host's is broken in a
//! mount namespace with a process 1 of its own, so that the doctor takes it for the host and the host never changes.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "../common/mod.rs"]
mod common;

mod health;
mod machine;
mod programs;
mod trees;
mod users;

use common::{RUN, STATE, image, log, program};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// The three programs, copied to a place of a test's own, as `make install` leaves them.
struct Programs {
    dir: PathBuf,
}

impl Programs {
    fn new() -> Self {
        let dir = program("doctor");
        drop(std::fs::remove_dir_all(&dir));
        std::fs::create_dir(&dir).unwrap();
        for name in ["trampoline", "reaper", "jailbase"] {
            let done = Command::new("cp").arg("-p").arg(program(name)).arg(&dir).status().unwrap();
            assert!(done.success());
        }
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}

/// What makes the doctor's world one in which a healthy installation has no problem: the reaper is scheduled. `/etc` can be
/// written, and what is written is gone afterwards. KERNEL: the pin of the holder is not copied with the rest (`copy_tree`, fs/namespace.c), and nobody took it
/// away; so its place goes too.
fn world(programs: &Programs, spoil: &str) -> String {
    format!(
        "set -e\n\
         mkdir {STATE}/doctor-etc; mount -t tmpfs none {STATE}/doctor-etc; mkdir {STATE}/doctor-etc/up {STATE}/doctor-etc/work\n\
         mount -t overlay -o lowerdir=/etc,upperdir={STATE}/doctor-etc/up,workdir={STATE}/doctor-etc/work overlay /etc\n\
         umount -l {STATE}/doctor-etc; rmdir {STATE}/doctor-etc; mkdir -p /etc/cron.d\n\
         say() {{ t=$(mktemp /etc/said.XXXXXX); printf '%s\\n' \"$2\" >\"$t\"; mount --bind \"$t\" \"$1\"; }}\n\
         echo '*/5 * * * * root {reaper}' >/etc/cron.d/trampoline-reaper\n\
         [ ! -d {RUN} ] || mount -t tmpfs -o mode=700 none {RUN}\n\
         {spoil}\n\
         exec {jailbase} doctor",
        reaper = programs.path("reaper"),
        jailbase = programs.path("jailbase"),
    )
}

/// What the doctor said: its exit code, and every finding as level, check and what was found.
#[derive(Debug)]
struct Said {
    code: i32,
    findings: Vec<(String, String, String)>,
}

impl Said {
    fn of(command: &mut Command) -> Self {
        let done = command.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned());
        assert_eq!(err, "", "{command:?}");
        let row = |line: &str| {
            let (level, rest) = line.split_once(' ')?;
            let (check, found) = rest.trim_start().split_once(' ')?;
            let known = ["problem", "advice", "ok"].contains(&level);
            known.then(|| (level.to_owned(), check.to_owned(), found.trim_start().to_owned()))
        };
        Self { code: done.status.code().unwrap(), findings: out.lines().filter_map(row).collect() }
    }

    /// The worst that a check said, and all it found.
    #[track_caller]
    fn check(&self, name: &str) -> (&str, String) {
        let all: Vec<_> = self.findings.iter().filter(|(_, check, _)| check == name).collect();
        let worst = all.first().unwrap_or_else(|| panic!("there is no check {name}: {self:#?}"));
        (&worst.0, all.iter().map(|(_, _, found)| found.as_str()).collect::<Vec<_>>().join("\n"))
    }

    /// The names of the checks with a problem.
    fn problems(&self) -> Vec<&str> {
        self.findings.iter().filter(|(level, ..)| level == "problem").map(|(_, check, _)| check.as_str()).collect()
    }
}

/// The doctor in a world that was spoiled in one way.
fn in_world(programs: &Programs, spoil: &str) -> Said {
    image::host();
    log::listen();
    let words = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c"];
    Said::of(
        Command::new("unshare").args(words).arg(world(programs, spoil)).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    )
}

/// The doctor as an administrator calls it.
fn doctor(programs: &Programs) -> Said {
    in_world(programs, ":")
}
