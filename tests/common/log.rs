//! The system log of the tests: everything the programs sent since the test program started.

use super::call::Done;
use super::{LOG, seen};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Starts to listen; once is enough, and every call sees to it.
pub fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        // What a test program before this one left; its socket died with it.
        drop(std::fs::remove_file(LOG));
        let socket = UnixDatagram::bind(LOG).unwrap_or_else(|e| panic!("{LOG}: {e}"));
        // As /dev/log is.
        std::fs::set_permissions(LOG, Permissions::from_mode(0o666)).unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = socket.recv(&mut bytes) {
                LINES.lock().unwrap().push(String::from_utf8_lossy(&bytes[..count]).into_owned());
            }
        });
    });
}

/// How many lines there are by now; what a call logs comes after them.
pub fn count() -> usize {
    LINES.lock().unwrap().len()
}

/// What the trampoline of this call logged, with priority, without the identity. Lines from before the call are somebody
/// else's: pids come round again within one test program.
pub fn of(done: &Done) -> Vec<String> {
    let mark = format!(">trampoline[{}]: ", done.pid);
    let lines = LINES.lock().unwrap();
    let own = lines[done.logged_before..].iter();
    own.filter_map(|line| line.split_once(&mark).map(|(priority, text)| format!("{priority}> {text}"))).collect()
}

/// Everything, as it came.
pub fn all() -> Vec<String> {
    LINES.lock().unwrap().clone()
}

/// The one line that the trampoline of this call logged; waits for it.
#[track_caller]
pub fn line_of(done: &Done) -> String {
    seen::within(Duration::from_secs(2), || !of(done).is_empty());
    let lines = of(done);
    assert_eq!(lines.len(), 1, "one line of syslog was expected: {lines:?}");
    lines.into_iter().next().unwrap()
}
