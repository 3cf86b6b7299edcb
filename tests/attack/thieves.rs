//! Whoever takes something out of it while it works, or turns its own file against it: the caller, and a program inside.

use crate::common::attacker::rounds;
use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{STATE, WWW, executable, process, program, seen};
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// Grasps for the first descriptors of a process and for what its links lead to; what was had is a line of `loot`.
fn grasp(pid: i32, loot: &mut Vec<String>) -> u64 {
    const FIRST: i32 = 12;
    // SAFETY: numbers; a new descriptor is nobody else's.
    let victim = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32 };
    if victim >= 0 {
        // SAFETY: as said.
        let victim = unsafe { OwnedFd::from_raw_fd(victim) };
        for number in 0..FIRST {
            // SAFETY: as above.
            let got = unsafe { libc::syscall(libc::SYS_pidfd_getfd, victim.as_raw_fd(), number, 0) as i32 };
            if got >= 0 {
                // SAFETY: as said.
                let got = unsafe { OwnedFd::from_raw_fd(got) };
                let what = fs::read_link(format!("/proc/self/fd/{}", got.as_raw_fd())).unwrap_or_default();
                // Before its execve it is a copy of the thief, with the thief's three streams.
                if number > 2 || !what.starts_with("/dev/null") {
                    loot.push(format!("descriptor {number} of {pid}: {}", what.display()));
                }
            }
        }
    }
    for link in ["exe", "fd/3"] {
        // Whoever may read the one may read them all, and the memory. Before its execve it is the thief's own program.
        match fs::read_link(format!("/proc/{pid}/{link}")) {
            Ok(to) if link != "exe" || to.ends_with("trampoline") => loot.push(format!("{link} of {pid}: {}", to.display())),
            _ => {}
        }
    }
    FIRST as u64 + 2
}

/// As this uid: calls trampoline again and again and robs it, and its child, all the while. How often it tried, and its loot.
fn rob(uid: u32, words: &[String], calls: u32) -> (u64, Vec<String>) {
    let (mut read, mut write) = std::io::pipe().unwrap();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let words: Vec<&str> = std::iter::once("trampoline").chain(words.iter().map(String::as_str)).collect();
    let code = process::apart(|| {
        let null = process::open("/dev/null", libc::O_RDWR)?;
        process::become_user(uid, WWW)?;
        let (mut tries, mut loot) = (0, Vec::new());
        for _ in 0..calls {
            // SAFETY: the child makes a few system calls and executes; glibc keeps malloc usable after a fork.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                // SAFETY: live descriptors and numbers.
                unsafe { (0..3).for_each(|stream| assert!(libc::dup2(null.as_raw_fd(), stream) == stream)) };
                process::execute(&path, &words);
                // SAFETY: ends this process alone.
                unsafe { libc::_exit(99) };
            }
            let mut status = 0;
            // SAFETY: our own child and a live integer.
            while unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == 0 {
                tries += grasp(pid, &mut loot);
                for child in seen::children(pid) {
                    tries += grasp(child, &mut loot);
                }
            }
            if status != 0 {
                loot.push(format!("the call itself failed: {status:#x}"));
            }
        }
        loot.truncate(20);
        writeln!(write, "{tries}\n{}", loot.join("\n"))?;
        Ok(0)
    });
    assert_eq!(code, 0, "the thief failed");
    drop(write);
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap().parse().unwrap(), lines.filter(|line| !line.is_empty()).collect())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_that_it_has_open_can_be_taken_out_of_it_at_any_moment() {
    const CALLS: u32 = 10;
    let user = User::new();
    let rounds = rounds(5);
    let mut all = 0;
    for round in 0..rounds {
        // The caller, and the user: whose uid the session has, and who may call as well.
        for thief in [WWW, user.uid] {
            seen::take_down(user.uid);
            let words = [&user.name, "--", "/bin/true"].map(str::to_owned);
            let (tries, loot) = rob(thief, &words, CALLS);
            assert!(loot.is_empty(), "round {round}, a thief of uid {thief}: {loot:#?}");
            all += tries;
        }
    }
    println!("{} calls, {all} grasps, no loot", rounds * 2 * CALLS);
}

