//! `/dev`, `/proc` and shared memory of a jail.

use crate::common::user::User;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn dev_holds_six_devices_five_links_and_two_directories() {
    let user = User::new();
    let list = "import os, stat\nfor n in sorted(os.listdir('/dev')):\n s = os.lstat('/dev/' + n)\n k = stat.S_IFMT(s.st_mode)\n \
                print(n, oct(s.st_mode), s.st_uid, s.st_gid, \
                f'{os.major(s.st_rdev)}:{os.minor(s.st_rdev)}' if k == stat.S_IFCHR else os.readlink('/dev/' + n) if k == stat.S_IFLNK else '')";
    let expected = "fd 0o120777 0 0 /proc/self/fd
full 0o20666 0 0 1:7
null 0o20666 0 0 1:3
ptmx 0o120777 0 0 pts/ptmx
pts 0o40755 0 0 
random 0o20666 0 0 1:8
shm 0o41777 0 0 
stderr 0o120777 0 0 /proc/self/fd/2
stdin 0o120777 0 0 /proc/self/fd/0
stdout 0o120777 0 0 /proc/self/fd/1
tty 0o20666 0 0 5:0
urandom 0o20666 0 0 1:9
zero 0o20666 0 0 1:5";
    assert_eq!(user.python(list), expected);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn devices_work() {
    let user = User::new();
    assert_eq!(user.shell("echo gone > /dev/null; head -c 4 /dev/zero | od -An -tx1; head -c 9 /dev/urandom | wc -c; head -c 9 /dev/random | wc -c"), " 00 00 00 00\n9\n9");
    let full = user.run(&["sh", "-c", "exec /bin/echo x > /dev/full"]);
    assert_eq!(full.code(), 1);
    assert!(full.err.contains("No space left on device"), "{}", full.err);
    // Within the jail: a pipe of the caller's belongs to the caller, and the kernel lets nobody else open it anew.
    let line = "{ echo through | cat /dev/stdin > /dev/stdout; echo e > /dev/stderr; echo fd | cat /dev/fd/0; } 2>&1 | cat";
    assert_eq!(user.shell(line), "through\ne\nfd");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_gets_terminals_of_its_jail_s_own() {
    let user = User::new();
    let text = "import os, pty\nm, s = pty.openpty()\nprint(os.ttyname(s))\nos.write(m, b'x\\n')\nprint(os.read(s, 9))";
    assert_eq!(user.python(text), "/dev/pts/0\nb'x\\n'");
    assert_eq!(user.shell("ls /dev/pts"), "ptmx");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_can_be_made_in_dev() {
    let user = User::new();
    let done = user.run(&["touch", "/dev/x"]);
    assert!(done.err.contains("Read-only file system"), "{}", done.err);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn proc_shows_the_session_and_nothing_else() {
    let user = User::new();
    let mut other = user.call(&["sleep", "60"]).start();
    assert!(crate::common::seen::within(std::time::Duration::from_secs(5), || user_runs(&user, "sleep")));
    let pids = user.shell("ls /proc | grep '^[0-9]' | sort -n | tr '\\n' ' '");
    assert!(!other.has_ended());
    assert!(pids.split_whitespace().all(|p| p.parse::<u32>().unwrap() < 10), "pids of elsewhere: {pids}");
    assert!(!user.shell("cat /proc/[0-9]*/comm").contains("sleep"), "another session of the same user shows");
    other.signal(libc::SIGTERM);
    assert_eq!(other.end().code(), 128 + libc::SIGTERM);
}

fn user_runs(user: &User, command: &str) -> bool {
    crate::common::seen::processes(user.uid).iter().any(|(_, c)| c == command)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn init_cannot_be_looked_into() {
    let user = User::new();
    for file in ["environ", "mem", "maps", "stack", "fd", "cwd", "root", "exe", "ns/mnt"] {
        let done = user.run(&["python3", "-I", "-c", &format!("import os\np = '/proc/1/{file}'\nos.readlink(p) if os.path.islink(p) else os.listdir(p) if p.endswith('fd') else open(p).read(1)")]);
        assert!(
            done.err.contains("Permission") || done.err.contains("not permitted"),
            "/proc/1/{file}: {} {}",
            done.text(),
            done.err
        );
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_kernel_s_knobs_cannot_be_turned() {
    let user = User::new();
    for file in ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/hostname"]
    {
        let done = user.run(&["sh", "-c", &format!("echo x > {file}")]);
        assert_ne!(done.code(), 0, "{file} was written");
    }
    for file in ["/proc/kcore", "/proc/kmsg"] {
        assert_ne!(user.run(&["head", "-c1", file]).code(), 0, "{file} was read");
    }
    assert_eq!(user.run(&["ls", "/sys"]).text(), "");
}
