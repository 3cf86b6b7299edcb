//! Programs that take all there is of something, and who feels it: they themselves.

use crate::common::attacker::rounds;
use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{RUN, process, seen, sweep};
use std::fs;
use std::time::Duration;

/// Takes System V objects of every kind until the kernel says no, lets go of none, and prints how much that was.
const SYSTEM_V: &str = "
import ctypes
c = ctypes.CDLL(None, use_errno=True)
c.shmat.restype = ctypes.c_void_p
KEEP = 0o1600
memory = 0
while memory < 1 << 31:
    segment = c.shmget(0, 1 << 20, KEEP)
    if segment < 0:
        break
    at = c.shmat(segment, None, 0)
    ctypes.memset(at, 1, 1 << 20)
    c.shmdt(ctypes.c_void_p(at))
    memory += 1 << 20
messages, message = 0, ctypes.create_string_buffer(bytes([1]) + bytes(8007))
for _ in range(1000):
    queue = c.msgget(0, KEEP)
    if queue < 0:
        break
    while c.msgsnd(queue, message, 8000, 0o4000) == 0:
        messages += 8000
semaphores = 0
for size in (32000, 250):
    for _ in range(1000):
        if c.semget(0, size, KEEP) < 0:
            break
        semaphores += size
print(memory, messages, semaphores)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_a_jail_keeps_in_system_v_objects_when_its_programs_have_ended_is_bounded() {
    let (user, other) = (User::new(), User::new());
    let _quiet = sweep::none();
    let host = |knob: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{knob}")).unwrap();
    let knobs = ["shmall", "msgmni", "sem"];
    let before = knobs.map(host);
    let taken = |user: &User| -> Vec<u64> { user.python(SYSTEM_V).split(' ').map(|n| n.parse().unwrap()).collect() };
    let [memory, messages, semaphores] = taken(&user)[..] else { panic!() };
    assert_eq!(memory, 64 << 20, "bytes of shared memory");
    assert!(messages <= 2 << 20, "{messages} bytes of messages");
    assert!(semaphores <= 32_000, "{semaphores} semaphores");
    // Full is full for the user's next program as well, and for nobody else.
    assert_eq!(taken(&user), [0, 0, 0]);
    assert_eq!(taken(&other), [memory, messages, semaphores]);
    assert_eq!(knobs.map(host), before, "the host's own bounds are as they were");
    seen::take_down(user.uid);
    assert_eq!(taken(&user), [memory, messages, semaphores], "what was kept went with the jail");
}

/// What a program takes until it gets no more: a name, and how one more is taken, in Python.
const HOARDS: [(&str, &str); 13] = [
    ("threads", "t = threading.Thread(target=time.sleep, args=(99,), daemon=True); t.start()"),
    ("processes", "pid = os.fork()\nif pid == 0: time.sleep(99); os._exit(0)"),
    ("descriptors", "held.append(os.open('/dev/null', os.O_RDONLY))"),
    ("watchers", "held.append(check(c.inotify_init()))"),
    ("timers", "check(c.timer_create(1, None, byref(c_void_p())))"),
    ("signals", "check(c.sigqueue(os.getpid(), signal.SIGRTMIN, None))"),
    ("pipes", "held.append(os.pipe()); fcntl.fcntl(held[-1][0], 1031, 1 << 20)"),
    ("queues", "check(rt.mq_open(b'/q%d' % count, 0o102, 0o600, None))"),
    ("files of shared memory", "os.close(os.open('/dev/shm/%d' % count, os.O_CREAT))"),
    (
        "bytes of shared memory",
        "held or held.append(os.open('/dev/shm/f', os.O_CREAT | os.O_RDWR)); assert os.write(held[0], bytes(1 << 20)) == 1 << 20",
    ),
    (
        "sockets",
        "pair = socket.socketpair(); held.append(pair); pair[0].setblocking(False)\ntry:\n while True: pair[0].send(bytes(4096))\nexcept BlockingIOError: pass",
    ),
    (
        "descriptors under way",
        "pair = socket.socketpair(); held[:] = [socket.socketpair()] if not held else held; socket.send_fds(pair[0], [b'x'], [held[-1][0].fileno(), held[-1][1].fileno()]); held[-1:] = [pair]",
    ),
    (
        "locked memory",
        "held.append(mmap.mmap(-1, 65536)); held[-1][0] = 1; check(c.mlock(c_void_p(addressof(c_char.from_buffer(held[-1]))), 65536))",
    ),
];

/// Takes one thing until it gets no more, or has had 50,000, and keeps them.
const HOARD: &str = "
import ctypes, fcntl, mmap, os, signal, socket, threading, time
from ctypes import *
c, rt = CDLL(None, use_errno=True), CDLL('librt.so.1', use_errno=True)
threading.stack_size(65536)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
def check(result):
    if result < 0: raise OSError(get_errno(), 'no')
    return result
held, why = [], 'there is no limit'
for count in range(50000):
    try: exec(TAKE)
    except (OSError, RuntimeError, AssertionError) as e: why = str(e); break
try: os.close(held.pop() if held and isinstance(held[-1], int) else 0)
except OSError: pass
for room in held[-9:]:
    if isinstance(room, tuple) and isinstance(room[0], int): os.close(room[0]); os.close(room[1])
open('ready', 'w').write('%d, then: %s' % (count, why))
while not os.path.exists('end'): time.sleep(0.05)
os.killpg(0, 9)
";

/// A little of everything, as an ordinary program takes it.
const MODEST: &str = "
import ctypes, fcntl, mmap, os, signal, socket, threading
from ctypes import *
c, rt = CDLL(None, use_errno=True), CDLL('librt.so.1', use_errno=True)
def check(what, result):
    if result < 0: print('no', what, get_errno())
