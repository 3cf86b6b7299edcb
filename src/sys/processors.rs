//! The processors that a process may use.

use super::{Errno, Result};
pub use nix::sched::CpuSet;
use nix::sched::{sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// What these calls name the process by that makes them.
const SELF: Pid = Pid::from_raw(0);

fn of(numbers: impl IntoIterator<Item = usize>) -> Result<CpuSet> {
    numbers.into_iter().try_fold(CpuSet::new(), |mut set, number| set.set(number).map(|()| set))
}

/// Does it on the processor of this number if that can be, and else where it is. What this process may use is as before then, or, if
/// its cpuset has lost all of that meanwhile, what the cpuset has now.
pub fn on(number: usize, deed: impl FnOnce() -> Result<()>) -> Result<()> {
    // On a machine of more than 1,024 processors nobody could lead us back.
    let Ok(before) = sched_getaffinity(SELF) else { return deed() };
    // A number that no processor has, or that the cpuset lacks, leaves us where we are.
    of([number]).and_then(|one| sched_setaffinity(SELF, &one)).unwrap_or(());
    deed()?;
    let back = sched_setaffinity(SELF, &before);
    if back == Err(Errno::EINVAL) { sched_setaffinity(SELF, &of(0..CpuSet::count())?) } else { back }
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
    let (before, here, all) = (sched_getaffinity(SELF)?, of([sched_getcpu()?])?, of(0..CpuSet::count())?);
    sched_setaffinity(SELF, &all)?;
    let unbound = sched_getaffinity(SELF) == Ok(before);
    // From here on what was before is only there in the answer.
    sched_setaffinity(SELF, &here).unwrap_or(());
    Ok(if unbound { all } else { before })
}
