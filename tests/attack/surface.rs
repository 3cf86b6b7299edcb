//! The parts of the kernel in which holes were found, asked for from inside a jail.

use crate::common::user::User;

/// Asks for a socket of every family, type and protocol there is, and prints those that came to be or failed in an odd way.
const SOCKETS: &str = "
import ctypes, errno, os
c = ctypes.CDLL(None, use_errno=True)
def ask(call, *words):
    result = c.syscall(call, *map(ctypes.c_ulong, words), ctypes.byref(pair))
    if result < 0: return errno.errorcode[ctypes.get_errno()]
    for file in (pair if call == 53 else [result]): os.close(file)
    return 'made'
pair = (ctypes.c_int * 2)()
UNIX, INET, NETLINK, INET6 = 1, 2, 16, 10
asked = 0
def expect(answer, *allowed):
    global asked
    asked += 1
    if answer[0] not in allowed: print(*answer)
# The upper half of a register is not looked at by the kernel, and must not be by a filter.
for high in (0, 1 << 32):
    for family in range(64):
        for kind in (1, 2, 3, 4, 5, 6, 10, 1 | 0o2000000):
            if family in (UNIX, INET, INET6, NETLINK): continue
            expect((ask(41, family | high, kind, 0), 'socket', family, kind), 'EAFNOSUPPORT')
            expect((ask(53, family | high, kind, 0), 'socketpair', family, kind), 'EAFNOSUPPORT')
    for family in (INET, INET6, NETLINK):
        expect((ask(53, family | high, 1, 0), 'socketpair', family), 'EAFNOSUPPORT')
    for protocol in range(1, 32):
        for kind in (2, 3): expect((ask(41, NETLINK | high, kind, protocol | high), 'netlink', protocol), 'EPROTONOSUPPORT')
    for family in (INET, INET6):
        for kind in (4, 5, 6, 10): expect((ask(41, family | high, kind | high, 0), 'socket', family, kind), 'ESOCKTNOSUPPORT')
        for protocol in (2, 4, 33, 41, 46, 47, 50, 51, 94, 103, 108, 115, 132, 136, 137, 143, 254, 255, 256, 262):
            for kind in (1, 2, 3): expect((ask(41, family | high, kind, protocol | high), 'socket', family, kind, protocol), 'EPROTONOSUPPORT')
        # A raw one is let through to the kernel, which wants a privilege for it.
        for protocol in (0, 1, 6, 17, 58): expect((ask(41, family | high, 3, protocol), 'raw', family, protocol), 'EPERM', 'EPROTONOSUPPORT')
        for kind in (1, 2): expect((ask(41, family | high, kind, 0), 'socket', family, kind), 'made')
expect((ask(41, UNIX, 1, 0), 'socket', UNIX), 'made')
expect((ask(41, NETLINK, 3, 0), 'socket', NETLINK), 'made')
print('asked', asked)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_all_families_and_protocols_of_sockets_only_the_few_that_programs_need_are_to_be_had() {
    for network in ["none", "host"] {
        let said = User::with(&["--network", network]).python(SOCKETS);
        let asked: u32 = said.strip_prefix("asked ").unwrap_or_else(|| panic!("{network}: {said}")).parse().unwrap();
        assert!(asked > 2000);
        println!("{asked} sockets asked for, network {network}");
    }
}