t = threading.Thread(target=lambda: None); t.start(); t.join()
pid = os.fork()
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
files = [os.open('/dev/null', os.O_RDONLY) for _ in range(200)]
check('watcher', c.inotify_init())
check('timer', c.timer_create(1, None, byref(c_void_p())))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
check('signal', c.sigqueue(os.getpid(), signal.SIGRTMIN, None))
check('pipe', fcntl.fcntl(os.pipe()[0], 1031, 1 << 20))
check('queue', rt.mq_open(b'/modest', 0o102, 0o600, None)); rt.mq_unlink(b'/modest')
os.unlink('/dev/shm/x' if not os.close(os.open('/dev/shm/x', os.O_CREAT)) else '')
pair = socket.socketpair(); socket.send_fds(pair[0], [b'x'], files[:3]); pair[1].recv(1)
room = mmap.mmap(-1, 65536); room[0] = 1
check('locked memory', c.mlock(c_void_p(addressof(c_char.from_buffer(room))), 65536))
master, slave = os.openpty()
print('all there')
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_takes_all_there_is_of_something_has_a_limit_and_leaves_the_others_theirs() {
    let neighbour = User::new();
    let _quiet = sweep::none();
    for (name, take) in HOARDS {
        let user = User::with(&["--processes", "100"]);
        let text = HOARD.replace("TAKE", &format!("{take:?}"));
        let running = user.call(&["python3", "-I", "-c", &text]).start();
        let told = || fs::read_to_string(user.in_home("ready")).unwrap_or_default();
        assert!(seen::within(Duration::from_secs(15), || !told().is_empty()), "{name}: no end is in sight");
        println!("{name}: {}", told());
        assert!(!told().contains("there is no limit"), "{name}: {}", told());
        let done = neighbour.run(&["python3", "-I", "-c", MODEST]);
        assert_eq!(done.well(), "all there", "while somebody hoards {name}");
        let entry = neighbour.run(&["true"]);
        entry.well();
        assert!(entry.took < Duration::from_secs(1), "{name}: a neighbour's entry took {:?}", entry.took);
        process::open("/dev/null", libc::O_RDONLY).unwrap();
        fs::write(user.in_home("end"), "").unwrap();
        assert_eq!(running.end().code(), 128 + libc::SIGKILL, "{name}");
        // It is all given back with the session, or with the jail.
        assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).is_empty()), "{name}");
        seen::take_down(user.uid);
        assert_eq!(user.run(&["python3", "-I", "-c", MODEST]).well(), "all there", "after it was done hoarding {name}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn more_sessions_than_the_user_may_have_processes_do_not_start_and_leave_nothing() {
    let (user, other) = (User::with(&["--processes", "24"]), User::new());
    let all: Vec<_> = (0..60).map(|_| user.call(&["sleep", "2"]).start()).collect();
    let entry = other.run(&["id", "-u"]);
    assert_eq!(entry.well(), other.uid.to_string());
    let (mut ran, mut refused) = (0, 0);
    for running in all {
        let done = running.end();
        match done.code() {
            0 => ran += 1,
            126 => {
                assert_eq!(done.failed(126), "cannot execute sleep: the user's limit of processes is reached");
                refused += 1;
            }
            code => panic!("{code}: {}", done.err),
        }
    }
    // A session is two processes.
    assert!((1..=12).contains(&ran) && refused > 0, "{ran} ran, {refused} were refused");
    assert!(seen::within(Duration::from_secs(2), || seen::processes(user.uid).is_empty()));
    user.run(&["true"]).well();
    println!("{ran} sessions ran, {refused} did not");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn calls_that_are_refused_make_nothing_that_could_add_up() {
    let user = User::without_jail();
    User::new().ensure();
    let names = || fs::read_dir(RUN).unwrap().count();
    let before = (names(), seen::mount_count());
    let rounds = rounds(100);
    for round in 0..rounds {
        let target = (29_000 + round % 999).to_string();
        Call::new([target.as_str(), "--", "id"]).run().failed(77);
        Call::new(["--ensure", &user.name]).run().failed(77);
    }
    assert_eq!((names(), seen::mount_count()), before);
    assert!(seen::pins().iter().all(|uid| *uid < 29_000 && *uid != user.uid), "{:?}", seen::pins());
    println!("{} refused calls", 2 * rounds);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_a_user_piles_up_in_home_and_tmp_costs_an_entry_and_a_sweep_nothing() {
    let user = User::new();
    let sweeps = sweep::ours();
    let pile = "
import os
for top in (os.environ['HOME'], '/tmp'):
    os.chdir(top)
    for n in range(3000): open('f%d' % n, 'w')
    for n in range(400):
        name = 'd' * 255
        os.mkdir(name); os.chdir(name)
";
    user.python(pile);
    seen::take_down(user.uid);
    for entry in ["cold", "warm"] {
        let done = user.run(&["true"]);
        done.well();
        assert!(done.took < Duration::from_secs(1), "{entry}: {:?}", done.took);
    }
    let start = std::time::Instant::now();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_stops_itself_and_all_its_kin_does_not_escape_its_timeout() {
    let user = User::new();
    let line = "sleep 60 & sleep 61 & kill -STOP $! ; kill -STOP %1; kill -STOP -1; kill -STOP $$";
    let done = Call::new(["-t", "1", &user.name, "--", "bash", "-c", line]).run();
    assert_eq!(done.code(), 128 + libc::SIGKILL);
    assert!((5900..9000).contains(&done.took.as_millis()), "{:?}", done.took);
    assert!(seen::within(Duration::from_secs(1), || seen::processes(user.uid).is_empty()));
}
