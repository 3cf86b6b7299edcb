//! What the policy says, written down a second time and by number, without the compiler's tables.

use super::call::{Answer, Call};

pub const ALLOW: Answer = Answer::Allow;
pub const EPERM: Answer = Answer::Errno(1);
pub const ENOSYS: Answer = Answer::Errno(38);
pub const EPROTONOSUPPORT: Answer = Answer::Errno(93);
pub const ESOCKTNOSUPPORT: Answer = Answer::Errno(94);
pub const EAFNOSUPPORT: Answer = Answer::Errno(97);

/// Who the policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    Web,
    Dev,
}

/// An architecture by its numbers.
pub struct Arch {
    pub name: &'static str,
    pub audit: u32,
    pub clone: u32,
    pub unshare: u32,
    pub socket: u32,
    pub socketpair: u32,
    pub ioctl: u32,
    pub fcntl: u32,
    pub personality: u32,
    /// The calls that must not name process 1 first.
    pub not_of_init: &'static [u32],
    pub setpriority: u32,
    pub ioprio_set: u32,
    /// Looking into another process: EPERM for web, allowed for dev.
    pub debugging: &'static [u32],
    /// First and last of the numbers that get EPERM.
    pub forbidden: &'static [(u32, u32)],
    /// The same for ENOSYS.
    pub unknown: &'static [(u32, u32)],
}

pub static X86_64: Arch = Arch {
    name: "x86_64",
    audit: 0xc000_003e,
    clone: 56,
    unshare: 272,
    socket: 41,
    socketpair: 53,
    ioctl: 16,
    fcntl: 72,
    personality: 135,
    not_of_init: &[142, 144, 203, 302, 314],
    setpriority: 141,
    ioprio_set: 251,
    debugging: &[101, 310, 311], // ptrace process_vm_readv process_vm_writev
    #[rustfmt::skip]
    forbidden: &[
        (103, 103), // syslog
        (153, 155), // vhangup modify_ldt pivot_root
        (159, 159), // adjtimex
        (161, 161), (163, 173), // chroot; acct settimeofday mount umount2 swapon swapoff reboot set*name iopl ioperm
        (175, 176), (179, 179), // init_module delete_module, quotactl
        (212, 212), (227, 227), // lookup_dcookie, clock_settime
        (237, 238), (246, 246), (256, 256), // mbind set_mempolicy, kexec_load, migrate_pages
        (278, 279), (298, 298), // vmsplice move_pages, perf_event_open
        (300, 301), (303, 305), // fanotify; name_to_handle_at open_by_handle_at clock_adjtime
        (308, 308), (312, 313), // setns; kcmp finit_module
        (320, 321), (323, 323), // kexec_file_load bpf, userfaultfd
        (438, 438), (440, 440), (443, 443), (450, 450), // pidfd_getfd process_madvise quotactl_fd set_mempolicy_home_node
    ],
    #[rustfmt::skip]
    unknown: &[
        (134, 134), (136, 136), (139, 139), (156, 156), // uselib ustat sysfs _sysctl
        (174, 174), (177, 178), (180, 185), // create_module, get_kernel_syms query_module, nfsservctl..security
        (206, 210), (214, 216), (236, 236), (248, 250), // aio, epoll_*_old remap_file_pages, vserver, keys
        (333, 333), (337, 423), // io_pgetevents, nothing
        (425, 433), (435, 435), (442, 442), // io_uring and the mount calls, clone3, mount_setattr
        (457, 461), (467, u32::MAX), // statmount listmount lsm_*; open_tree_attr and all that comes later
    ],
};