/// Makes each call with arguments that would do something if they could, and prints the answers that are not as expected.
const CALLS: &str = "
import ctypes, errno, os
c = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(4096)
at = ctypes.addressof(room)
me = os.getpid()
handle = c.syscall(434, me, 0)
EXPECTED = {
    'EPERM': {
        'bpf': (321, 5, at, 128), 'perf_event_open': (298, at, 0, -1, -1, 0), 'userfaultfd': (323, 1), 'vmsplice': (278, 1, at, 1, 0),
        'ptrace': (101, 0, 0, 0, 0), 'process_vm_readv': (310, me, at, 1, at, 1, 0), 'process_vm_writev': (311, me, at, 1, at, 1, 0),
        'pidfd_getfd': (438, handle, 0, 0), 'kcmp': (312, me, me, 0, 0, 0), 'process_madvise': (440, handle, at, 1, 4, 0),
        'open_by_handle_at': (304, -100, at, 0), 'name_to_handle_at': (303, -100, at, at, at, 0), 'fanotify_init': (300, 0, 0),
        'fanotify_mark': (301, 0, 1, 1, -100, at), 'kexec_load': (246, 0, 0, at, 0), 'kexec_file_load': (320, 0, 0, 0, at, 0),
        'init_module': (175, at, 0, at), 'finit_module': (313, 0, at, 0), 'delete_module': (176, at, 0), 'syslog': (103, 10, 0, 0),
        'acct': (163, 0), 'swapon': (167, at, 0), 'swapoff': (168, at), 'reboot': (169, 0xfee1dead, 672274793, 0), 'iopl': (172, 3),
        'ioperm': (173, 0, 1, 1), 'settimeofday': (164, at, 0), 'clock_settime': (227, 0, at), 'adjtimex': (159, at), 'clock_adjtime': (305, 0, at),
        'quotactl': (179, 0x800001, at, 0, at), 'quotactl_fd': (443, 0, 0, 0, 0), 'lookup_dcookie': (212, 0, at, 9), 'modify_ldt': (154, 1, at, 16),
        'mount': (165, at, at, at, 0, 0), 'umount2': (166, at, 0), 'pivot_root': (155, at, at), 'chroot': (161, at), 'setns': (308, 0, 0),
        'sethostname': (170, at, 1), 'setdomainname': (171, at, 1), 'vhangup': (153,), 'mbind': (237, 0, 0, 0, 0, 0, 0),
        'set_mempolicy': (238, 0, 0, 0), 'migrate_pages': (256, me, 0, at, at), 'move_pages': (279, me, 0, 0, 0, 0, 0),
        'readable is executable': (135, 0x0400000), 'page 0': (135, 0x0100000), 'short inodes': (135, 0x1000000), 'svr4': (135, 0x1),
        'TIOCSTI': (16, 0, 0x5412, at), 'TIOCSTI, upper half': (16, 0, 0x100005412, at), 'TIOCLINUX': (16, 0, 0x541c, at),
        'TIOCSETD': (16, 0, 0x5423, at), 'FS_IOC_FSSETXATTR': (16, 0, 0x401c5820, at), 'FS_IOC_SETFLAGS': (16, 0, 0x40086602, at),
        'F_SETLEASE': (72, 0, 1024, 0), 'F_SETLEASE, upper half': (72, 0, 0x100000400, 0),
    },
    'ENOSYS': {
        'io_uring_setup': (425, 8, at), 'io_uring_enter': (426, 0, 0, 0, 0, 0), 'io_uring_register': (427, 0, 0, at, 0),
        'io_setup': (206, 1, at), 'io_destroy': (207, 0), 'io_getevents': (208, 0, 0, 1, at, 0), 'io_submit': (209, 0, 1, at),
        'io_cancel': (210, 0, at, at), 'io_pgetevents': (333, 0, 0, 1, at, 0, 0),
        'keyctl': (250, 1, 0), 'keyctl, read': (250, 11, -3, at, 99), 'add_key': (248, at, at, at, 1, -4), 'request_key': (249, at, at, 0, -4),
        'open_tree': (428, -100, at, 1), 'move_mount': (429, -100, at, -100, at, 0), 'fsopen': (430, at, 0), 'fsconfig': (431, 0, 0, at, at, 0),
        'fsmount': (432, 0, 0, 0), 'fspick': (433, -100, at, 0), 'mount_setattr': (442, -100, at, 0, at, 32), 'open_tree_attr': (467, -100, at, 0, at, 32),
        'statmount': (457, at, at, 9, 0), 'listmount': (458, at, at, 1, 0), 'clone3': (435, at, 88), 'uselib': (134, at), 'ustat': (136, 0, at),
        'sysfs': (139, 3), '_sysctl': (156, at), 'nfsservctl': (180, 0, at, at), 'remap_file_pages': (216, at, 4096, 0, 0, 0),
        'create_module': (174, at, 1), 'query_module': (178, 0, 0, 0, 0, 0), 'get_kernel_syms': (177, 0), 'epoll_ctl_old': (214,), 'epoll_wait_old': (215,),
        'lsm_set_self_attr': (460, 100, at, 9, 0), 'file_setattr': (469, -100, at, at, 24, 0), 'a call of tomorrow': (999, at),
    },
}
asked = 0
for answer, calls in EXPECTED.items():
    for name, (number, *words) in calls.items():
        asked += 1
        result = c.syscall(number, *map(ctypes.c_long, words))
        said = errno.errorcode[ctypes.get_errno()] if result < 0 else 'done'
        if said != answer: print(name, said)
print('asked', asked)
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_call_that_reaches_deep_into_the_kernel_is_made() {
    let said = User::new().python(CALLS);
    assert!(said.starts_with("asked "), "{said}");
    println!("{said} calls");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_keyrings_of_root_and_of_the_caller_stay_outside() {
    let user = User::new();
    // A key in every keyring that a process of the caller's has, for whoever possesses the keyring to see and to read.
    let plant = "
import ctypes, os, sys
c = ctypes.CDLL(None)
c.syscall(250, 1, None)
for ring in RINGS:
    key = c.syscall(248, b'user', b'planted', b'secret', 6, ring)
    c.syscall(250, 5, key, ctypes.c_ulong(0x3f000000))
os.execv(sys.argv[1], sys.argv[1:])
";
    // The keyrings of a uid are the user's own, outside and inside.
    let rings = |caller: u32| if caller == user.uid { "(-3, -2, -1)" } else { "(-5, -4, -3, -2, -1)" };
    let look = "grep -c planted /proc/keys || true";
    let trampoline = crate::common::program("trampoline").to_str().unwrap().to_owned();
    for caller in [0, 33, user.uid] {
        let plant = plant.replace("RINGS", rings(caller));
        let words = ["-I", "-c", &plant, &trampoline].into_iter().chain(user.words(&["sh", "-c", look]));
        let said = crate::common::call::Call::of("/usr/bin/python3", words).by(caller, 33).run().well();
        assert_eq!(said, "0", "{caller}");
    }
}
