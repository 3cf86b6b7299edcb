//! Two users, and the host: what one could leave for another to find, or have another listen to.

use crate::common::call::Running;
use crate::common::user::User;
use crate::common::{seen, sweep};
use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

/// Every file and directory that can be written, by the numbers that say which it is. What is shown of the host is not
/// walked: nothing there can be, as `host_files` finds.
const WRITABLE: &str = "
import os, stat
for top in ('/', '/dev', '/dev/shm', '/dev/pts', '/home', os.environ['HOME'], '/tmp', '/var/tmp'):
    for at, directories, files in os.walk(top):
        directories[:] = [d for d in directories if at != '/' or d not in ('usr', 'opt', 'proc')]
        for path in [at, *(os.path.join(at, f) for f in files)]:
            what = os.lstat(path)
            if not stat.S_ISLNK(what.st_mode) and not stat.S_ISCHR(what.st_mode) and os.access(path, os.W_OK): print(what.st_dev, what.st_ino)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_jails_have_no_place_in_common_that_either_may_write() {
    let (one, two) = (User::new(), User::new());
    let _quiet = sweep::none();
    let writable = |user: &User| -> BTreeSet<String> {
        user.shell("mkdir -p d /dev/shm/d /tmp/d; touch d/f /dev/shm/d/f /tmp/d/f");
        user.python(WRITABLE).lines().map(str::to_owned).collect()
    };
    let (first, second) = (writable(&one), writable(&two));
    assert!(first.len() >= 9 && second.len() >= 9, "{first:?} {second:?}");
    assert_eq!(first.intersection(&second).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Starts a program that writes `ready` into the home when it is, and waits for `end`.
fn ready(user: &User, text: &str) -> Running {
    let text = format!("{text}\nimport os, time\nopen('ready', 'w')\nwhile not os.path.exists('end'): time.sleep(0.05)\n");
    let running = user.call(&["python3", "-I", "-c", &text]).start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    running
}

#[track_caller]
fn end(user: &User, running: Running) {
    std::fs::write(user.in_home("end"), "").unwrap();
    running.end().well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn message_queues_semaphores_and_names_of_one_jail_are_nothing_to_another_nor_to_the_host() {
    let (one, two) = (User::new(), User::new());
    let _quiet = sweep::none();
    let make = "
import ctypes, socket
c, rt = ctypes.CDLL(None, use_errno=True), ctypes.CDLL('librt.so.1', use_errno=True)
queue = rt.mq_open(b'/trampoline', 0o302, 0o666, None)
assert queue >= 0, ctypes.get_errno()
segment, queue, set = c.shmget(0x7472616d, 4096, 0o1666), c.msgget(0x7472616d, 0o1666), c.semget(0x7472616d, 1, 0o1666)
assert min(segment, queue, set) >= 0
names = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); names.bind(b'\\0trampoline')
ports = socket.create_server(('127.0.0.1', 47999))
six = socket.create_server(('::1', 47999), family=socket.AF_INET6)
";
    let find = "
import ctypes, socket
c, rt = ctypes.CDLL(None, use_errno=True), ctypes.CDLL('librt.so.1', use_errno=True)
print(rt.mq_open(b'/trampoline', 2), c.shmget(0x7472616d, 4096, 0), c.msgget(0x7472616d, 0), c.semget(0x7472616d, 1, 0))
for family, kind, name in ((socket.AF_UNIX, socket.SOCK_DGRAM, b'\\0trampoline'), (socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', 47999)), (socket.AF_INET6, socket.SOCK_STREAM, ('::1', 47999))):
    try: socket.socket(family, kind).connect(name); print('reached', name)
    except OSError: pass
print(open('/proc/sysvipc/shm').read().count('\\n') + open('/proc/sysvipc/msg').read().count('\\n') + open('/proc/sysvipc/sem').read().count('\\n'))
";
    let running = ready(&one, make);
    assert_eq!(two.python(find), "-1 -1 -1 -1\n3", "another jail");
    let host = crate::common::call::Call::of("/usr/bin/python3", ["-I", "-c", find]).by(one.uid, one.uid).run().well();
    assert!(host.starts_with("-1 -1 -1 -1\n") && !host.contains("reached"), "the same uid on the host: {host}");
    assert!(!one.python(find).contains("-1"), "another session of the same jail");
    end(&one, running);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_service_of_the_host_can_be_reached_from_a_jail_without_network() {
    let user = User::with(&["--network", "none"]);
    // What a host may have without a password: databases on localhost, daemons on abstract names.
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let six = TcpListener::bind("[::1]:0").ok();
    let datagram = UdpSocket::bind("127.0.0.1:0").unwrap();
    datagram.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let name = format!("trampoline-{}", user.name);
    let address = SocketAddr::from_abstract_name(format!("{name}-s")).unwrap();
    let _listening = UnixListener::bind_addr(&address).unwrap();
    let _receiving = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(format!("{name}-d")).unwrap()).unwrap();
    let table = std::fs::read_to_string("/proc/net/unix").unwrap();
    let names: Vec<&str> =
        table.lines().filter_map(|line| line.split_whitespace().nth(7)).filter(|name| name.starts_with('@')).collect();
    assert!(names.iter().any(|found| found.contains(&name)), "{names:?}");
    let port = |address: std::io::Result<std::net::SocketAddr>| address.unwrap().port();
    let knock = format!(
        "
import socket, sys
def knock(family, kind, address):
    try: s = socket.socket(family, kind); s.settimeout(2); s.connect(address); s.send(b'x'); print('reached', address)
    except OSError: pass
for name in sys.argv[1:]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET): knock(socket.AF_UNIX, kind, name.replace('@', '\\0', 1).encode())
for host in ('127.0.0.1', '127.0.0.2', '0.0.0.0', '169.254.169.254', '192.0.2.1', '10.0.0.1'):
    for port in ({}, 22, 53, 80, 111, 3306, 5432, 6379, 11211): knock(socket.AF_INET, socket.SOCK_STREAM, (host, port))
knock(socket.AF_INET6, socket.SOCK_STREAM, ('::1', {}))
knock(socket.AF_INET6, socket.SOCK_STREAM, ('::ffff:127.0.0.1', {}))
try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {}))
except OSError: pass
print(sorted(n for _, n in socket.if_nameindex()), len(open('/proc/net/route').read().splitlines()), len(open('/proc/net/unix').read().splitlines()))
",
        port(stream.local_addr()),
        six.as_ref().map_or(1, |six| port(six.local_addr())),
        port(stream.local_addr()),
        port(datagram.local_addr()),
    );
    let words: Vec<&str> = ["python3", "-I", "-c", &knock].into_iter().chain(names.iter().copied()).collect();
    assert_eq!(user.run(&words).well(), "['lo'] 1 1");
    assert!(datagram.recv(&mut [0]).is_err(), "a datagram came out");
    println!("{} abstract names of the host tried", names.len());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_the_kernel_lists_of_locks_and_processes_is_the_session_s_own() {
    let (one, two) = (User::new(), User::new());
    let hold = "
import fcntl
files = [open('/tmp/%d' % n, 'w') for n in range(3)]
fcntl.flock(files[0], fcntl.LOCK_EX); fcntl.lockf(files[1], fcntl.LOCK_EX); fcntl.flock(open('/usr/bin/id'), fcntl.LOCK_SH)
";
    let running = ready(&one, hold);
    // KERNEL: a lock that belongs to an open file and not to a process is shown to all (OFDLCK; locks_translate_pid, fs/locks.c):
    // those of drains that are under way.
    let locks = "grep -v OFDLCK /proc/locks";
    let said = two.shell(&format!("{locks}; ls /proc | grep -c '^[0-9]'"));
    assert_eq!(said, "4", "locks, and processes beside these four");
    assert_eq!(one.shell(&format!("{locks} || true")), "");
    end(&one, running);
}
