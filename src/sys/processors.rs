//! The processors of a process: those it may use, and the one it runs on.

use super::Result;
pub use nix::sched::CpuSet;
use nix::sched::{sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// The one that this process runs on.
pub fn here() -> Result<CpuSet> {
    let mut here = CpuSet::new();
    here.set(sched_getcpu()?).map(|()| here)
}

/// Keeps this process, and those it starts, on the processor it runs on, and says what to ask for so that a process has those again
/// that this one could use before. Where that cannot be known, nothing is changed: EINVAL on a machine of more than 1,024
/// processors, whose sets are longer.
///
/// KERNEL: what is asked for stays asked for when a cpuset gains processors later (`user_cpus_ptr`, kernel/sched/syscalls.c, 6.2),
/// and nobody tells whether somebody asked. So whoever could use all that its cpuset has asks for all there are, and follows its
/// cpuset as before; a caller who had bound itself to just those is followed by what it runs no longer.
pub fn stay_for_now() -> Result<CpuSet> {
    // ORDER: before all are asked for, for this process may be moved then, and the caller's may not be among them.
    let (before, here, mut all) = (sched_getaffinity(Pid::from_raw(0))?, here()?, CpuSet::new());
    (0..CpuSet::count()).try_for_each(|number| all.set(number))?;
    sched_setaffinity(Pid::from_raw(0), &all)?;
    let unbound = sched_getaffinity(Pid::from_raw(0)) == Ok(before);
    // From here on what was before is only there in the answer.
    sched_setaffinity(Pid::from_raw(0), &here).unwrap_or(());
    Ok(if unbound { all } else { before })
}
