//! What one process inherits from another beside its words and descriptors: limits, signals, scheduling, capabilities,
//! securebits, an execution domain. The caller chose all of it.

use crate::common::call::{Call, Done};
use crate::common::user::User;
use crate::common::{WWW, process, seen};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

/// Every limit there is, with values that stop a program at a place of the caller's choice, or none.
fn hostile() -> Vec<(u32, u64)> {
    let no_limit = libc::RLIM_INFINITY;
    let mut all: Vec<(u32, u64)> = (0..=8).map(|n| (libc::RLIMIT_NOFILE, n)).collect();
    for value in [0, 1, 4096] {
        for limit in [
            libc::RLIMIT_FSIZE,
            libc::RLIMIT_CORE,
            libc::RLIMIT_MEMLOCK,
            libc::RLIMIT_SIGPENDING,
            libc::RLIMIT_MSGQUEUE,
            libc::RLIMIT_NPROC,
            libc::RLIMIT_LOCKS,
            libc::RLIMIT_RSS,
            libc::RLIMIT_RTTIME,
            libc::RLIMIT_NICE,
            libc::RLIMIT_RTPRIO,
        ] {
            all.push((limit, value));
        }
    }
    all.extend([
        (libc::RLIMIT_CPU, 1),
        (libc::RLIMIT_AS, 16 << 20),
        (libc::RLIMIT_DATA, 0),
        (libc::RLIMIT_DATA, 1 << 20),
        (libc::RLIMIT_STACK, 128 << 10),
    ]);
    all.extend(
        [libc::RLIMIT_CORE, libc::RLIMIT_STACK, libc::RLIMIT_NICE, libc::RLIMIT_RTPRIO, libc::RLIMIT_MSGQUEUE]
            .map(|limit| (limit, no_limit)),
    );
    all
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn none_of_the_sixteen_limits_is_the_caller_s_whatever_they_were() {
    let user = User::new();
    let look = ["cat", "/proc/self/limits"];
    let usual = user.run(&look).well();
    assert_eq!(usual.lines().count(), 17, "{usual}");
    for (limit, value) in hostile() {
        for soft in [true, false] {
            for entry in ["cold", "warm"] {
                let done = user
                    .call(&look)
                    .by(0, 0)
                    .after(move || {
                        let lower = || if soft { process::soft_limit(limit, value) } else { process::lower_limit(limit, value) };
                        // Only root raises a limit; but who becomes a user that has too many processes can execute nothing.
                        if limit == libc::RLIMIT_NPROC {
                            process::become_user(WWW, WWW)?;
                            return lower();
                        }
                        lower()?;
                        process::become_user(WWW, WWW)
                    })
                    .run();
                // Into no memory at all the kernel loads nobody, and musl's start ends a setuid program that may not have three
                // descriptors (poll(2) of 0, 1 and 2). And a container's root may not raise what was lowered for good; then
                // it stays low, and nothing else is.
                let too_low = (limit == libc::RLIMIT_DATA && value == 0 && !soft) || (limit == libc::RLIMIT_NOFILE && value < 3);
                if too_low && done.status.code().is_none() {
                    assert_eq!(done.text(), "", "{entry}, limit {limit} = {value}, soft: {soft}");
                    continue;
                }
                if soft || process::may_raise_limits() {
                    assert_eq!(done.well(), usual, "{entry}, limit {limit} = {value}, soft: {soft}");
                } else {
                    is_whole_or_nothing(&user, &done);
                }
            }
            seen::take_down(user.uid);
        }
    }
    println!("{} limits", hostile().len());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_stack_or_an_address_space_too_small_to_start_in_starts_nothing() {
    let user = User::new();
    for (limit, value) in [
        (libc::RLIMIT_STACK, 0),
        (libc::RLIMIT_STACK, 4096),
        (libc::RLIMIT_STACK, 8192),
        (libc::RLIMIT_AS, 0),
        (libc::RLIMIT_AS, 65_536),
        (libc::RLIMIT_AS, 1 << 20),
    ] {
        for _cold_then_warm in 0..2 {
            let mut call = user.call(&["cat", "/proc/self/status"]).after(move || process::limit(limit, value));
            // The kernel itself may refuse to execute it, or end it before its first line.
            let Ok(mut child) = call.command.spawn() else { continue };
            drop((child.stdin.take(), child.stderr.take()));
            let mut out = String::new();
            std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut out).unwrap();
            let status = child.wait().unwrap();
            assert!(out.is_empty() || is_confined(&user, &out), "limit {limit} = {value}: {status:?} {out}");
        }
        seen::take_down(user.uid);
        user.leaves_nothing();
    }
}

/// Whether this status is that of a program in a jail, with every privilege gone.
fn is_confined(user: &User, status: &str) -> bool {
    let four = format!("{0}\t{0}\t{0}\t{0}", user.uid);
    let lines =
        [format!("Uid:\t{four}"), format!("Gid:\t{four}"), "Groups:\t ".into(), "NoNewPrivs:\t1".into(), "Seccomp:\t2".into()];
    let capabilities = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|set| format!("{set}:\t0000000000000000"));
    lines.iter().chain(&capabilities).all(|line| status.lines().any(|l| l == line))
}

