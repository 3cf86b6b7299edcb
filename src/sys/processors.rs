//! The processors of a process: those it may use, and the one it runs on.

use super::Result;
pub use nix::sched::CpuSet;
use nix::sched::{sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps this process, and those it starts, on the processor it runs on, and says which ones it could use before.
///
/// A machine of more than 1,024 processors does not fit the answer: that is EINVAL, and nothing is changed.
#[doc(alias = "sched_setaffinity")]
pub fn keep_to_one() -> Result<CpuSet> {
    let before = sched_getaffinity(Pid::from_raw(0))?;
    let mut here = CpuSet::new();
    here.set(sched_getcpu()?)?;
    sched_setaffinity(Pid::from_raw(0), &here).map(|()| before)
}
