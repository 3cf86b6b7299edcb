//! What can become of a call, and the calls whose arguments decide.
//!
//! KERNEL: the arguments looked at here are `int` or `unsigned int`: the kernel drops the upper half of the register,
//! so only the lower half is compared. A comparison of all 64 bits lets `0x1_0000_5412` through as "not TIOCSTI".

/// What becomes of a call: an end, or a question about one argument.
#[derive(Debug, PartialEq, Eq)]
pub enum Rule {
    /// The call is made.
    Allow,
    /// The call fails with this errno.
    Fail(u32),
    /// The whole process dies.
    Kill,
    /// The first case that lists the argument (its lower half, under a mask) decides.
    Match {
        /// Which argument, from 0.
        argument: u32,
        /// The bits that count.
        mask: u32,
        /// The values and what becomes of them.
        cases: &'static [(&'static [u32], &'static Rule)],
        /// What becomes of every other value.
        other: &'static Rule,
    },
    /// Whether the argument has any of these bits decides.
    Bits {
        /// Which argument, from 0.
        argument: u32,
        /// The bits.
        bits: u32,
        /// When one of them is set.
        any: &'static Rule,
        /// When none is.
        none: &'static Rule,
    },
}

/// The call is made.
pub static ALLOW: Rule = Rule::Allow;
/// The whole process dies. For a foreign architecture only: runtimes try new calls at their start and must live on.
pub static KILL: Rule = Rule::Kill;
/// Not permitted.
pub static EPERM: Rule = Rule::Fail(1);
/// No such call.
pub static ENOSYS: Rule = Rule::Fail(38);
static EPROTONOSUPPORT: Rule = Rule::Fail(93);
static ESOCKTNOSUPPORT: Rule = Rule::Fail(94);
static EAFNOSUPPORT: Rule = Rule::Fail(97);

/// The calls that an argument decides on.
pub static BY_ARGUMENTS: &[(&str, &Rule)] = &[
    ("clone", &CLONE),
    ("unshare", &UNSHARE),
    ("socket", &SOCKET),
    ("socketpair", &SOCKETPAIR),
    ("ioctl", &IOCTL),
    ("fcntl", &FCNTL),
    ("personality", &PERSONALITY),
    ("sched_setaffinity sched_setattr sched_setparam sched_setscheduler prlimit64", &NOT_OF_INIT),
    ("setpriority", &PRIORITY),
    ("ioprio_set", &IO_PRIORITY),
];

/// Process 1 of a session has the uid of its programs, which could push it aside until it hears no order any more.
static NOT_OF_INIT: Rule = Rule::Match { argument: 0, mask: u32::MAX, cases: &[(&[1], &EPERM)], other: &ALLOW };
static NOT_OF_INIT_EITHER: Rule = Rule::Match { argument: 1, mask: u32::MAX, cases: &[(&[1], &EPERM)], other: &ALLOW };
/// PRIO_PROCESS; a process group or all of a user's could include process 1.
static PRIORITY: Rule = Rule::Match { argument: 0, mask: u32::MAX, cases: &[(&[0], &NOT_OF_INIT_EITHER)], other: &EPERM };
/// IOPRIO_WHO_PROCESS, for the same reason.
static IO_PRIORITY: Rule = Rule::Match { argument: 0, mask: u32::MAX, cases: &[(&[1], &NOT_OF_INIT_EITHER)], other: &EPERM };

/// NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. A new user namespace hands out every capability, and
/// most local root holes of the last years began there.
const NAMESPACES: u32 = 0x7E02_0000;
/// CLONE_NEWTIME. In clone(2) the same bit belongs to the signal number, so only unshare(2) asks about it.
const TIME_NAMESPACE: u32 = 0x80;

/// `flags` comes first on the architectures we know (not on s390).
static CLONE: Rule = Rule::Bits { argument: 0, bits: NAMESPACES, any: &EPERM, none: &ALLOW };
static UNSHARE: Rule = Rule::Bits { argument: 0, bits: NAMESPACES | TIME_NAMESPACE, any: &EPERM, none: &ALLOW };