/// The program ran with nothing it should not have, or did not run; in which case nothing is left, or a jail that is whole.
#[track_caller]
fn is_whole_or_nothing(user: &User, done: &Done) {
    if done.status.success() {
        assert!(is_confined(user, &done.text()) || done.text().starts_with("Limit"), "{}", done.text());
    } else {
        assert_eq!(done.text(), "", "{}", done.err);
        assert!(matches!(done.status.code(), Some(77 | 125 | 126) | None), "{:?} {}", done.status, done.err);
        if seen::is_pinned(user.uid) {
            assert_eq!(user.run(&["id", "-u"]).well(), user.uid.to_string(), "a jail was left that is not whole");
        } else {
            user.leaves_nothing();
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn arguments_at_the_kernel_s_limit_pass_or_are_refused_as_a_whole() {
    let user = User::new();
    let word = "x".repeat(100_000);
    for limit in [8 << 20, 32 << 20, libc::RLIM_INFINITY] {
        for count in [15, 19, 20, 21, 40, 55, 60, 62] {
            let mut words = vec!["sh", "-c", "echo $# ${#9}", "name"];
            words.extend(std::iter::repeat_n(word.as_str(), count));
            let mut call = user.call(&words).after(move || process::soft_limit(libc::RLIMIT_STACK, limit));
            call.command.stdin(std::process::Stdio::null());
            let Ok(child) = call.command.spawn() else { continue };
            drop(call);
            let done = child.wait_with_output().unwrap();
            let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            match done.status.code() {
                Some(0) => assert_eq!(out.trim_end(), format!("{count} 100000")),
                // What trampoline itself was given may be more than what fits a program with the usual stack.
                code => assert!(code == Some(126) && out.is_empty() && err.contains("E2BIG"), "{count} words: {code:?} {err}"),
            }
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_caller_can_neither_stop_nor_kill_it_while_it_is_root() {
    let user = User::new();
    let dir = format!("{}/jails/{}", crate::common::STATE, user.uid);
    let held = process::flock(&dir);
    // It waits for the lock, as root, in the middle of a cold entry.
    let running = user.call(&["sh", "-c", "exit 7"]).start();
    let pid = running.pid();
    let status = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    assert!(seen::within(Duration::from_secs(5), || status().contains("Uid:\t0\t0\t0\t0")), "{}", status());
    let tries = "
import ctypes, os, signal, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
for n in list(range(1, 65)):
    if n == signal.SIGCONT: continue
    try:
        os.kill(pid, n)
        print('sent', n)
    except PermissionError:
        pass
fd = os.pidfd_open(pid)
for n in (9, 15, 19):
    try: signal.pidfd_send_signal(fd, n); print('sent by pidfd', n)
    except PermissionError: pass
for what, call in (('nice', lambda: os.setpriority(os.PRIO_PROCESS, pid, 19)), ('affinity', lambda: os.sched_setaffinity(pid, {0})),
                   ('scheduler', lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))),
                   ('limit', lambda: __import__('resource').prlimit(pid, 0, (1, 1)))):
    try: call(); print('changed', what)
    except PermissionError: pass
PTRACE, GETFD = {'x86_64': (101, 438), 'aarch64': (117, 438)}[os.uname().machine]
libc.syscall.restype = ctypes.c_long
for request in (16, 0x4206):
    if libc.syscall(ctypes.c_long(PTRACE), ctypes.c_long(request), ctypes.c_long(pid), None, None) == 0: print('traced')
for n in range(64):
    if libc.syscall(ctypes.c_long(GETFD), ctypes.c_long(fd), ctypes.c_long(n), ctypes.c_long(0)) >= 0: print('took descriptor', n)
for name in ('mem', 'environ', 'maps', 'syscall', 'auxv', 'fd', 'root', 'cwd', 'exe', 'ns/mnt'):
    try:
        path = '/proc/%d/%s' % (pid, name)
        os.readlink(path) if os.path.islink(path) else os.listdir(path) if name == 'fd' else open(path).read(1)
        print('read', name)
    except OSError: pass
";
    let said = Call::of("/usr/bin/python3", ["-I", "-c", tries, &pid.to_string()]).run().well();
    assert_eq!(said, "");
    assert!(status().contains("Uid:\t0\t0\t0\t0"), "it was not in its privileged part all the time");
    drop(held);
    assert_eq!(running.end().code(), 7);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_slowest_scheduling_a_caller_can_choose_neither_stops_an_entry_nor_holds_a_lock_for_long() {
    let user = User::new();
    let _quiet = crate::common::sweep::none();
    for (policy, name) in [(5, "idle"), (3, "batch")] {
        for entry in ["cold", "warm"] {
            let done = user
                .call(&["sh", "-c", "id -u; nice"])
                .after(move || {
                    // SAFETY: numbers and a live parameter. The caller gives up what it had; nobody has to let it.
                    unsafe {
                        process::said(libc::setpriority(libc::PRIO_PROCESS, 0, 19))?;
                        process::said(libc::syscall(libc::SYS_ioprio_set, 1, 0, 3 << 13) as i32)?;
                        process::said(libc::sched_setscheduler(0, policy, &libc::sched_param { sched_priority: 0 }))?;
                    }
                    process::run_on(0)
                })
                .run();
            assert_eq!(done.well(), format!("{}\n19", user.uid), "{name}, {entry}");
            assert!(done.took < Duration::from_secs(5), "{name}, {entry}: {:?}", done.took);
        }
        seen::take_down(user.uid);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_flag_of_the_caller_s_execution_domain_reaches_the_program() {
    let user = User::new();
    // ADDR_NO_RANDOMIZE MMAP_PAGE_ZERO ADDR_COMPAT_LAYOUT READ_IMPLIES_EXEC ADDR_LIMIT_32BIT SHORT_INODE WHOLE_SECONDS
    // STICKY_TIMEOUTS ADDR_LIMIT_3GB UNAME26, and PER_LINUX32.
    let flags =
        [0x4_0000, 0x10_0000, 0x20_0000, 0x40_0000, 0x80_0000, 0x100_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x2_0000, 0x8];
    for caller in [WWW, 0] {
        for flag in flags {
            let done = user
                .call(&["cat", "/proc/self/personality"])
                .by(0, 0)
                .after(move || {
                    // SAFETY: a number.
                    process::said(unsafe { libc::personality(flag) })?;
                    if caller == 0 { Ok(()) } else { process::become_user(WWW, WWW) }
                })
                .run();
            assert_eq!(done.well(), "00000000", "caller {caller}, flag {flag:x}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_capability_that_is_missing_from_the_caller_s_bounding_set_stops_it_or_makes_no_difference() {
    let user = User::new();
    let (mut ran, mut stopped) = (0, 0);
    let all: Vec<i32> = (0..=40).collect();
    for missing in all.iter().map(|one| vec![*one]).chain([all.clone(), vec![6, 7], vec![6, 7, 8], vec![21, 18]]) {
        for caller in [WWW, 0] {
            for _cold_then_warm in 0..2 {
                let missing = missing.clone();
                let done = user
                    .call(&["cat", "/proc/self/status"])
                    .by(0, 0)
                    .after(move || {
                        for capability in &missing {
                            // SAFETY: numbers.
                            process::said(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, *capability, 0, 0, 0) })?;
                        }
                        if caller == 0 { Ok(()) } else { process::become_user(WWW, WWW) }
                    })
                    .run();
                is_whole_or_nothing(&user, &done);
                *(if done.status.success() { &mut ran } else { &mut stopped }) += 1;
            }
            seen::take_down(user.uid);
        }
    }
    println!("{ran} entries were confined as always, {stopped} were stopped");
    assert!(ran > 40 && stopped > 10, "{ran} ran, {stopped} stopped");
}

/// Sets the caller's securebits, each with its lock.
fn securebits(bits: u64) -> std::io::Result<()> {
    // SAFETY: numbers.
    process::said(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, bits, 0, 0, 0) }).map(|_| ())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn securebits_that_the_caller_locked_keep_no_privilege_and_open_no_home() {
    let user = User::new();
    // A home that is the user's own, behind a directory where only root's rights lead.
    let hidden = User::new();
    let above = hidden.in_home("above");
    fs::create_dir_all(above.join("home")).unwrap();
    fs::write(above.join("home/secret"), "").unwrap();
    chown(above.join("home"), Some(hidden.uid), Some(hidden.uid)).unwrap();
    fs::set_permissions(&above, fs::Permissions::from_mode(0o700)).unwrap();
    hidden.set("home", &format!("{}/above/home", hidden.home));
    // NOROOT 1, NO_SETUID_FIXUP 4, KEEP_CAPS 16, NO_CAP_AMBIENT_RAISE 64; the lock of each is the next bit.
    for bits in [1, 3, 4, 12, 16, 48, 64, 192, 1 | 4, 3 | 12, 4 | 16, 0xff] {
        for caller in [WWW, 0] {
            let after = move || {
                securebits(bits)?;
                if caller == 0 { Ok(()) } else { process::become_user(WWW, WWW) }
            };
            for _cold_then_warm in 0..2 {
                is_whole_or_nothing(&user, &user.call(&["cat", "/proc/self/status"]).by(0, 0).after(after).run());
            }
            seen::take_down(user.uid);
            let done = hidden.call(&["ls", "-A"]).by(0, 0).after(after).run();
            assert_eq!(
                (done.text().as_str(), done.status.success()),
                ("", false),
                "securebits {bits:#x} of uid {caller}: {}",
                done.err
            );
            hidden.leaves_nothing();
        }
    }
}
