//! Process 1 of a session: launches the program, reaps whoever ends, hands signals on, and ends with the program.
//! It is not dumpable, so the program cannot look into it, and holds the lease, so the jail stays as long as it lives.

use crate::request::Run;
use jail::environ;
use jail::error::{Error, code};
use jail::report::escaped;
use jail::spec::Spec;
use jail::state::Doing;
use jail::state::holder::Lease;
use jail::sys::drop::User;
use jail::sys::exec::{self, Program};
use jail::sys::init::{self, Children, Ended, Event, Signal};
use jail::sys::processors::CpuSet;
use jail::sys::{self, Errno, streams, why};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

/// The exit code of a program that the end of its session killed.
const KILLED: u8 = code::SIGNAL + 9;

/// Process 1, still privileged.
#[derive(Debug)]
pub struct Session {
    pub(crate) lease: Lease,
    pub(crate) spec: Spec,
    pub(crate) run: Run,
    pub(crate) orders: OwnedFd,
    pub(crate) processors: Option<CpuSet>,
}

/// Process 1, as the user.
pub struct Confined {
    pub(crate) session: Session,
    pub(crate) user: User,
}

/// Process 1, with its program running.
pub struct Launched {
    program: init::Pid,
    children: Children,
    orders: OwnedFd,
    _lease: Lease,
}

impl Confined {
    /// Changes to the directory and starts the program. A directory that is not there is an error, never another one.
    pub fn launch(self) -> Result<Launched, Error> {
        let Session { lease, spec, run, orders, processors } = self.session;
        let home = CString::new(spec.home.as_str()).unwrap_or_default();
        let directory = run.directory.unwrap_or(home);
        exec::change_directory(&self.user, &directory).doing("change to the directory", escaped(directory.as_bytes()))?;

        let inherited: Vec<Vec<u8>> = std::env::vars_os().map(|(n, v)| [n.into_vec(), v.into_vec()].join(&b'=')).collect();
        let environment = environ::build(&spec, inherited.iter().map(Vec::as_slice), &run.environment);
        let name = run.command.first().cloned().unwrap_or_default();
        let program = Program { candidates: candidates(&name), arguments: run.command, environment, processors };
        exec::usual_scheduling(&self.user).doing("reset", "the caller's scheduling")?;
        let children = Children::watch().doing("watch", "for children")?;
        let pid = exec::start(&self.user, &program).map_err(|errno| not_started(&self.user, &program, &name, errno))?;
        // The program alone decides when its readers and writers see the end.
        streams::hush(2);
        Ok(Launched { program: pid, children, orders, _lease: lease })
    }
}

/// The paths a program's name stands for.
fn candidates(name: &CStr) -> Vec<CString> {
    if name.to_bytes().contains(&b'/') {
        return vec![name.to_owned()];
    }
    let path = |dir: &str| CString::new([dir.as_bytes(), b"/", name.to_bytes()].concat()).ok();
    environ::PATH.split(':').filter_map(path).collect()
}

fn not_started(user: &User, program: &Program, name: &CStr, errno: Errno) -> Error {
    let name = escaped(name.to_bytes());
    match errno {
        Errno::ENOENT if program.candidates.iter().any(|path| exec::exists(user, path)) => {
            Error::NotExecutable(name, "it is there, but its interpreter or loader is not".into())
        }
        Errno::ENOENT | Errno::ENOTDIR => Error::NotFound(name),
        Errno::ENOEXEC => Error::NotExecutable(name, "it is neither a binary of this machine nor a script with a #! line".into()),
        Errno::EAGAIN => Error::NotExecutable(name, "the user's limit of processes is reached".into()),
        errno => Error::NotExecutable(name, why(errno)),
    }
}

impl Launched {
    /// Attends to the session until its program ends; what else is left of it then ends before this process does.
    ///
    /// An error ends the program by a signal, and this is what its caller is told: nobody hears words of ours any more, and
    /// an exit code of ours without them would be taken for the program's own.
    pub fn attend(self) -> Result<u8, Error> {
        let code = self.until_its_end().unwrap_or(KILLED);
        // ORDER: before the lease falls. KERNEL: a process that ends closes its files first, and only then the kernel kills
        // and awaits the rest of its pid namespace (do_exit, kernel/exit.c), which a busy disk or file server can delay.
        init::end_the_rest().unwrap_or(());
        Ok(code)
    }

    fn until_its_end(&self) -> sys::Result<u8> {
        loop {
            let reaped = init::reap()?;
            match reaped {
                Some((pid, ended)) if pid == self.program => return Ok(status(ended)),
                _ => {}
            }
            // One child a turn, then a look at the orders: children may end faster than they are reaped.
            match self.children.next(&self.orders, reaped.is_none())? {
                None | Some(Event::Child) => {}
                Some(Event::Order(signal)) => {
                    // What a terminal or a shutdown sends is meant for all that runs; the others mean the program itself.
                    let all = matches!(signal, Signal::SIGHUP | Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTERM);
                    init::signal(self.program, all, signal)?;
                }
                Some(Event::End) => return Ok(KILLED),
            }
        }
    }
}

/// The exit code that tells how a process ended.
pub fn status(ended: Ended) -> u8 {
    match ended {
        Ended::Exited(status) => status,
        Ended::Signalled(number) => code::SIGNAL.saturating_add(number),
    }
}