/// What processes of a uid have open that this call traces, from now until it ends.
fn open_while(call: Call, uids: [u32; 2]) -> [BTreeSet<String>; 2] {
    let mut running = call.start();
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    let traced = format!("TracerPid:\t{}\n", running.pid());
    while !running.has_ended() {
        for (uid, found) in uids.iter().zip(&mut found) {
            for (pid, command) in seen::processes(*uid) {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                let ours = command == "trampoline" && status.contains(&traced);
                if !ours || !status.contains(&format!("Uid:\t{uid}\t{uid}\t{uid}\t")) {
                    continue;
                }
                let mut open = Vec::new();
                for entry in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
                    let what = fs::read_link(entry.path()).unwrap_or_default().display().to_string();
                    let number: u32 = entry.file_name().to_str().unwrap().parse().unwrap();
                    let kind = if number < 3 { "a standard stream" } else { what.split('[').next().unwrap_or_default() };
                    open.push(kind.to_owned());
                }
                // It may have become the program meanwhile, which opens what it likes.
                if fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|command| command == "trampoline\n") {
                    found.extend(open);
                }
            }
        }
    }
    running.end().well();
    found
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn from_the_change_of_the_uid_on_nothing_is_open_but_the_lease_and_what_a_session_needs() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    for entry in ["cold", "warm"] {
        // Held up wherever a uid changes, so that there is time to look.
        let words = [
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=setresuid,execve",
            "-e",
            "inject=setresuid:delay_exit=80000",
            "-u",
            "www-data",
            &path,
        ];
        let call = Call::of("/usr/bin/strace", words.into_iter().chain(user.words(&["/bin/true"]))).by(0, 0);
        let [supervisor, init] = open_while(call, [WWW, user.uid]);
        let lease = format!("/pins/{}", user.uid);
        let all = |more: &[&str]| {
            ["a standard stream", &lease, "pipe:"].iter().chain(more).map(|s| (*s).to_owned()).collect::<BTreeSet<_>>()
        };
        assert_eq!(supervisor, all(&[]), "{entry}");
        // Process 1 is to hear of its children, but only later.
        assert!(init == all(&[]) || init == all(&["anon_inode:"]), "{entry}: {init:?}");
    }
}

/// What a caller of the same real uid may try on a process that is root by now. Prints what worked.
const TRIES: &str = "
import ctypes, os, signal, sys
c = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
def worked(what, result):
    if result >= 0: print(what, result)