const UNIX: u32 = 1;
const INET: u32 = 2;
const INET6: u32 = 10;
const NETLINK: u32 = 16;

static SOCKET: Rule = Rule::Match {
    argument: 0,
    mask: u32::MAX,
    cases: &[(&[UNIX], &ALLOW), (&[INET, INET6], &INTERNET), (&[NETLINK], &ROUTING)],
    other: &EAFNOSUPPORT,
};

/// STREAM, DGRAM and RAW (for which the kernel wants a capability). The type matters as much as the protocol:
/// SEQPACKET with protocol 0 is SCTP, DCCP's type with protocol 0 is DCCP, and type 10 turns INET into PACKET.
/// KERNEL: the lower four bits are the type (SOCK_TYPE_MASK), the rest is CLOEXEC and NONBLOCK.
static INTERNET: Rule = Rule::Match { argument: 1, mask: 0xF, cases: &[(&[1, 2, 3], &PROTOCOL)], other: &ESOCKTNOSUPPORT };

/// The type's own, TCP, UDP, ICMP and ICMPv6. Not SCTP, DCCP, UDPLITE, L2TP, SMC, MPTCP: any of them loads a module
/// that few machines need; Go and others fall back to TCP.
static PROTOCOL: Rule =
    Rule::Match { argument: 2, mask: u32::MAX, cases: &[(&[0, 6, 17, 1, 58], &ALLOW)], other: &EPROTONOSUPPORT };

/// NETLINK_ROUTE only: getifaddrs(3) needs it.
static ROUTING: Rule = Rule::Match { argument: 2, mask: u32::MAX, cases: &[(&[0], &ALLOW)], other: &EPROTONOSUPPORT };

static SOCKETPAIR: Rule = Rule::Match { argument: 0, mask: u32::MAX, cases: &[(&[UNIX], &ALLOW)], other: &EAFNOSUPPORT };

/// TIOCSTI and TIOCLINUX type into the terminal of whoever looks at it. TIOCSETD gives a terminal another line discipline:
/// drivers for modems and buses, loaded on demand, with a long row of root holes, and no use for a terminal of /dev/pts.
/// FS_IOC_FSSETXATTR and FS_IOC_SETFLAGS let an owner move files, or what a directory will hold, out of a project's quota.
static IOCTL: Rule = Rule::Match {
    argument: 1,
    mask: u32::MAX,
    cases: &[(&[0x5412, 0x541C, 0x5423, 0x401C_5820, 0x4008_6602], &EPERM)],
    other: &ALLOW,
};

/// F_SETLEASE: who opens or executes a file with a lease waits for its holder, fs.lease-break-time long (45 seconds), in
/// the kernel. So one session's program could keep another session's process 1 from its timeout.
static FCNTL: Rule = Rule::Match { argument: 1, mask: u32::MAX, cases: &[(&[1024], &EPERM)], other: &ALLOW };

/// PER_LINUX32 (uname -m), UNAME26 and ADDR_NO_RANDOMIZE (gdb, SBCL) in any mixture, and the question which it is now.
/// The rest makes old holes easy: pages at 0, readable means executable.
static PERSONALITY: Rule = Rule::Match { argument: 0, mask: u32::MAX, cases: &[(&[u32::MAX], &ALLOW)], other: &HARMLESS };
static HARMLESS: Rule = Rule::Bits { argument: 0, bits: !0x6_0008, any: &EPERM, none: &ALLOW };

/// What a program returns for a rule that asks no question.
/// KERNEL: SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with the errno in the lower half, SECCOMP_RET_KILL_PROCESS.
///
/// # Errors
/// When the rule asks one.
pub fn value(rule: &Rule) -> Result<u32, String> {
    match rule {
        Rule::Allow => Ok(0x7FFF_0000),
        Rule::Fail(errno) => Ok(0x0005_0000 | errno),
        Rule::Kill => Ok(0x8000_0000),
        Rule::Match { .. } | Rule::Bits { .. } => Err(format!("{rule:?} is a question, not an answer")),
    }
}
