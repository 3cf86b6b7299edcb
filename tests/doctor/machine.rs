//! The kernel and the host, spoiled.

use crate::common::user::User;
use crate::common::{LOG, RUN, process, program, seen};
use crate::{Programs, STATE, Said, in_world};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What is broken, which check must say so, how much it matters, and a word of what it says.
type Row = (&'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("say /proc/sys/fs/protected_symlinks 0", "protected-symlinks", "advice", "fs.protected_symlinks = 0"),
    ("say /proc/sys/fs/protected_symlinks 1", "protected-symlinks", "ok", "= 1"),
    ("say /proc/sys/fs/protected_hardlinks 0", "protected-hardlinks", "advice", "= 0"),
    ("say /proc/sys/fs/protected_fifos 0", "protected-fifos", "advice", "= 0"),
    ("say /proc/sys/fs/protected_fifos 2", "protected-fifos", "ok", "= 2"),
    ("say /proc/sys/fs/protected_regular 0", "protected-regular", "advice", "= 0"),
    ("say /proc/sys/kernel/perf_event_paranoid -1", "perf-events", "advice", "= -1"),
    ("say /proc/sys/fs/suid_dumpable 1", "suid-dumpable", "problem", "can have its memory"),
    ("say /proc/sys/fs/suid_dumpable 2", "suid-dumpable", "advice", "dumped for root"),
    ("say /proc/sys/kernel/core_pattern '|/opt/handler %p'", "core-pattern", "advice", "/opt/handler runs as root"),
    ("say /proc/sys/user/max_user_namespaces 0", "user-namespaces", "ok", "cannot make"),
    ("say /proc/sys/user/max_user_namespaces 7", "user-namespaces", "advice", "can make user namespaces"),
    ("say /proc/sys/user/max_net_namespaces 5", "namespaces-room", "problem", "user.max_net_namespaces = 5"),
    ("say /proc/sys/kernel/pid_max 1", "processes-room", "advice", "kernel.pid_max = 1"),
    ("say /proc/sys/kernel/pty/reserve 0", "terminals-room", "advice", "kernel.pty.reserve = 0"),
    ("sed -i /:33:/d /etc/passwd", "policy-callers", "advice", "uid 33"),
    ("echo 'PRUNEPATHS=\"/tmp\"' >/etc/updatedb.conf", "updatedb", "advice", STATE),
    ("mkdir -p /etc/tmpfiles.d; echo 'R /var/lib' >/etc/tmpfiles.d/x.conf", "tmpfiles", "problem", "R /var/lib"),
    (
        "mkdir -p /etc/cron.daily; echo 'tmpwatch 240 /var' >/etc/cron.daily/tmpwatch",
        "file-cleaners",
        "problem",
        "tmpwatch 240 /var",
    ),
    ("echo '0 3 * * * root restic backup /' >/etc/cron.d/backup", "copiers", "advice", "restic"),
    ("echo '# nothing' >/etc/cron.d/trampoline-reaper", "reaper-scheduled", "problem", "nothing starts the reaper"),
    (
        "echo '5 * * * * root /opt/gone/reaper' >/etc/cron.d/trampoline-reaper",
        "reaper-scheduled",
        "problem",
        "none of the reapers",
    ),
    (
        "mount -t tmpfs -o mode=755 none /run; mkdir -p /run/systemd/system",
        "reaper-scheduled",
        "problem",
        "nothing starts the reaper",
    ),
    ("mount -t tmpfs none /sys/fs/cgroup", "cgroups", "advice", "not cgroup v2"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn each_fault_of_the_host_is_found_by_the_check_of_its_name() {
    let programs = Programs::new();
    for (spoil, check, level, part) in ROWS {
        let said = in_world(&programs, spoil);
        let (found, what) = said.check(check);
        assert_eq!(found, *level, "{spoil}: {what}");
        assert!(what.contains(part), "{spoil}: {what}");
        // One thing is broken, so no other check has a problem.
        let expected: Vec<&str> = (*level == "problem").then_some(*check).into_iter().collect();
        assert_eq!(said.problems(), expected, "{spoil}");
        assert_eq!(said.code, i32::from(*level == "problem"), "{spoil}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_timer_that_is_enabled_and_starts_the_installed_reaper_is_well() {
    let programs = Programs::new();
    let timer = |reaper: &str| {
        let unit = "/run/systemd/system";
        in_world(
            &programs,
            &format!(
                "mount -t tmpfs -o mode=755 none /run; mkdir -p {unit}/timers.target.wants; rm /etc/cron.d/trampoline-reaper\n\
                 echo 'ExecStart={reaper}' >{unit}/trampoline-reaper.service\n\
                 touch {unit}/trampoline-reaper.timer; ln -s ../trampoline-reaper.timer {unit}/timers.target.wants/"
            ),
        )
    };
    assert_eq!(timer(&programs.path("reaper")).check("reaper-scheduled").0, "ok");
    let said = timer("/opt/gone/reaper");
    assert_eq!(said.check("reaper-scheduled").0, "problem");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_kernel_that_lacks_a_call_is_found_by_trying_it() {
    let programs = Programs::new();
    for call in
        ["clone3", "unshare", "open_tree", "mount_setattr", "fsopen", "fsmount", "move_mount", "openat2", "mount", "seccomp"]
    {
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error=ENOSYS"));
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, &programs.path("jailbase"), "doctor"]);
        let done = strace.output().unwrap();
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        if call == "openat2" {
            // Nothing at all can be looked at without it.
            assert_eq!(done.status.code(), Some(1), "{out}");
        }
        let line = out.lines().find(|line| line.split_whitespace().nth(1) == Some("kernel-calls"));
        let line = line.unwrap_or_else(|| panic!("{call}: {out} {}", String::from_utf8_lossy(&done.stderr)));
        assert!(line.starts_with("problem") && line.contains("(ENOSYS)"), "{call}: {line}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_old_kernel_is_told_of_its_known_holes() {
    let programs = Programs::new();
    let said = Said::of(Command::new("setarch").args(["--uname-2.6", &programs.path("jailbase"), "doctor"]));
    let (level, what) = said.check("kernel-holes");
    assert!(level == "advice" && what.contains("CVE-2026-46333"), "{what}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_log_that_nobody_reads_is_found() {
    let programs = Programs::new();
    assert_eq!(in_world(&programs, ":").check("system-log").0, "ok");
    assert_eq!(in_world(&programs, &format!("mount --bind /etc/hosts {LOG}")).check("system-log").0, "advice");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_strange_holder_and_a_pin_that_the_host_sees_are_found() {
    let programs = Programs::new();
    let on_run = |spoil: &str| in_world(&programs, &format!("mount -t tmpfs -o mode=700 none {RUN}; {spoil}"));
    let link = on_run(&format!("ln -s /etc {RUN}/holder"));
    assert_eq!(link.problems(), ["holder"]);
    let pin = on_run(&format!("touch {RUN}/2001; mount --bind /proc/self/ns/uts {RUN}/2001"));
    assert_eq!(pin.problems(), ["mount-table"]);
    let plain = on_run(&format!("touch {RUN}/holder"));
    assert!(plain.problems().is_empty(), "{plain:#?}");
    let lost = plain.check("holder");
    assert!(lost.0 == "advice" && lost.1.contains("somebody unmounted"), "{plain:#?}");
}

/// The doctor of the machine as it is, and what it says to do about one check.
fn look() -> Said {
    Said::of(Command::new(program("jailbase")).arg("doctor").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
}

fn to_do(check: &str) -> Vec<(String, String)> {
    let done = Command::new(program("jailbase")).args(["doctor", "--json"]).env_clear().output().unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_slice(&done.stdout).unwrap();
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    all.iter().filter(|finding| finding["check"] == check).map(|one| (text(one, "found"), text(one, "do"))).collect()
}

/// What is put among the pins for a test, and taken out of there again.
struct Strangers(Vec<Vec<u8>>);

impl Strangers {
    fn put(names: &[&[u8]], mounted: &str) -> Self {
        let put = Self(names.iter().map(|name| [b"/pins/", *name].concat()).collect());
        let done = seen::in_holder(|| {
            for path in &put.0 {
                std::fs::write(OsStr::from_bytes(path), "")?;
            }
            let at = format!("/pins/{mounted}");
            std::fs::remove_file(&at).and_then(|()| std::fs::create_dir(&at))?;
            process::mount("tmpfs", &at, "tmpfs", 0, "").map(|()| 1)
        });
        assert_eq!(done, 1, "cannot put {names:?}");
        put
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        seen::in_holder(|| {
            for path in &self.0 {
                let path = OsStr::from_bytes(path);
                while path.to_str().is_some_and(|path| process::unmount(path, libc::MNT_DETACH).is_ok()) {}
                drop(std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path)));
            }
            Ok(1)
        });
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_among_the_pins_and_no_user_s_is_found_whatever_its_name_and_said_with_what_takes_it_away() {
    let (user, lost) = (User::new(), User::new());
    user.ensure();
    lost.ensure();
    let well = to_do("holder");
    assert_eq!(well[0].1, "", "{well:?}");
    let names: [&[u8]; 5] = [b"59991", b"59992", b"999", b"\xff\xfe", b"a b"];
    let strangers = Strangers::put(&names, "59991");
    let away = format!("{STATE}/moved-{}", lost.uid);
    std::fs::rename(lost.file(""), &away).unwrap();
    let found = to_do("holder");
    std::fs::rename(&away, lost.file("")).unwrap();
    drop(strangers);
    let starts = [
        format!("a jail of uid {} lives, and no user has that uid: its spec was moved or removed", lost.uid),
        "59991 lies among the pins and is none of a jail's, but a mount (tmpfs)".to_owned(),
        "59992 among the pins is the empty place of one, and no user has that uid".to_owned(),
        "999 lies among the pins and is none of a jail's, but a file of uid 0".to_owned(),
        "a b lies among the pins and is none of a jail's, but something".to_owned(),
        "\\xff\\xfe lies among the pins and is none of a jail's, but something".to_owned(),
    ];
    let mut said: Vec<&str> = found.iter().map(|(found, _)| found.as_str()).collect();
    let mut expected: Vec<&str> = starts.iter().map(String::as_str).collect();
    said.sort_unstable();
    expected.sort_unstable();
    assert_eq!(said, expected);
    for (found, todo) in &found {
        let command = match found {
            found if found.contains("jail of uid") => format!("reaper --drain {}", lost.uid),
            found if found.contains("empty place") => "by a sweep: reaper".to_owned(),
            _ => format!("reaper --drain --all && umount {RUN}/holder && rm {RUN}/holder"),
        };
        assert!(todo.contains(&command), "{found}: {todo}");
        assert_eq!(found.contains("a file of uid 0"), todo.contains("journalctl --since @"), "{found}: {todo}");
    }
    assert_eq!(to_do("holder"), well);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_that_was_stopped_is_found_with_its_number() {
    let user = User::new();
    assert_eq!(look().check("drains").0, "ok");
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, name)| name == "sleep")));
    let mut drain = Command::new(program("reaper")).args(["--drain", &user.name]).stderr(Stdio::null()).spawn().unwrap();
    assert!(seen::within(Duration::from_secs(5), || user.run(&["true"]).code() == 77));
    process::kill(drain.id(), libc::SIGSTOP);
    let said = look();
    let (level, found) = said.check("drains");
    let who = format!("pid {} ({} --drain {})", drain.id(), program("reaper").display(), user.name);
    assert!(level == "advice" && found.contains(&who), "{said:#?}");
    let todo = &to_do("drains")[0].1;
    assert!(todo.contains(&format!(" kill -9 {}: ", drain.id())) && !todo.contains("PID"), "{todo}");
    process::kill(drain.id(), libc::SIGKILL);
    drain.wait().unwrap();
    assert_eq!(look().check("drains").0, "ok");
    running.signal(libc::SIGTERM);
    running.end();
}
