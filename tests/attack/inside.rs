//! A program that wants out: the ways that led out of other jails.

use crate::common::call::Call;
use crate::common::image::Image;
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{RUN, STATE, executable, process, seen};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

/// Lets a piece of Python make raw system calls: `no(number, words...)` prints whatever is not refused, with the errnos allowed.
const RAW: &str = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
EPERM, ENOSYS, EACCES, EROFS = 1, 38, 13, 30
def call(number, *words):
    words = [w if isinstance(w, (bytes, ctypes.Array)) or w is None else ctypes.c_long(w) for w in words]
    ctypes.set_errno(0)
    said = libc.syscall(ctypes.c_long(number), *words)
    return said, ctypes.get_errno()
def no(name, number, *words, errnos=(EPERM, ENOSYS)):
    said, errno = call(number, *words)
    if said != -1 or errno not in errnos:
        print('not refused:', name, words, said, errno)
";

#[cfg(target_arch = "x86_64")]
const NUMBERS: &str = "
MOUNT, UMOUNT2, PIVOT_ROOT, CHROOT, UNSHARE, SETNS, MKNODAT, PTRACE = 165, 166, 155, 161, 272, 308, 259, 101
SETUID, SETGID, SETREUID, SETREGID, SETRESUID, SETRESGID, SETFSUID, SETGROUPS, CAPSET = 105, 106, 113, 114, 117, 119, 122, 116, 126
OPEN_BY_HANDLE_AT = 304
";
#[cfg(target_arch = "aarch64")]
const NUMBERS: &str = "
MOUNT, UMOUNT2, PIVOT_ROOT, CHROOT, UNSHARE, SETNS, MKNODAT, PTRACE = 40, 39, 41, 51, 97, 268, 33, 117
SETUID, SETGID, SETREUID, SETREGID, SETRESUID, SETRESGID, SETFSUID, SETGROUPS, CAPSET = 146, 144, 145, 143, 147, 149, 151, 159, 91
OPEN_BY_HANDLE_AT = 265
";

