//! Programs that take all there is of something, and who feels it: they themselves.

use crate::common::seen;
use crate::common::user::User;

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
    let _quiet = crate::common::sweep::none();
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
