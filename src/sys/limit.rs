//! Resource limits: enough room to make a jail in, then what the spec says.

use super::{Errno, Result, fd, files};
use crate::limits::Limits;
use crate::sys::root::Root;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// What making a jail needs at the least; a caller may have left us less, to make a step fail at a chosen place.
const ROOM: [(Resource, u64); 6] = [
    (Resource::RLIMIT_NOFILE, 256),
    (Resource::RLIMIT_AS, 1 << 30),
    (Resource::RLIMIT_DATA, 1 << 30),
    (Resource::RLIMIT_STACK, 8 << 20),
    (Resource::RLIMIT_FSIZE, 1 << 20),
    (Resource::RLIMIT_CPU, RLIM_INFINITY),
];

/// Makes room for ourselves.
pub fn room(root: &Root) -> Result<()> {
    for (resource, least) in ROOM {
        let (soft, hard) = getrlimit(resource)?;
        if soft < least {
            change(root, resource, least, hard.max(least))?;
        }
    }
    Ok(())
}

/// Sets the limits of a session: those of the spec, and for the others what is usual, so that none is the caller's.
pub fn set(root: &Root, limits: &Limits) -> Result<()> {
    let Limits { cpu, memory, processes, file_size, open_files } = *limits;
    for (resource, soft, hard) in [
        (Resource::RLIMIT_CPU, cpu, cpu),
        (Resource::RLIMIT_AS, memory, memory),
        (Resource::RLIMIT_NPROC, processes, processes),
        (Resource::RLIMIT_FSIZE, file_size, file_size),
        (Resource::RLIMIT_NOFILE, open_files, open_files),
        // KERNEL: a byte holds no core, and keeps a handler behind a pipe away, as 0 does not (fs/coredump.c).
        (Resource::RLIMIT_CORE, 1, 1),
        (Resource::RLIMIT_STACK, 8 << 20, RLIM_INFINITY),
        (Resource::RLIMIT_MEMLOCK, 8 << 20, 8 << 20),
        (Resource::RLIMIT_SIGPENDING, 1024, 1024),
        (Resource::RLIMIT_MSGQUEUE, 819_200, 819_200),
        (Resource::RLIMIT_NICE, 0, 0),
        (Resource::RLIMIT_RTPRIO, 0, 0),
    ] {
        change(root, resource, soft, hard)?;
    }
    let others = [Resource::RLIMIT_DATA, Resource::RLIMIT_RSS, Resource::RLIMIT_LOCKS, Resource::RLIMIT_RTTIME];
    others.into_iter().try_for_each(|resource| change(root, resource, RLIM_INFINITY, RLIM_INFINITY))
}

/// Takes from a session, in its own `/proc`, the protection that its caller may have when memory runs out: a program that
/// eats it all must not be the last to go. That one is to go before others stays.
///
/// KERNEL: what root writes is also the least to which a process may go back by itself (`oom_score_adj_min`, fs/proc/base.c), so
/// what is good already is written too.
pub fn spare_nobody(_: &Root) -> Result<()> {
    const SCORE: &str = "proc/1/oom_score_adj";
    let score = fd::read_at_most(fd::open_beneath(fd::HERE, SCORE, fd::How::Read)?, 8)?;
    files::write(fd::HERE, SCORE, &String::from_utf8_lossy(if score.starts_with(b"-") { b"0" } else { &score }))
}

fn change(_: &Root, resource: Resource, soft: u64, hard: u64) -> Result<()> {
    match setrlimit(resource, soft, hard) {
        // Without CAP_SYS_RESOURCE (a container's root) a hard limit cannot be raised: the caller's lower one stays.
        Err(Errno::EPERM) => {
            let (_, most) = getrlimit(resource)?;
            setrlimit(resource, soft.min(most), hard.min(most))
        }
        done => done,
    }
}
