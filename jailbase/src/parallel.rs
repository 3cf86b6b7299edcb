//! The same work on many things, on all processors.

use crate::interrupt;
use jail::error::Error;
use nix::sched::{CloneFlags, unshare};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does it to each, in no certain order; the first failure that is found is the result.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R, Error> + Sync) -> Result<Vec<R>, Error> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<R>, Error> {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Who wants the end does not want the rest.
            interrupt::judge().inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
            done.push(work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?);
        }
        Ok(done)
    };
    // KERNEL: who shares his root directory with another joins no mount namespace (mntns_install, fs/namespace.c), and a thread
    // that was joined may still be on its way out. One that has it for itself is in nobody's way; one that cannot leaves the work
    // to this one.
    let apart = || unshare(CloneFlags::CLONE_FS).map_or_else(|_| Ok(Vec::new()), |()| worker());
    let count = thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let all: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (1..count).map(|_| scope.spawn(apart)).collect();
        let own = worker();
        workers.into_iter().map(thread::ScopedJoinHandle::join).chain([Ok(own)]).collect()
    });
    let mut done = Vec::with_capacity(items.len());
    for part in all {
        done.extend(part.map_err(|_| Error::failed("work on", "many files at once", "a thread of ours broke; report it"))??);
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_done_once_and_one_failure_fails_all() {
        let items: Vec<u32> = (0..1000).collect();
        let mut done = each(&items, |n| Ok(*n)).unwrap_or_default();
        done.sort_unstable();
        assert_eq!(done, items);
        assert!(each(&items, |n| if *n == 500 { Err(Error::Usage("x".into())) } else { Ok(*n) }).is_err());
        assert!(each(&[], |n: &u32| Ok(*n)).is_ok_and(|none| none.is_empty()));
    }
}