fn python(user: &User, text: &str) -> String {
    user.python(&format!("{RAW}{NUMBERS}{text}"))
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_mount_can_be_made_changed_moved_or_taken_away() {
    let user = User::new();
    let text = "
before = open('/proc/self/mountinfo').read()
REMOUNT, BIND, REC, RDONLY, DETACH, EXPIRE = 32, 4096, 16384, 1, 2, 4
places = [line.split()[4].encode() for line in before.splitlines()]
for place in places:
    for flags in (REMOUNT, REMOUNT | BIND, REMOUNT | BIND | REC, 1 << 20, 1 << 18, 1 << 19):
        no('mount', MOUNT, None, place, None, flags, None)
    for flags in (0, DETACH, EXPIRE, 1, 8):
        no('umount', UMOUNT2, place, flags)
for kind in (b'tmpfs', b'proc', b'sysfs', b'overlay', b'devpts', b'cgroup2', b'ext4', b'fuse', b'mqueue'):
    no('mount', MOUNT, b'x', b'/tmp', kind, 0, None)
no('bind', MOUNT, b'/', b'/tmp', None, BIND | REC, None)
no('pivot_root', PIVOT_ROOT, b'.', b'.')
# open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr open_tree_attr: on every architecture the same numbers.
attributes = ctypes.create_string_buffer(32)
for number, words in ((428, (-100, b'/', 1)), (429, (-100, b'/', -100, b'/tmp', 0)), (430, (b'tmpfs', 0)), (431, (3, 6, None, None, 0)),
                      (432, (3, 0, 0)), (433, (-100, b'/', 0)), (442, (-100, b'/usr', 0x8000, attributes, 32)),
                      (467, (-100, b'/', 1, attributes, 32))):
    no('new mount call', number, *words, errnos=(ENOSYS,))
assert open('/proc/self/mountinfo').read() == before
print(len(places) >= 12)
";
    assert_eq!(python(&user, text), "True");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_usual_ways_out_of_a_chroot_lead_nowhere() {
    let user = User::new();
    let text = "
root = os.stat('/')
os.makedirs('/tmp/a', exist_ok=True)
here = os.open('/', os.O_RDONLY)
no('chroot', CHROOT, b'/tmp/a')
no('chroot .', CHROOT, b'.')
os.chdir('/tmp/a')
for _ in range(100):
    os.chdir('..')
print(os.path.samestat(os.stat('.'), root), os.path.samestat(os.stat('/..'), root))
os.fchdir(here)
os.chdir('..')
print(os.path.samestat(os.stat('.'), root))
for path in ('/proc/self/root/..', '/proc/self/cwd/../..', '/proc/self/task/%d/root/..' % os.getpid(), '/dev/fd/%d/..' % here):
    if not os.path.samestat(os.stat(path), root): print('out by', path)
for name in ('mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time', 'pid_for_children'):
    for pid in ('self', '1'):
        try: fd = os.open('/proc/%s/ns/%s' % (pid, name), os.O_RDONLY)
        except PermissionError: continue
        no('setns ' + name, SETNS, fd, 0)
for bit in (7, 17, 25, 26, 27, 28, 29, 30):
    no('unshare %d' % bit, UNSHARE, 1 << bit)
handle = ctypes.create_string_buffer(b'\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02\\0\\0\\0\\0\\0\\0\\0', 32)
for fd in (here, os.open(os.environ['HOME'], os.O_RDONLY)):
    no('open_by_handle_at', OPEN_BY_HANDLE_AT, fd, handle, 0)
# Devices: the first disk, memory, a console; as a node and as what /dev has.
for mode in (0o20666, 0o60666):
    for major, minor in ((8, 0), (259, 0), (1, 1), (4, 0), (10, 200), (254, 0)):
        no('mknod', MKNODAT, -100, b'/tmp/node', mode, os.makedev(major, minor))
no('ptrace', PTRACE, 16, 1, None, None)
";
    assert_eq!(python(&user, text), "True True\nTrue");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_id_group_or_capability_comes_back_whichever_call_asks() {
    let user = User::with(&["--group", "29991"]);
    let text = "
before = [line for line in open('/proc/self/status') if line.split(':')[0] in ('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs')]
for other in (0, 33, 1000, os.getuid() + 1, 4294967294):
    no('setuid', SETUID, other); no('setgid', SETGID, other)
    for words in ((other, -1), (-1, other), (other, other)):
        no('setreuid', SETREUID, *words); no('setregid', SETREGID, *words)
    for words in ((-1, other, -1), (other, -1, -1), (-1, -1, other), (other, other, other)):
        no('setresuid', SETRESUID, *words); no('setresgid', SETRESGID, *words)
    call(SETFSUID, other)
    if call(SETFSUID, -1)[0] != os.getuid(): print('setfsuid', other)
    groups = (ctypes.c_uint32 * 1)(other)
    no('setgroups', SETGROUPS, 1, groups)
no('setgroups', SETGROUPS, 0, None)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
no('capset', CAPSET, header, (ctypes.c_uint32 * 6)(*[0xffffffff] * 6))
for option, words in ((8, (1,)), (28, (0x2f,)), (47, (2, 21, 0, 0))):
    libc.prctl(option, *words)
libc.prctl(38, 0, 0, 0, 0)
after = [line for line in open('/proc/self/status') if line.split(':')[0] in ('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs')]
print(before == after, len(before))
";
    assert_eq!(python(&user, text), "True 9");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_root_of_a_jail_holds_what_its_image_holds_and_nothing_more() {
    let image = Image::copy("t-golden");
    let user = User::with(&["--image", &image.name]);
    let names = |text: &str| {
        let mut all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        all.sort();
        all
    };
    let of_image: Vec<String> =
        fs::read_dir(image.tree()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names(&user.shell("ls -A /")), names(&of_image.join(" ")));
    assert_eq!(user.shell("ls -A /home"), user.name);
    assert_eq!(user.shell("find /run /sys -mindepth 1 2>/dev/null || true"), "");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_the_image_hides_from_the_user_looks_the_same_whether_it_is_there_or_not() {
    let image = Image::copy("t-oracle");
    let user = User::with(&["--image", &image.name]);
    let hidden = image.tree().join("opt-hidden");
    fs::create_dir_all(hidden.join("there")).unwrap();
    executable::written("#!/bin/sh\n", hidden.join("there/program"), (0, 0), 0o755);
    fs::set_permissions(&hidden, Permissions::from_mode(0o700)).unwrap();
    let answers = ["there", "nope"].map(|name| {
        let asks: [Vec<String>; 3] = [
            vec!["-C".into(), format!("/opt-hidden/{name}"), user.name.clone(), "--".into(), "id".into()],
            vec![user.name.clone(), "--".into(), format!("/opt-hidden/{name}/program")],
            vec![user.name.clone(), "--".into(), format!("/opt-hidden/{name}")],
        ];
        asks.map(|words| {
            let done = Call::new(words).run();
            assert!([125, 126].contains(&done.code()) && done.err.contains("EACCES"), "{}", done.err);
            (done.code(), done.err.replace(name, "NAME"))
        })
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_is_asked_for_is_looked_up_inside_and_as_the_user() {
    let user = User::new();
    for (link, to) in [("root", "/root"), ("host", "/proc/1/root"), ("cwd", "/proc/1/cwd"), ("pins", "/pins"), ("ns", "/ns")] {
        std::os::unix::fs::symlink(to, user.in_home(link)).unwrap();
    }
    let inside = |dir: &str| Call::new(["-C", dir, &user.name, "--", "stat", "-c", "%d:%i", ".", "/"]).run();
    for _cold_then_warm in 0..2 {
        for dir in ["/root", "/pins", "/ns", "/ns/net"]
            .map(str::to_owned)
            .into_iter()
            .chain(["root", "pins", "ns"].map(|l| format!("{}/{l}", user.home)))
        {
            inside(&dir).failed(125);
        }
        for number in 0..100 {
            for of in ["self", "1", "thread-self"] {
                inside(&format!("/proc/{of}/fd/{number}")).failed(125);
            }
        }
        // The root and the directory of process 1 are those of the session.
        for dir in ["host", "cwd"]
            .map(|l| format!("{}/{l}", user.home))
            .into_iter()
            .chain(["/proc/self/root/..".into(), "/../..".into()])
        {
            let text = inside(&dir).well();
            let (here, root) = text.split_once('\n').unwrap();
            assert_eq!(here, root, "{dir}");
        }
        seen::take_down(user.uid);
    }
}

/// Goes into a directory and waits there; when told to, looks where `..` leads.
const CLIMB: &str = "
import os, time
os.chdir('a/b')
open('../../ready', 'w').close()
root = os.stat('/')
home = os.environ.get('HOME')
while not os.path.exists(home + '/go'):
    time.sleep(0.01)
seen = []
for _ in range(12):
    try:
        os.chdir('..')
    except OSError as e:
        seen.append(e.errno)
        break
    here = os.stat('.')
    if os.path.samestat(here, root):
        seen.append('root')
        break
    if os.path.exists('etc/passwd') or os.path.exists('witness'):
        seen.append('out')
        break
print(*seen)
";

/// Moves the directory the climber is in out of the home, and lets it climb.
fn renamed_away(user: &User, out: &Scratch) {
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    fs::write(out.0.join("witness"), "").unwrap();
    fs::rename(user.in_home("a/b"), out.0.join("b")).unwrap();
    fs::write(user.in_home("go"), "").unwrap();
}

fn with_a_place_to_stand() -> User {
    let user = User::new();
    fs::create_dir_all(user.in_home("a/b")).unwrap();
    for dir in ["a", "a/b"] {
        chown(user.in_home(dir), Some(user.uid), Some(user.uid)).unwrap();
    }
    user
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_is_renamed_out_of_the_home_is_no_way_up_to_the_host() {
    let user = with_a_place_to_stand();
    let out = Scratch::new(&user.name);
    fs::set_permissions(&out.0, Permissions::from_mode(0o755)).unwrap();
    let running = user.call(&["python3", "-I", "-c", CLIMB]).start();
    renamed_away(&user, &out);
    assert_eq!(running.end().well(), libc::ENOENT.to_string(), "where .. leads from a directory that left the mount");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_same_climb_succeeds_in_a_bare_chroot_so_it_is_a_real_one() {
    let user = with_a_place_to_stand();
    let out = Scratch::new(&user.name);
    fs::set_permissions(&out.0, Permissions::from_mode(0o755)).unwrap();
    let (home, uid) = (user.home.clone(), user.uid);
    // The interpreter is running before the root is changed, so the bare directory needs none.
    let text = format!(
        "import os, time\nos.chdir('{home}')\nos.chroot('.')\nos.environ['HOME'] = '/'\nos.setgroups([])\nos.setgid({uid})\nos.setuid({uid})\n{CLIMB}"
    );
    let running = Call::of("/usr/bin/python3", ["-I", "-c", &text]).by(0, 0).start();
    renamed_away(&user, &out);
    assert_eq!(running.end().well(), "out");
}

/// Outside: waits at a socket in the home and hands out a descriptor of the host's root. Inside: takes it and looks.
const HAND_OUT: &str = "
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX)
os.chdir(sys.argv[1])
server.bind('door')
server.listen()
open('open', 'w').close()
peer, _ = server.accept()
socket.send_fds(peer, [b'x'], [os.open('/', os.O_RDONLY | os.O_DIRECTORY)])
peer.recv(1)
";
const TAKE: &str = "
import os, socket
door = socket.socket(socket.AF_UNIX)
door.connect('door')
_, fds, _, _ = socket.recv_fds(door, 1, 1)
root = fds[0]
for path in ('etc/hostname', 'etc/shadow', 'root/.', 'STATE/jails/.', 'RUN/holder', 'etc/new'):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT if path.endswith('new') else os.O_RDONLY, dir_fd=root))
        print(path, 'opened')
    except OSError as e:
        print(path, e.errno)
for what in (lambda: os.chroot('/proc/self/fd/%d' % root), lambda: os.rename('etc/hostname', 'etc/hostname2', src_dir_fd=root, dst_dir_fd=root)):
    try: print('done', what())
    except OSError as e: print(e.errno in (1, 13))
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_descriptor_that_somebody_of_the_same_uid_passes_in_gives_no_more_than_the_uid_has_on_the_host() {
    let user = User::new();
    let mut helper = std::process::Command::new("/usr/bin/python3");
    helper.args(["-I", "-c", HAND_OUT, &user.home]).env_clear();
    let uid = user.uid;
    process::before_exec(&mut helper, move || process::become_user(uid, uid));
    let mut helper = helper.spawn().unwrap();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("open").exists()));
    let (state, run) = (STATE.trim_start_matches('/'), RUN.trim_start_matches('/'));
    let said = user.python(&TAKE.replace("STATE", state).replace("RUN", run));
    helper.wait().unwrap();
    let denied = |path: &str| format!("{path} {}", libc::EACCES);
    let expected = [
        "etc/hostname opened".to_owned(),
        denied("etc/shadow"),
        denied("root/."),
        denied(&format!("{state}/jails/.")),
        denied(&format!("{run}/holder")),
        denied("etc/new"),
        "True".into(),
        "True".into(),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
