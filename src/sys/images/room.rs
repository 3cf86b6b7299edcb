//! What of root's rights a program keeps that jailbase runs inside an image, and which ways out of there are shut. The setuid
//! program has no use for it, and none of it is linked in there.

use crate::sys::root::Root;
use crate::sys::{Errno, Result, fd, raw};
use nix::sys::prctl;
use seccompiler::sock_filter;
use syscalls::{Sysno, syscall};

/// CAP_CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID and SETUID: what a package manager needs to own files and to start as
/// others. Not among them: mounts, devices, modules, other people's processes, a way out of a chroot.
///
/// KERNEL: with DAC_READ_SEARCH, which adds nothing else to DAC_OVERRIDE, every file of the tree's file system can be opened by its
/// number, whatever the root is (`may_decode_fh`, fs/fhandle.c).
const KEPT: [i32; 7] = [0, 1, 3, 4, 5, 6, 7];

/// No kernel knows more capabilities: its sets are words of 64 bits.
const MOST: i32 = 64;

/// Keeps for the programs that are executed from now on what a package manager needs, and nothing else of root's.
pub fn keep_little(_: &Root) -> Result<()> {
    for number in (0..MOST).filter(|number| !KEPT.contains(number)) {
        // SAFETY: PR_CAPBSET_DROP takes a number and writes nothing.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) }) {
            // KERNEL: the answer for a number past the last capability (cap_prctl_drop, security/commoncap.c).
            Err(Errno::EINVAL) => break,
            done => done.map(|_| ())?,
        }
    }
    // KERNEL: a program that uid 0 executes gets what is in the bounding set or inheritable (capabilities(7)).
    caps::clear(None, caps::CapSet::Inheritable).map_err(|_| Errno::EPERM)?;
    prctl::set_no_new_privs()
}

/// Leaves the programs that are executed from now on no descriptor but the standard streams.
pub fn hand_over_streams_alone() -> Result<()> {
    // CLOSE_RANGE_CLOEXEC of close_range(2), Linux 5.11: what has an owner here stays open until then.
    // SAFETY: three numbers.
    raw(unsafe { syscall!(Sysno::close_range, 3, u32::MAX, 4) }).map(|_| ())
}

/// `AUDIT_ARCH_*` of this machine, and its numbers of socket(2), ioctl(2) and socketpair(2).
#[cfg(target_arch = "x86_64")]
const NATIVE: [u32; 4] = [0xc000_003e, 41, 16, 53];
#[cfg(target_arch = "aarch64")]
const NATIVE: [u32; 4] = [0xc000_00b7, 198, 29, 199];

/// io_uring_setup, open_by_handle_at, setns, add_key, request_key and keyctl.
#[cfg(target_arch = "x86_64")]
const NONE: [u32; 6] = [425, 304, 308, 248, 249, 250];
#[cfg(target_arch = "aarch64")]
const NONE: [u32; 6] = [425, 265, 268, 217, 218, 219];

const AF_UNIX: u32 = 1;
/// TIOCSTI, TIOCLINUX and TIOCSETD.
const TYPING: [u32; 3] = [0x5412, 0x541c, 0x5423];

/// What a filter answers: `SECCOMP_RET_*`, and with an errno its number below.
const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;
const EPERM: u32 = 0x0005_0001;
const ENOSYS: u32 = 0x0005_0026;
const EAFNOSUPPORT: u32 = 0x0005_0061;

/// In `struct seccomp_data`: the number, the machine, and the halves of the first two arguments that the kernel takes of an int.
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const ARGUMENTS: [u32; 2] = [16, 24];

const fn load(offset: u32) -> sock_filter {
    sock_filter { code: 0x20, jt: 0, jf: 0, k: offset }
}

/// Skips so many instructions if it is `k`, and so many otherwise.
const fn skip_if(k: u32, on: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: 0x15, jt: on, jf: otherwise, k }
}

const fn end(answer: u32) -> sock_filter {
    sock_filter { code: 0x06, jt: 0, jf: 0, k: answer }
}

/// The ways out: a unix socket, by which a process of the host's, whose network it is, hands in an open directory of its own, or is
/// handed a file that will be a generation's; `io_uring`, which makes sockets past every filter; a file's number, which is a name
/// beyond the root; the user namespace of a process outside, where whoever enters it may mount; keys, which the uid has everywhere;
/// what types into the terminal, or changes how it is read.
const SHUT: [sock_filter; 24] = [
    load(MACHINE),
    skip_if(NATIVE[0], 1, 0),
    end(KILL),
    load(NUMBER),
    // From there on they are x32's; no other machine has so many.
    sock_filter { code: 0x35, jt: 9, jf: 0, k: 0x4000_0000 },
    skip_if(NONE[0], 8, 0),
    skip_if(NONE[1], 7, 0),
    skip_if(NONE[2], 6, 0),
    skip_if(NONE[3], 5, 0),
    skip_if(NONE[4], 4, 0),
    skip_if(NONE[5], 3, 0),
    skip_if(NATIVE[1], 3, 0),
    skip_if(NATIVE[2], 5, 0),
    end(ALLOW),
    end(ENOSYS),
    load(ARGUMENTS[0]),
    skip_if(AF_UNIX, 0, 5),
    end(EAFNOSUPPORT),
    load(ARGUMENTS[1]),
    skip_if(TYPING[0], 3, 0),
    skip_if(TYPING[1], 2, 0),
    skip_if(TYPING[2], 1, 0),
    end(ALLOW),
    end(EPERM),
];

/// The same where a process outside can take one end of a pair over. After [`SHUT`], by which this machine's numbers are the only ones.
const SHUT_FOR_PAIRS: [sock_filter; 4] = [load(NUMBER), skip_if(NATIVE[3], 0, 1), end(EAFNOSUPPORT), end(ALLOW)];

/// Shuts the ways out that calls of the kernel are, for this process and all that it starts. After [`keep_little`]. `apart`: whether
/// a socketpair leads to nobody else.
pub fn shut(apart: bool) -> Result<()> {
    let all = if apart { [&SHUT[..], &[]] } else { [&SHUT[..], &SHUT_FOR_PAIRS[..]] };
    all.into_iter().filter(|filter| !filter.is_empty()).try_for_each(seccompiler::apply_filter).map_err(|error| match error {
        seccompiler::Error::Prctl(e) | seccompiler::Error::Seccomp(e) => fd::errno(&e),
        _ => Errno::EINVAL,
    })
}
