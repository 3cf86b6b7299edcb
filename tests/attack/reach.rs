//! Calls that every program may make on a machine of its own, and that reach too far out of a jail.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{executable, seen};
use std::fs;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_cannot_take_a_lease_by_which_an_execve_of_another_session_waits() {
    let user = User::new();
    let program = user.in_home("program");
    executable::written("#!/bin/sh\necho ran\n", &program, (user.uid, user.uid), 0o755);
    // The kernel makes whoever opens the file wait for this one to let go, fs.lease-break-time at most: 45 seconds.
    let lease = "
import fcntl, os, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open('program', os.O_RDWR)
try: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK); print('leased')
except PermissionError: os.close(file)
open('ready', 'w')
while not os.path.exists('end'): time.sleep(0.05)
";
    let holder = user.call(&["python3", "-I", "-c", lease]).start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    let done = Call::new(["-t", "1", &user.name, "--", "./program"]).run();
    assert_eq!((done.code(), done.text().as_str()), (0, "ran"), "{:?}: {}", done.took, done.err);
    assert!(seen::within(Duration::from_secs(2), || seen::processes(user.uid).len() == 2), "{:?}", seen::processes(user.uid));
    fs::write(user.in_home("end"), "").unwrap();
    assert_eq!(holder.end().well(), "");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn one_jail_cannot_take_the_host_s_contexts_of_asynchronous_io() {
    let user = User::new();
    let take = "
import ctypes, errno
c = ctypes.CDLL(None, use_errno=True)
held = []
while len(held) < 1000:
    held.append(ctypes.c_ulong(0))
    if c.syscall(206, ctypes.c_long(8000), ctypes.byref(held[-1])) < 0: break
print(len(held) - 1, errno.errorcode[ctypes.get_errno()], open('/proc/sys/fs/aio-nr').read().strip())
";
    let before = fs::read_to_string("/proc/sys/fs/aio-nr").unwrap();
    assert_eq!(user.python(take), format!("0 ENOSYS {}", before.trim()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_cannot_move_its_files_to_another_project_s_quota() {
    let user = User::new();
    let set = "
import errno, fcntl, os
file = os.open('f', os.O_CREAT | os.O_RDWR)
# FS_IOC_FSSETXATTR with the project 7; FS_IOC_SETFLAGS without the flag by which a directory hands its project on.
for where, what, words in ((file, 0x401c5820, bytes(12) + (7).to_bytes(4, 'little') + bytes(12)), (os.open('.', os.O_RDONLY), 0x40086602, bytes(8))):
    try: fcntl.ioctl(where, what, words); print('done', hex(what))
    except OSError as e: e.errno == errno.EPERM or print(hex(what), e)
# 469 is file_setattr.
import ctypes
c = ctypes.CDLL(None, use_errno=True)
if c.syscall(469, -100, b'f', ctypes.create_string_buffer(24), 24, 0) != -1 or ctypes.get_errno() != errno.ENOSYS: print('file_setattr')
";
    assert_eq!(user.python(set), "");
}
