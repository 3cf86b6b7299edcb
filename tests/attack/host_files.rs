//! The host's own control files, devices and file systems, looked for from inside a jail.

use crate::common::user::User;
use crate::common::{STATE, process, seen};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

/// Opens every file of `/proc` for writing, but those of processes, and writes to what opens. Prints what opened, and what took.
const WALK: &str = "
import os
walked = 0
for top in ('/proc', '/sys'):
    for at, directories, files in os.walk(top):
        if at == '/proc': directories[:] = [d for d in directories if not d.isdigit() and d not in ('self', 'thread-self')]
        for name in files:
            path, walked = os.path.join(at, name), walked + 1
            try: file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError: continue
            print('opened', path)
            for text in (b'1', b'0\\n', b'x'):
                try: os.write(file, text); print('took', path, text)
                except OSError: pass
        for what in (lambda: os.mkdir(at + '/x'), lambda: os.open(at + '/x', os.O_CREAT), lambda: os.chmod(at, 0o777), lambda: os.rename(at, at + 'x')):
            try: what(); print('changed', at)
            except OSError: pass
print('walked', walked)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_setting_of_the_kernel_s_can_be_written_wherever_it_lies() {
    let user = User::new();
    let text = user.python(WALK);
    // These open for everybody. The first asks for a privilege when it is written; of pressure everybody may be told.
    let open = |path: &str| path == "/proc/sys/kernel/ns_last_pid" || path.starts_with("/proc/pressure/");
    let (mut walked, mut odd) = (0, Vec::new());
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("walked", count)) => walked = count.parse().unwrap(),
            Some(("opened", path)) if open(path) => {}
            _ => odd.push(line),
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(walked > 500, "only {walked} files of /proc were tried");
    println!("{walked} files tried");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_file_system_of_the_host_s_control_files_is_there_or_can_be_mounted() {
    let user = User::new();
    let table = user.shell("cat /proc/self/mountinfo");
    let kind = |line: &str| line.split_once(" - ").unwrap().1.split(' ').next().unwrap().to_owned();
    let control = [
        "cgroup",
        "cgroup2",
        "sysfs",
        "debugfs",
        "tracefs",
        "securityfs",
        "bpf",
        "configfs",
        "pstore",
        "efivarfs",
        "binfmt_misc",
        "mqueue",
        "hugetlbfs",
        "devtmpfs",
        "fusectl",
        "rpc_pipefs",
        "nfsd",
        "selinuxfs",
    ];
    for line in table.lines() {
        assert!(!control.contains(&kind(line).as_str()), "{line}");
    }
    let last = table.lines().last().unwrap();
    assert_eq!((last.split(' ').nth(4), kind(last).as_str()), (Some("/proc"), "proc"), "the last word on /proc is the kernel's");
    let more = [
        "proc", "tmpfs", "overlay", "ext4", "xfs", "btrfs", "squashfs", "iso9660", "fuse", "nfs", "9p", "ramfs", "devpts",
        "binder",
    ];
    let tries = format!(
        "
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
os.makedirs('at', exist_ok=True); os.makedirs('upper', exist_ok=True); os.makedirs('work', exist_ok=True)
for kind in {:?}.split():
    data = b'lowerdir=/usr,upperdir=upper,workdir=work' if kind == 'overlay' else None
    if c.mount(b'none', b'at', kind.encode(), 0, data) == 0 or ctypes.get_errno() != 1: print('mounted', kind, ctypes.get_errno())
    for call in (430, 442, 428, 429, 433):
        if c.syscall(call, kind.encode(), 0, 0, 0, 0) != -1 or ctypes.get_errno() != 38: print('asked', call, kind)
",
        control.iter().chain(&more).copied().collect::<Vec<_>>().join(" ")
    );
    assert_eq!(user.python(&tries), "");
}

