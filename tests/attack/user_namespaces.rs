//! New namespaces, of users before all: where most local holes of the kernel's began.

use crate::common::user::User;
use crate::common::{executable, process, program, seen};
use std::fs;
use std::process::Command;

/// Every way to a namespace, with every kind. Prints what worked.
const WAYS: &str = "
import ctypes, errno, os, signal
c = ctypes.CDLL(None, use_errno=True)
KINDS = {'new': 0x20000, 'cgroup': 0x2000000, 'uts': 0x4000000, 'ipc': 0x8000000, 'user': 0x10000000, 'pid': 0x20000000, 'net': 0x40000000, 'time': 0x80}
def said(result):
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
for name, flag in KINDS.items():
    # The upper half of a register is not looked at by the kernel, and must not be by a filter.
    for high in (0, 1 << 32):
        answer = said(c.syscall(272, ctypes.c_ulong(flag | high)))
        if answer != 'EPERM': print('unshare', name, high, answer)
        if name != 'time':
            for more in (0, 0x10000000):
                answer = said(c.syscall(56, ctypes.c_ulong(flag | more | signal.SIGCHLD | high), 0, 0, 0, 0))
                if answer == 0: os._exit(0)
                if answer != 'EPERM': print('clone', name, high, answer)
    arguments = (ctypes.c_uint64 * 11)(flag, 0, 0, 0, signal.SIGCHLD)
    answer = said(c.syscall(435, ctypes.byref(arguments), 88))
    if answer == 0: os._exit(0)
    if answer != 'ENOSYS': print('clone3', name, answer)
for name in os.listdir('/proc/self/ns'):
    file = os.open('/proc/self/ns/' + name, os.O_RDONLY)
    for kind in (0, *KINDS.values()):
        answer = said(c.syscall(308, file, ctypes.c_ulong(kind)))
        if answer != 'EPERM': print('setns', name, kind, answer)
answer = said(c.syscall(308, c.syscall(434, os.getpid(), 0), 0x10000000))
if answer != 'EPERM': print('setns of a process', answer)
for name in ('uid_map', 'gid_map', 'setgroups', 'projid_map'):
    try: os.write(os.open('/proc/self/' + name, os.O_WRONLY), b'0 0 1' if 'map' in name else b'deny'); print('wrote', name)
    except OSError: pass
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_namespace_can_be_made_or_joined_from_inside() {
    assert_eq!(User::new().python(WAYS), "");
}

/// Tries to make a user namespace; 0 is success, else the errno.
fn unshare_users() -> std::io::Result<u8> {
    Ok(process::unshare(libc::CLONE_NEWUSER).map_or_else(|e| process::errno(&e), |()| 0))
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_the_filter_the_kernel_still_refuses_a_user_namespace_to_whoever_is_in_a_jail() {
    let user = User::new();
    user.ensure();
    let uid = user.uid;
    let inside = seen::in_jail(uid, || process::become_user(uid, uid).and_then(|()| unshare_users()));
    assert_eq!(i32::from(inside), libc::EPERM);
    // The same in the jail's namespaces, but with their own root: that it is another one is what the kernel refuses.
    let outside = process::apart(|| process::become_user(uid, uid).and_then(|()| unshare_users()));
    let allowed = fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap().trim() != "0";
    assert_eq!(outside == 0, allowed, "the host lets {uid} make one: the test means what it says");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_mount_of_the_host_at_a_path_longer_than_any_buffer_holds_up_neither_an_entry_nor_a_sweep() {
    let user = User::new();
    let sweeps = crate::common::sweep::ours();
    // As long a path as a mount can have; its line in the mount table is longer than PATH_MAX.
    let top = format!("/home/{}.deep", user.name);
    let deep = process::apart({
        let top = top.clone();
        move || {
            fs::create_dir(&top)?;
            std::env::set_current_dir(&top)?;
            for _ in 0..60 {
                let name = "d".repeat(250);
                fs::create_dir(&name)?;
                std::env::set_current_dir(&name)?;
            }
            process::mount("none", ".", "tmpfs", 0, "size=64k").map(|()| 0)
        }
    });
    assert_eq!(deep, 0);
    let longest = fs::read_to_string("/proc/1/mountinfo").unwrap_or_default().lines().map(str::len).max();
    let cold = user.run(&["id", "-u"]);
    let said = sweeps.sweep(user.uid);
    let again = user.run(&["id", "-u"]);
    drop((sweeps.sweep(user.uid), sweeps.sweep(user.uid)));
    let gone = process::apart(|| {
        std::env::set_current_dir(&top)?;
        for _ in 0..60 {
            std::env::set_current_dir("d".repeat(250))?;
        }
        std::env::set_current_dir("..")?;
        process::unmount(&"d".repeat(250), 0).map(|()| 0)
    });
    drop(Command::new("rm").args(["-rf", &top]).status());
    assert_eq!(gone, 0);
    assert_eq!((cold.well(), again.well()), (user.uid.to_string(), user.uid.to_string()));
    assert_eq!(said, "marked");
    assert!(!seen::is_pinned(user.uid));
    println!("the longest line of the mount table had {longest:?} bytes");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn inside_a_jail_the_program_itself_makes_nobody_root() {
    let user = User::new();
    executable::copied(program("trampoline"), user.in_home("t"), (0, 0), 0o4755);
    for words in [&[user.name.as_str(), "--", "id"][..], &["--ensure", &user.name], &["--explain", &user.name], &["--policy"]] {
        let command: Vec<&str> = std::iter::once("./t").chain(words.iter().copied()).collect();
        assert!(user.run(&command).failed(125).contains("no_new_privs"), "{words:?}");
    }
    fs::remove_file(user.in_home("t")).unwrap();
}
