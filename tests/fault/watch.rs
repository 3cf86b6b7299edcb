//! A run must end by itself. One that does not is ended here, and is said to have hung.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// Longer than any run takes on a busy machine; trampoline itself waits ten seconds for a lock.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Watched {
    pids: BTreeSet<i32>,
    ended: bool,
    hung: bool,
}

/// The watch over one run.
pub struct Watch {
    watched: Arc<(Mutex<Watched>, Condvar)>,
    guard: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    pub fn over(first: i32) -> Self {
        let watched = Arc::new((Mutex::new(Watched { pids: BTreeSet::from([first]), ..Watched::default() }), Condvar::new()));
        let shared = Arc::clone(&watched);
        let guard = spawn(move || {
            let (watched, change) = &*shared;
            let held = watched.lock().unwrap();
            let (mut held, late) = change.wait_timeout_while(held, PATIENCE, |w| !w.ended).unwrap();
            if late.timed_out() {
                held.hung = true;
                for pid in &held.pids {
                    // SAFETY: two numbers; a pid leaves the set when its process was waited for.
                    unsafe { libc::kill(*pid, libc::SIGKILL) };
                }
            }
        });
        Self { watched, guard: Some(guard) }
    }

    /// This one belongs to the run too.
    pub fn also(&self, pid: i32) {
        self.watched.0.lock().unwrap().pids.insert(pid);
    }

    /// This one has ended.
    pub fn forget(&self, pid: i32) {
        self.watched.0.lock().unwrap().pids.remove(&pid);
    }

    /// Ends the watch; whether it had to step in.
    pub fn ended(mut self) -> bool {
        self.watched.0.lock().unwrap().ended = true;
        self.watched.1.notify_all();
        if let Some(guard) = self.guard.take() {
            guard.join().unwrap();
        }
        self.watched.0.lock().unwrap().hung
    }
}
