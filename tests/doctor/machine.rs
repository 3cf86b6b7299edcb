//! The kernel and the host, spoiled.

use crate::common::user::User;
use crate::common::{LOG, RUN, process, program, seen};
use crate::{Programs, STATE, Said, in_world};
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

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_drain_that_was_stopped_is_found_with_its_number() {
    let user = User::new();
    let look =
        || Said::of(Command::new(program("jailbase")).arg("doctor").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"));
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
    process::kill(drain.id(), libc::SIGKILL);
    drain.wait().unwrap();
    assert_eq!(look().check("drains").0, "ok");
    running.signal(libc::SIGTERM);
    running.end();
}