class Vector(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
buffer = ctypes.create_string_buffer(8)
mine, theirs = Vector(ctypes.addressof(buffer), 8), Vector(0x400000, 8)
for what in (16, 0x4206): worked('ptrace', c.ptrace(what, pid, 0, 0))
worked('process_vm_readv', c.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0))
worked('process_vm_writev', c.process_vm_writev(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0))
handle = c.syscall(434, pid, 0)
for number in range(20): worked('pidfd_getfd', c.syscall(438, handle, number, 0))
for number in (0, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
    worked('kill', c.kill(pid, number))
    worked('pidfd_send_signal', c.syscall(424, handle, number, 0, 0))
worked('kcmp', c.syscall(312, os.getpid(), pid, 0, 0, 0))
worked('process_madvise', c.syscall(440, handle, ctypes.byref(theirs), 1, 4, 0))
worked('move_pages', c.syscall(279, pid, 0, 0, 0, 0, 0))
worked('setpgid', c.setpgid(pid, os.getpgrp()))
worked('get_robust_list', c.syscall(274, pid, buffer, buffer))
one = (ctypes.c_ulong * 2)(1, 1)
for resource in range(16): worked('prlimit', c.prlimit(pid, resource, ctypes.byref(one), 0))
worked('setpriority', c.setpriority(0, pid, 19))
worked('sched_setaffinity', c.sched_setaffinity(pid, 8, ctypes.byref(ctypes.c_ulong(1))))
worked('sched_setscheduler', c.sched_setscheduler(pid, 5, ctypes.byref(ctypes.c_int(0))))
worked('ioprio_set', c.syscall(251, 1, pid, 3 << 13))
worked('sched_core', c.prctl(62, 2, pid, 0, 0))
def tried(how, flags):
    try:
        file = os.open(how, flags)
        # This one opens for everybody, and asks for a privilege when it is written.
        if not how.endswith('/timerslack_ns') or os.write(file, b'1'): print('opened', how, flags)
        os.close(file)
    except OSError: pass
top = '/proc/%d/' % pid
# What everybody may read of everybody.
public = {'cmdline', 'comm', 'stat', 'statm', 'status', 'limits', 'maps', 'smaps', 'numa_maps', 'smaps_rollup', 'cgroup', 'mountinfo', 'mounts', 'sched',
          'schedstat', 'oom_score', 'oom_score_adj', 'oom_adj', 'loginuid', 'sessionid', 'wchan', 'cpuset', 'autogroup', 'coredump_filter',
          'cpu_resctrl_groups', 'uid_map', 'gid_map', 'projid_map', 'setgroups', 'timens_offsets', 'gid_map', 'make-it-fail', 'fail-nth',
          'ksm_stat', 'ksm_merging_pages', 'arch_status', 'timers', 'seccomp_cache', 'timerslack_ns', 'latency', 'io', 'patch_state'}
for name in sorted(os.listdir(top)):
    if os.path.isdir(top + name) and not os.path.islink(top + name): continue
    if os.path.islink(top + name):
        try: print('followed', name, os.readlink(top + name))
        except OSError: pass
        continue
    tried(top + name, os.O_WRONLY)
    if name not in public: tried(top + name, os.O_RDONLY)
for name in ('fd', 'fdinfo', 'map_files', 'cwd', 'root'):
    try: print('listed', name, os.listdir(top + name))
    except OSError: pass
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_has_all_the_time_can_do_nothing_to_it_while_it_is_root() {
    let user = User::new();
    // A cold entry waits for this lock, with everything open that it will need.
    let held = File::open(format!("{STATE}/jails/{}", user.uid)).unwrap();
    held.lock().unwrap();
    let running = user.call(&["id", "-u"]).start();
    let pid = running.pid().to_string();
    let waits = || {
        fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|s| s.contains("Uid:\t0\t0\t0\t0\n"))
            && fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|all| all.count() > 6)
    };
    assert!(seen::within(Duration::from_secs(5), waits), "it does not wait for the lock");
    let tried = Call::of("/usr/bin/python3", ["-I", "-c", TRIES, &pid]).run();
    assert_eq!(tried.well(), "");
    held.unlock().unwrap();
    assert_eq!(running.end().well(), user.uid.to_string());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn its_own_executable_can_be_neither_written_nor_used_from_inside() {
    let user = User::new();
    // One that everybody may execute, as an installation for login shells has it; in sight of the jail, which is worse.
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    let copy = user.in_home("trampoline");
    executable::copied(program("trampoline"), &copy, (0, 0), 0o4755);
    let before = fs::read(&copy).unwrap();
    let call = |command: &[&str]| Call::of(&copy, user.words(command)).run();
    for name in ["script", "again"] {
        let line = if name == "script" { "#!/proc/self/exe" } else { "#!/proc/self/exe --policy" };
        executable::written(format!("{line}\n"), user.in_home(name), (0, 0), 0o755);
    }
    let home = &user.home;
    let again = format!("{home}/trampoline");
    let name = user.name.as_str();
    for command in [
        &["/proc/self/exe", name, "--", "id"][..],
        &["/proc/1/exe", name, "--", "id"],
        &["./script"],
        &["./again"],
        &[&again, name, "--", "id"],
    ] {
        let done = call(command);
        assert!([125, 126].contains(&done.code()) && done.text().is_empty(), "{command:?}: {} {}", done.code(), done.text());
        assert!(done.code() == 126 || done.err.contains("no_new_privs"), "{command:?}: {}", done.err);
    }
    let write = format!(
        "
import os, subprocess, time
child = subprocess.Popen(['{again}', '--help'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
for path in ['/proc/1/exe', '/proc/%d/exe' % child.pid, '/proc/self/exe', '{again}', '/proc/thread-self/exe']:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
        try: os.open(path, flags); print('opened', path, flags)
        except OSError: pass
for path in ['{again}', '/proc/%d/exe' % child.pid]:
    for what in (lambda: os.chmod(path, 0o777), lambda: os.truncate(path, 0), lambda: os.utime(path), lambda: os.setxattr(path, 'user.x', b'')):
        try: what(); print('changed', path)
        except OSError: pass
"
    );
    assert_eq!(call(&["python3", "-I", "-c", &write]).well(), "");
    assert!(fs::read(&copy).unwrap() == before && fs::metadata(&copy).unwrap().permissions().mode() & 0o7777 == 0o4755);
    fs::remove_file(&copy).unwrap();
}
