//! The line for cron, as it is installed, in the hands of a real cron.

use crate::common::user::User;
use crate::common::{process, program, seen, sweep};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where tests/tools check unpacks it.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/cron");

/// The installed line, that it comes every minute; where what a start of the reaper brings is written down.
struct Table(PathBuf);

impl Table {
    fn installed() -> Self {
        let dir = std::env::temp_dir().join(format!("trampoline-cron-{}", std::process::id()));
        for part in ["sbin", "etc/cron.d"] {
            fs::create_dir_all(dir.join(part)).unwrap();
        }
        fs::write(dir.join("etc/crontab"), "").unwrap();
        let text = fs::read_to_string(format!("{}/etc/cron.d/trampoline-reaper", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let text = text.replace("@PREFIX@", dir.to_str().unwrap());
        assert!(text.contains("\n*/5 * * * * root "), "{text}");
        fs::write(dir.join("line"), text.replace("\n*/5 ", "\n* ")).unwrap();
        let noted = dir.join("noted").display().to_string();
        let reaper = program("reaper").display().to_string();
        let script = format!(
            "#!/bin/sh\n{reaper} -v \"$@\" >{noted}.new 2>&1\nx=$?\necho \"exit $x, uid $(id -u), $# words\" >>{noted}.new\n\
             mv {noted}.new {noted}\nexit $x\n"
        );
        fs::write(dir.join("sbin/reaper"), script).unwrap();
        assert!(Command::new("chmod").arg("755").arg(dir.join("sbin/reaper")).status().unwrap().success());
        Self(dir)
    }

    fn noted(&self) -> Option<String> {
        fs::read_to_string(self.0.join("noted")).ok()
    }

    /// A cron that knows this table alone, and stands beside the host's.
    fn cron(&self) -> Cron {
        let own = self.0.display();
        let script = format!(
            "mount -t tmpfs none /run; mount -t tmpfs none /var/spool; mkdir -p /var/spool/cron/crontabs\n\
             mount -t overlay -o lowerdir={own}/etc:{PROGRAMS}/etc:/etc none /etc; mount -t tmpfs none /etc/cron.d\n\
             cp {own}/line /etc/cron.d/trampoline-reaper; chmod 644 /etc/cron.d/trampoline-reaper\n\
             exec {PROGRAMS}/usr/sbin/cron -f -L 15"
        );
        let mut apart = Command::new("unshare");
        apart
            .args(["--mount", "--propagation", "private", "sh", "-euc", &script])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        Cron(apart.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

struct Cron(Child);

impl Drop for Cron {
    fn drop(&mut self) {
        process::kill(self.0.id(), libc::SIGTERM);
        self.0.wait().unwrap();
    }
}

/// Of the minute.
fn second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_line_for_cron_takes_an_idle_jail_down() {
    let (user, table) = (User::new(), Table::installed());
    // A sweep comes with the minute, to all jails; so the others wait for these few seconds, and no longer.
    let sweeps = loop {
        thread::sleep(Duration::from_secs((52 + 60 - second()) % 60));
        let sweeps = sweep::ours();
        if (50..57).contains(&second()) {
            break sweeps;
        }
    };
    user.ensure();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    let cron = table.cron();
    assert!(seen::within(Duration::from_secs(20), || table.noted().is_some()), "cron started nothing");
    drop(cron);
    let noted = table.noted().unwrap();
    assert!(noted.contains(&format!("{}: unmounted", user.uid)), "{noted}");
    assert!(noted.ends_with("exit 0, uid 0, 0 words\n"), "{noted}");
}
