//! A signal that wants the end of long work: the work sees it, fails, and takes away what it made so far, as it does when
//! anything else goes wrong. Who sends a second one wants no more waiting, and leaves what the next command clears.

use jail::error::{Error, code};
use jail::sys::init::number;
use nix::sys::signal::{SigSet, Signal};
use signal_hook::flag;
use signal_hook::low_level::{pipe, unregister};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

/// The signals that want the end.
const ENDS: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// The number of the one that came, or 0.
static CAME: AtomicUsize = AtomicUsize::new(0);
/// Whether one came: a second ends the program where it is.
static AGAIN: AtomicBool = AtomicBool::new(false);
/// Those that are listened for.
static HEARD: OnceLock<Vec<Signal>> = OnceLock::new();

/// Listens from now on. What somebody ignores for us, as nohup does, stays ignored; what he holds back does not: we would not hear
/// that a child ended, and wait for it for ever, with the image's lock. A child of ours begins with the same empty mask.
pub fn listen() -> Result<(), Error> {
    let ignored = ignored();
    let heard: Vec<Signal> = ENDS.into_iter().filter(|signal| ignored & bit(*signal) == 0).collect();
    for signal in &heard {
        let failed = |error| Error::failed("listen for", signal.as_str(), error);
        let raw = i32::from(number(*signal));
        // ORDER: before the flag that it looks at is set by the same signal.
        flag::register_conditional_shutdown(raw, i32::from(code_of(*signal)), &AGAIN).map_err(failed)?;
        flag::register(raw, &AGAIN).map_err(failed)?;
        flag::register_usize(raw, &CAME, usize::from(number(*signal))).map_err(failed)?;
    }
    HEARD.get_or_init(|| heard);
    // ORDER: after they are listened for, because one that was held back until now comes at once.
    SigSet::empty().thread_set_mask().map_err(|error| Error::failed("listen for", "signals", error))
}

/// Lets this process hear how its children end, whoever ignored that for us.
///
/// KERNEL: a child of whoever ignores SIGCHLD leaves no status, and to wait for it is ECHILD (wait(2), NOTES).
pub fn hear_of_children() -> Result<(), Error> {
    let heard = flag::register(i32::from(number(Signal::SIGCHLD)), Arc::default());
    heard.map(drop).map_err(|error| Error::failed("listen for", "SIGCHLD", error))
}

/// The signal that came, if one did.
pub fn came() -> Option<Signal> {
    ENDS.into_iter().find(|signal| usize::from(number(*signal)) == CAME.load(Ordering::Relaxed))
}

/// The exit code of what a signal ended.
pub fn code_of(signal: Signal) -> u8 {
    code::SIGNAL.saturating_add(number(signal))
}

/// Fails if a signal came; between two steps of long work.
pub fn judge() -> Result<(), Error> {
    came().map_or(Ok(()), |signal| Err(Error::failed("go on", "", format!("{signal} came"))))
}

/// A reader that fails when a signal came.
pub fn reading<R: Read>(from: R) -> impl Read {
    Reading(from)
}

struct Reading<R>(R);

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        judge().map_err(|error| io::Error::other(error.to_string()))?;
        self.0.read(buffer)
    }
}

/// Runs a program to its end, or to a signal's: then it is killed. What it says on standard error is kept if that is piped, and
/// each line is told to `line` at once.
///
/// While we wait for it nothing polls: each signal, and the end of a child, is a byte in a pipe.
pub fn output(command: &mut Command, line: impl FnMut(&[u8]) + Send) -> io::Result<Output> {
    let (mut woken, wake) = UnixStream::pair()?;
    let heard = HEARD.get().into_iter().flatten().copied().chain([Signal::SIGCHLD]);
    let ids = heard.map(|signal| pipe::register(i32::from(number(signal)), wake.try_clone()?)).collect::<io::Result<Vec<_>>>()?;
    let done = thread::scope(|scope| until_end(scope, command, line, &mut woken));
    for id in ids {
        unregister(id);
    }
    done
}

fn until_end<'scope, Line: FnMut(&[u8]) + Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    command: &mut Command,
    mut line: Line,
    woken: &mut UnixStream,
) -> io::Result<Output> {
    let mut child = command.spawn()?;
    let listener = child.stderr.take().map(|from| {
        scope.spawn(move || {
            let (mut from, mut said) = (BufReader::new(from), Vec::new());
            loop {
                let known = said.len();
                if from.read_until(b'\n', &mut said)? == 0 {
                    return io::Result::Ok(said);
                }
                line(said.get(known..).unwrap_or_default().trim_ascii_end());
            }
        })
    });
    let status = loop {
        if came().is_some() {
            child.kill()?;
            break child.wait()?;
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        match woken.read(&mut [0; 64]) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    };
    let broke = |_| io::Error::other("a thread of ours broke; report it");
    let stderr = listener.map_or(Ok(Vec::new()), |listener| listener.join().map_err(broke)?)?;
    Ok(Output { status, stdout: Vec::new(), stderr })
}

fn bit(signal: Signal) -> u64 {
    1_u64.checked_shl(u32::from(number(signal).saturating_sub(1))).unwrap_or(0)
}

/// The signals that this process ignores, as the kernel shows them.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}
