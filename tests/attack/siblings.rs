//! What a program sees of other processes of its user, and does to them: in another session, outside, and process 1 of its own.

use crate::common::attacker::rounds;
use crate::common::user::User;
use crate::common::{process, seen};
use std::fs;
use std::process::Stdio;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_sees_nothing_of_another_session_of_its_user_not_even_while_that_begins() {
    let user = User::new();
    let look = "
import ctypes, os
c = ctypes.CDLL(None)
rounds = 0
while not os.path.exists('end'):
    rounds += 1
    for pid in range(2, 64):
        if pid != os.getpid() and (c.syscall(434, pid, 0) >= 0 or c.kill(pid, 0) == 0): print('pid', pid)
    others = [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in (1, os.getpid())]
    if others: print(others)
    if rounds == 1: open('ready', 'w')
";
    let running = user.call(&["python3", "-I", "-c", look]).start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    let rounds = rounds(40);
    for _ in 0..rounds {
        user.run(&["true"]).well();
    }
    fs::write(user.in_home("end"), "").unwrap();
    assert_eq!(running.end().well(), "");
    println!("{rounds} sessions beside one that looks for them");
}

/// What may be tried on a process of the host's whose number is known. Prints what worked.
const REACH: &str = "
import ctypes, os, sys
c = ctypes.CDLL(None, use_errno=True)
one = (ctypes.c_ulong * 2)(1, 1)
word = ctypes.create_string_buffer(8)
for pid in map(int, sys.argv[1:]):
    tries = {
        'kill': lambda: c.kill(pid, 9), 'tgkill': lambda: c.syscall(234, pid, pid, 9), 'tkill': lambda: c.syscall(200, pid, 9),
        'sigqueue': lambda: c.sigqueue(pid, 9, 0), 'pidfd_open': lambda: c.syscall(434, pid, 0), 'ptrace': lambda: c.ptrace(16, pid, 0, 0),
        'process_vm_readv': lambda: c.process_vm_readv(pid, 0, 0, 0, 0, 0), 'prlimit': lambda: c.prlimit(pid, 7, ctypes.byref(one), 0),
        'setpriority': lambda: c.setpriority(0, pid, 19), 'getpgid': lambda: c.getpgid(pid), 'getsid': lambda: c.getsid(pid),
        'sched_getaffinity': lambda: c.sched_getaffinity(pid, 8, word), 'sched_setaffinity': lambda: c.sched_setaffinity(pid, 8, word),
        'ioprio_set': lambda: c.syscall(251, 1, pid, 3 << 13), 'get_robust_list': lambda: c.syscall(274, pid, word, word),
        'killpg': lambda: c.killpg(pid, 9), 'proc': lambda: os.path.exists('/proc/%d' % pid) - 1,
    }
    for name, what in tries.items():
        if what() >= 0: print(name, pid)
c.kill(-1, 19)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_process_of_the_same_uid_outside_the_jail_is_out_of_reach() {
    let user = User::new();
    let mut command = std::process::Command::new("/bin/sleep");
    command.arg("60").stdin(Stdio::null());
    let uid = user.uid;
    process::before_exec(&mut command, move || process::become_user(uid, uid));
    let mut outside = command.spawn().unwrap();
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).len() == 3));
    // The other session's own supervisor, process 1 and program, by the numbers they have on the host.
    let pids: Vec<String> =
        seen::processes(user.uid).iter().map(|(pid, _)| pid.to_string()).chain([running.pid().to_string()]).collect();
    let words: Vec<&str> = ["python3", "-I", "-c", REACH].into_iter().chain(pids.iter().map(String::as_str)).collect();
    let limits = |pid: &String| fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let before: Vec<String> = pids.iter().map(limits).collect();
    assert_eq!(user.run(&words).well(), "");
    assert_eq!(pids.iter().map(limits).collect::<Vec<_>>(), before);
    assert!(outside.try_wait().unwrap().is_none());
    outside.kill().unwrap();
    outside.wait().unwrap();
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().code(), 128 + libc::SIGTERM);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn process_1_cannot_be_turned_by_the_files_that_proc_has_of_it() {
    let user = User::new();
    let walk = "
import os
for top in ('/proc/1', '/proc/1/task/1'):
    for name in sorted(os.listdir(top)):
        path = top + '/' + name
        for text in (b'0', b'-1', b'1'):
            try:
                file = os.open(path, os.O_WRONLY)
                try: os.write(file, text); print('wrote', path, text)
                finally: os.close(file)
            except OSError: pass
";
    assert_eq!(user.python(walk), "");
}