/// Makes a device that everybody may open.
fn node(path: impl AsRef<std::path::Path>, kind: u32, major: u32, minor: u32) {
    let c = CString::new(path.as_ref().to_str().unwrap()).unwrap();
    // SAFETY: a C string and numbers.
    process::said(unsafe { libc::mknod(c.as_ptr(), kind | 0o666, libc::makedev(major, minor)) }).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_device_can_be_neither_made_nor_opened_wherever_it_lies() {
    let user = User::new();
    user.ensure();
    let disk = fs::read_to_string("/proc/partitions").unwrap();
    let disk: Vec<u32> = disk.lines().nth(2).unwrap().split_whitespace().take(2).map(|n| n.parse().unwrap()).collect();
    // Somebody with the right to it left them there: harmless ones, memory, and the host's own disk.
    for (name, kind, major, minor) in [
        ("null", libc::S_IFCHR, 1, 3),
        ("mem", libc::S_IFCHR, 1, 1),
        ("uinput", libc::S_IFCHR, 10, 223),
        ("disk", libc::S_IFBLK, disk[0], disk[1]),
    ] {
        for path in [user.in_home(name), user.file("tmp").join(name)] {
            node(&path, kind, major, minor);
            chown(&path, Some(user.uid), Some(user.uid)).unwrap();
        }
    }
    let tries = format!(
        "
import os, stat
for at in ('{home}', '/tmp', '/var/tmp'):
    for name in ('null', 'mem', 'uinput', 'disk'):
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            try: os.open(at + '/' + name, flags); print('opened', at, name)
            except PermissionError: pass
for at in ('{home}', '/tmp', '/dev/shm', '/dev', '/'):
    for kind, device in ((stat.S_IFBLK, os.makedev({}, {})), (stat.S_IFCHR, os.makedev(1, 1)), (stat.S_IFCHR, os.makedev(1, 3)), (stat.S_IFBLK, 0)):
        try: os.mknod(at + '/made', 0o666 | kind, device); print('made', at, kind, device)
        except OSError: pass
",
        disk[0],
        disk[1],
        home = user.home
    );
    assert_eq!(user.python(&tries), "");
    // The same file is a device for whoever is on the host: the test means what it says.
    fs::OpenOptions::new().write(true).open(user.in_home("null")).unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_places_that_somebody_may_write_have_the_owners_and_modes_they_must_have() {
    let user = User::new();
    let list = "import os\nfor p in '/ /dev /dev/shm /dev/pts /tmp /var/tmp /home /proc /run /etc /usr /var'.split():\n s = os.stat(p)\n print(p, oct(s.st_mode & 0o7777), s.st_uid, s.st_gid)";
    let u = user.uid;
    let (dir, own) = ("0o755 0 0", format!("0o700 {u} {u}"));
    let expected = format!(
        "/ {dir}\n/dev {dir}\n/dev/shm 0o1777 0 0\n/dev/pts {dir}\n/tmp {own}\n/var/tmp {own}\n/home {dir}\n/proc 0o555 0 0\n/run {dir}\n/etc {dir}\n/usr {dir}\n/var {dir}"
    );
    assert_eq!(user.python(list), expected);
    let writable =
        user.shell("find / -path /proc -prune -o -path /dev/pts -prune -o ! -type l -writable -print 2>/dev/null || true");
    let mut expected = vec![
        "/dev/full",
        "/dev/null",
        "/dev/random",
        "/dev/shm",
        "/dev/tty",
        "/dev/urandom",
        "/dev/zero",
        &user.home,
        "/tmp",
        "/var/tmp",
    ];
    let mut found: Vec<&str> = writable.lines().collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "what can be written");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_socket_and_no_pipe_of_the_host_s_is_in_sight() {
    let user = User::new();
    // The services of the host that hand out rights, were they there: docker, dbus, systemd, an agent of ssh.
    for name in [
        "/run/docker.sock",
        "/var/run/docker.sock",
        "/run/dbus/system_bus_socket",
        "/run/systemd/private",
        "/dev/log",
        "/run/user",
        "/tmp/.X11-unix",
    ] {
        assert_ne!(user.run(&["ls", "-d", name]).code(), 0, "{name}");
    }
    assert_eq!(user.shell("find / -path /proc -prune -o \\( -type s -o -type p \\) -print 2>/dev/null || true"), "");
    for (name, place) in [("STATE", STATE), ("RUN", crate::common::RUN), ("LOG", crate::common::LOG)] {
        assert_ne!(user.run(&["ls", "-d", place]).code(), 0, "{name}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_programs_must_know_of_the_machine_is_there_and_what_the_kernel_keeps_to_itself_is_not() {
    let user = User::new();
    for file in [
        "cpuinfo",
        "meminfo",
        "loadavg",
        "stat",
        "uptime",
        "version",
        "filesystems",
        "mounts",
        "self/maps",
        "sys/kernel/random/uuid",
    ] {
        assert_eq!(user.run(&["head", "-c1", &format!("/proc/{file}")]).out.len(), 1, "{file}");
    }
    for file in [
        "kcore",
        "kmsg",
        "kpagecount",
        "kpageflags",
        "slabinfo",
        "timer_list",
        "vmallocinfo",
        "sys/kernel/cad_pid",
        "1/environ",
        "sysrq-trigger",
    ] {
        assert_eq!(user.run(&["head", "-c1", &format!("/proc/{file}")]).out.len(), 0, "{file}");
    }
    // Addresses and the keys of others are blotted out.
    assert_eq!(user.shell("awk '{print $1}' /proc/kallsyms | sort -u"), "0000000000000000");
    assert_eq!(user.shell("grep -vc _ses /proc/keys || true"), "0");
    assert_eq!(seen::processes(user.uid), []);
}
