//! Namespaces: joined, made, and given a first process.

use super::{Errno, Result, files, mount, processors, raw};
use crate::sys::root::Root;
use nix::sched::CloneFlags;
use nix::unistd::Pid;
use std::os::fd::AsFd;
use syscalls::{Sysno, syscall};

/// A kind of namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Users and their rights; looked at, never joined.
    User,
    /// Processes; looked at, never joined.
    Pid,
    /// Mounts.
    Mount,
    /// Network.
    Net,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Host and NIS domain name.
    Uts,
}

impl Kind {
    /// What a jail has of its own beside its mounts.
    pub const BESIDE_MOUNT: [Self; 3] = [Self::Net, Self::Ipc, Self::Uts];

    /// Its flag, its name, and the inode number of the one that was made at boot.
    const fn parts(self) -> (CloneFlags, &'static str, u64) {
        match self {
            Self::User => (CloneFlags::CLONE_NEWUSER, "user", 0xEFFF_FFFD),
            Self::Pid => (CloneFlags::CLONE_NEWPID, "pid", 0xEFFF_FFFC),
            Self::Mount => (CloneFlags::CLONE_NEWNS, "mnt", 0xEFFF_FFF8),
            Self::Net => (CloneFlags::CLONE_NEWNET, "net", 0xEFFF_FFF9),
            Self::Ipc => (CloneFlags::CLONE_NEWIPC, "ipc", 0xEFFF_FFFF),
            Self::Uts => (CloneFlags::CLONE_NEWUTS, "uts", 0xEFFF_FFFE),
        }
    }

    /// Its name in `/proc/PID/ns`, and among the pins of a jail.
    pub const fn name(self) -> &'static str {
        self.parts().1
    }
}

/// Joins a namespace; one of another kind is EINVAL. Joining a mount namespace moves root and current directory to its root.
pub fn join(_: &Root, namespace: impl AsFd, kind: Kind) -> Result<()> {
    nix::sched::setns(namespace, kind.parts().0)
}

/// Leaves for new namespaces of these kinds.
pub fn unshare(_: &Root, kinds: &[Kind]) -> Result<()> {
    nix::sched::unshare(kinds.iter().map(|k| k.parts().0).collect())
}

/// Whether an open namespace is the one of its kind that the kernel made at boot.
///
/// KERNEL: the inode numbers are fixed (`enum init_ns_ino`, include/uapi/linux/nsfs.h): since 3.8, but those of mount
/// and net since 6.18, so for these two an older kernel gets a no.
pub fn is_initial(namespace: impl AsFd, kind: Kind) -> Result<bool> {
    Ok(super::fd::stat(namespace)?.st_ino == kind.parts().2)
}

/// Whether this process is known to be in a user namespace, where root's rights are not real. It only words a failure.
pub fn in_user_namespace() -> bool {
    let own = super::fd::open_magic(super::fd::HERE, "/proc/self/ns/user", super::fd::How::Read);
    own.and_then(|own| is_initial(own, Kind::User)) == Ok(false)
}

/// Copies the current mount namespace into one with a higher id, sooner or later; see `settle` in `state/holder.rs`.
///
/// The first turns copy it on one processor after the other. A caller's affinity is no bar to root, but a cpuset is; so
/// the later turns use up ids of the processor at hand, by namespaces that cost little and that nobody will miss: the
/// jail's own uts namespace is pinned by now, and whoever enters joins the pin.
pub fn copy_mounts_anew(_: &Root, turn: usize) -> Result<()> {
    const MOVES: usize = 8;
    const IDS_A_TURN: usize = 128;
    let copy = || nix::sched::unshare(CloneFlags::CLONE_NEWNS);
    match turn {
        0..MOVES => processors::on(turn, copy),
        _ => (0..IDS_A_TURN).try_for_each(|_| nix::sched::unshare(CloneFlags::CLONE_NEWUTS)).and_then(|()| copy()),
    }
}

/// Makes the first process of a new pid namespace, in a copy of the current mount namespace.
///
/// Like fork(2) it copies this process, which has one thread: no lock is held by another. It returns twice: outside with
/// the pid of the first process, inside, in that process, with `None`.
pub fn first_process(_: &Root) -> Result<Option<Pid>> {
    // SAFETY: an all-zero clone_args is a valid one.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from((libc::CLONE_NEWPID | libc::CLONE_NEWNS).cast_unsigned());
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    // SAFETY: without CLONE_VM the child has its own copy of everything, and no stack is given, so it returns here as
    // fork does. glibc's own fork handlers are not run: none are registered in this program.
    let pid = raw(unsafe { syscall!(Sysno::clone3, &raw const args, size_of::<libc::clone_args>()) })?;
    let pid = i32::try_from(pid).map_err(|_| Errno::EINVAL)?;
    Ok((pid != 0).then(|| Pid::from_raw(pid)))
}

/// Sets the host name and the NIS domain name of the current uts namespace; `None` clears one.
pub fn set_names(_: &Root, host: Option<&str>, domain: Option<&str>) -> Result<()> {
    nix::unistd::sethostname(host.unwrap_or_default())?;
    let domain = domain.unwrap_or_default();
    // SAFETY: the kernel reads `len` bytes of a live string and needs no zero byte at its end.
    Errno::result(unsafe { libc::setdomainname(domain.as_ptr().cast(), domain.len()) }).map(|_| ())
}

/// Bounds what the current ipc namespace, which must be a new one, can hold: what is in it outlives the programs and counts
/// in no limit of theirs. Beside the shared memory these are a mebibyte of messages and two of semaphores.
///
/// KERNEL: each ipc namespace has these settings for itself, and who opens one sees his own (ipc/ipc_sysctl.c). As long as
/// the namespace lives the kernel keeps what was opened, and compares it with each later look at that name in that procfs
/// (`proc_sys_compare`, fs/proc/proc_sysctl.c): in the host's, 0.1 µs for every live jail on 6.18. So they are set in a procfs
/// that goes with this call.
pub fn bound_ipc(root: &Root, shared_memory: u64) -> Result<()> {
    let pages = (shared_memory / 4096).to_string();
    let bounds = [("shmall", pages.as_str()), ("msgmni", "64"), ("sem", "250 32000 32 128")];
    let proc = mount::new_filesystem(root, c"proc", &[], mount::Flags::NO_EXEC)?;
    bounds.into_iter().try_for_each(|(knob, most)| files::write(&proc, &format!("sys/kernel/{knob}"), most))
}