pub static AARCH64: Arch = Arch {
    name: "aarch64",
    audit: 0xc000_00b7,
    clone: 220,
    unshare: 97,
    socket: 198,
    socketpair: 199,
    ioctl: 29,
    fcntl: 25,
    personality: 92,
    not_of_init: &[118, 119, 122, 261, 274],
    setpriority: 140,
    ioprio_set: 30,
    debugging: &[117, 270, 271],
    #[rustfmt::skip]
    forbidden: &[
        (18, 18), (39, 41), (51, 51), (58, 58), (60, 60), // lookup_dcookie, mounts, chroot, vhangup, quotactl
        (75, 75), (89, 89), (104, 106), (112, 112), // vmsplice, acct, kexec_load and modules, clock_settime
        (116, 116), (142, 142), (161, 162), (170, 171), // syslog, reboot, set*name, settimeofday adjtimex
        (224, 225), (235, 235), (237, 239), (241, 241), // swap, mbind, set_mempolicy and *_pages, perf_event_open
        (262, 266), (268, 268), (272, 273), // fanotify, handles, clock_adjtime; setns; kcmp finit_module
        (280, 280), (282, 282), (294, 294), // bpf, userfaultfd, kexec_file_load
        (438, 438), (440, 440), (443, 443), (450, 450),
    ],
    #[rustfmt::skip]
    unknown: &[
        (0, 4), (42, 42), (217, 219), (234, 234), // aio, nfsservctl, keys, remap_file_pages
        (244, 259), (292, 292), (295, 423), // nothing, io_pgetevents, nothing
        (425, 433), (435, 435), (442, 442), (457, 461), (467, u32::MAX),
    ],
};

/// What the policy says about a call.
pub fn says(arch: &Arch, whom: Whom, call: &Call) -> Answer {
    let within = |ranges: &[(u32, u32)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&call.nr));
    let [first, second, third, ..] = call.args.map(|argument| argument as u32);
    let namespaces = [17, 25, 26, 27, 28, 29, 30].map(|bit| 1_u32 << bit); // NS CGROUP UTS IPC USER PID NET
    let wants = |flags: u32| namespaces.iter().any(|flag| flags & flag != 0);
    let unless = |bad: bool, answer| if bad { answer } else { ALLOW };

    if call.arch != arch.audit {
        Answer::KillProcess
    } else if arch.name == "x86_64" && call.nr & (1 << 30) != 0 {
        ENOSYS
    } else if arch.debugging.contains(&call.nr) {
        unless(whom == Whom::Web, EPERM)
    } else if call.nr == arch.clone {
        unless(wants(first), EPERM)
    } else if call.nr == arch.unshare {
        unless(wants(first) || first & 0x80 != 0, EPERM)
    } else if call.nr == arch.socketpair {
        unless(first != 1, EAFNOSUPPORT)
    } else if call.nr == arch.ioctl {
        unless([0x5412, 0x541c, 0x5423, 0x401c_5820, 0x4008_6602].contains(&second), EPERM)
    } else if call.nr == arch.fcntl {
        unless(second == 1024, EPERM)
    } else if call.nr == arch.personality {
        let good = first == u32::MAX || matches!(first & !8, 0 | 0x2_0000 | 0x4_0000 | 0x6_0000);
        unless(!good, EPERM)
    } else if arch.not_of_init.contains(&call.nr) {
        unless(first == 1, EPERM)
    } else if call.nr == arch.setpriority {
        unless(first != 0 || second == 1, EPERM)
    } else if call.nr == arch.ioprio_set {
        unless(first != 1 || second == 1, EPERM)
    } else if call.nr == arch.socket {
        match (first, second % 16, third) {
            (1, _, _) | (16, _, 0) | (2 | 10, 1..=3, 0 | 1 | 6 | 17 | 58) => ALLOW,
            (2 | 10, 1..=3, _) | (16, _, _) => EPROTONOSUPPORT,
            (2 | 10, _, _) => ESOCKTNOSUPPORT,
            _ => EAFNOSUPPORT,
        }
    } else if within(arch.forbidden) {
        EPERM
    } else {
        unless(within(arch.unknown), ENOSYS)
    }
}
