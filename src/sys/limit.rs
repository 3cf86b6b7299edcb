//! Resource limits: enough room to make a jail in, then what the spec says.

use super::{Errno, Result};
use crate::limits::Limits;
use crate::sys::root::Root;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What making a jail needs at the least; a caller may have left us less, to make a step fail at a chosen place.
const ROOM: [(Resource, u64); 6] = [
    (Resource::RLIMIT_NOFILE, 256),
    (Resource::RLIMIT_AS, 1 << 30),
    (Resource::RLIMIT_DATA, 1 << 30),
    (Resource::RLIMIT_STACK, 8 << 20),
    (Resource::RLIMIT_FSIZE, 1 << 20),
    (Resource::RLIMIT_CPU, 60),
];

/// Makes room for ourselves.
pub fn room(_: &Root) -> Result<()> {
    for (resource, least) in ROOM {
        let (soft, hard) = getrlimit(resource)?;
        if soft < least {
            setrlimit(resource, least, hard.max(least))?;
        }
    }
    Ok(())
}

/// Sets the limits of a session, soft and hard.
pub fn set(root: &Root, limits: &Limits) -> Result<()> {
    let Limits { cpu, memory, processes, file_size, open_files } = *limits;
    exactly(root, Resource::RLIMIT_CPU, cpu)?;
    exactly(root, Resource::RLIMIT_AS, memory)?;
    exactly(root, Resource::RLIMIT_NPROC, processes)?;
    exactly(root, Resource::RLIMIT_FSIZE, file_size)?;
    exactly(root, Resource::RLIMIT_NOFILE, open_files)?;
    exactly(root, Resource::RLIMIT_CORE, 0)
}

fn exactly(_: &Root, resource: Resource, value: u64) -> Result<()> {
    match setrlimit(resource, value, value) {
        // Without CAP_SYS_RESOURCE (a container's root) a hard limit cannot be raised: the caller's lower one stays.
        Err(Errno::EPERM) => {
            let (_, hard) = getrlimit(resource)?;
            setrlimit(resource, hard.min(value), hard.min(value))
        }
        done => done,
    }
}
