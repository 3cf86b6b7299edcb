//! The tracer. It is root, so a setuid program under it keeps its bit; it follows every child, and stops each process at
//! the entry and the exit of every system call up to the execution of the jail's program.

use super::deeds::{Call, Deed, Input, Point, Run, Victim};
use super::orphans::reap;
use super::start::{Order, forked};
use super::{look, registers, watch::Watch};
use crate::common::process::said;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{FromRawFd, OwnedFd};

struct Process {
    depth: usize,
    /// Its calls are not looked at: it is the jail's program, or ours before its execution.
    free: bool,
    answer: Option<i64>,
    kill_after: Option<Victim>,
}

/// A run with its deeds; the last one is the one that matters.
pub fn run(order: &Order, input: Input, deeds: &[(Point, Deed)]) -> Run {
    Tracer::start(order, input, deeds).and_then(Tracer::follow).unwrap_or_else(|e| panic!("cannot trace: {e}"))
}

struct Tracer<'a> {
    deeds: &'a [(Point, Deed)],
    first: i32,
    processes: BTreeMap<i32, Process>,
    /// Children whose first stop came before their parent's word of them.
    early: Vec<i32>,
    /// All but the first.
    children: Vec<i32>,
    run: Run,
    out: File,
    err: File,
    stdin: Option<OwnedFd>,
    waits: [bool; 2],
    input: Input,
}

const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_EXITKILL;

/// How supervisor and init wait.
const WAITS: [i64; 2] = [libc::SYS_rt_sigtimedwait, libc::SYS_ppoll];
#[cfg(target_arch = "x86_64")]
const POLL: i64 = libc::SYS_poll;
#[cfg(target_arch = "aarch64")]
const POLL: i64 = libc::SYS_ppoll;

impl<'a> Tracer<'a> {
    fn start(order: &Order, input: Input, deeds: &'a [(Point, Deed)]) -> io::Result<Self> {
        let (read, write) = pipe()?;
        let (go_read, go_write) = pipe()?;
        let (out, err) = (memory()?, memory()?);
        let first = forked(order, [&read, &OwnedFd::from(out.try_clone()?), &OwnedFd::from(err.try_clone()?)], &go_read)?;
        request(libc::PTRACE_SEIZE, first, 0, OPTIONS as usize as *mut libc::c_void)?;
        io::Write::write_all(&mut File::from(go_write), b"!")?;
        let process = Process { depth: 0, free: true, answer: None, kill_after: None };
        let stdin = (input != Input::Ended).then_some(write);
        let processes = BTreeMap::from([(first, process)]);
        let (early, children, run, waits) =
            (Vec::new(), Vec::new(), Run { calls: vec![Vec::new(); 3], ..Run::default() }, [false; 2]);
        Ok(Self { deeds, first, processes, early, children, run, out, err, stdin, waits, input })
    }

    fn follow(mut self) -> io::Result<Run> {
        let watch = Watch::over(self.first);
        while !self.processes.is_empty() {
            let mut status = 0;
            // SAFETY: a live integer. Only children and tracees of this thread are waited for.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
            if pid < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) {
                continue;
            }
            said(pid)?;
            if libc::WIFSTOPPED(status) {
                // A process that was killed meanwhile is no longer there to be asked; its end is the next that is heard of it.
                match self.stopped(pid, status, &watch) {
                    Err(e) if e.raw_os_error() == Some(libc::ESRCH) => {}
                    done => done?,
                }
            } else {
                self.processes.remove(&pid);
                watch.forget(pid);
                if pid == self.first {
                    let ended = libc::WIFEXITED(status);
                    self.run.code = if ended { libc::WEXITSTATUS(status) } else { 1000 + libc::WTERMSIG(status) };
                }
            }
        }
        self.run.hung = watch.ended();
        self.children.into_iter().for_each(reap);
        self.run.out = text(&mut self.out)?;
        self.run.err = text(&mut self.err)?;
        Ok(self.run)
    }

    fn stopped(&mut self, pid: i32, status: i32, watch: &Watch) -> io::Result<()> {
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        if !self.processes.contains_key(&pid) {
            self.early.push(pid);
            return Ok(());
        }
        match event {
            0 if signal == libc::SIGTRAP | 0x80 => self.at_call(pid)?,
            0 => return self.go_on(pid, signal),
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                let mut child: libc::c_ulong = 0;
                request(libc::PTRACE_GETEVENTMSG, pid, 0, (&raw mut child).cast())?;
                let (child, parent) = (child as i32, &self.processes[&pid]);
                let process = Process { depth: parent.depth + 1, free: parent.free, answer: None, kill_after: None };
                self.processes.insert(child, process);
                self.children.push(child);
                watch.also(child);
                if let Some(at) = self.early.iter().position(|early| *early == child) {
                    self.early.swap_remove(at);
                    self.go_on(child, 0)?;
                }
            }
            libc::PTRACE_EVENT_EXEC => {
                let first = pid == self.first;
                if !first {
                    self.run.executed = true;
                    self.run.seen = look::at(pid);
                }
                if let Some(process) = self.processes.get_mut(&pid) {
                    process.free = !first;
                }
            }
            _ => {}
        }
        self.go_on(pid, 0)
    }

    fn at_call(&mut self, pid: i32) -> io::Result<()> {
        // SAFETY: an all-zero description is a valid one.
        let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::ptrace_syscall_info>();
        request(libc::PTRACE_GET_SYSCALL_INFO, pid, size, (&raw mut info).cast())?;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            if let Some(value) = process.answer.take() {
                registers::answer(pid, value)?;
            }
            if let Some(victim) = process.kill_after.take() {
                self.kill(victim);
            }
            return Ok(());
        }
        let depth = process.depth;
        // SAFETY: at an entry this is the part of the union that the kernel filled.
        let (number, arguments) = unsafe { (info.u.entry.nr, info.u.entry.args) };
        let call = Call { number, arguments };
        let Some(calls) = self.run.calls.get_mut(depth) else { return Ok(()) };
        let here = Point { depth, nth: calls.len() };
        calls.push(call);
        if let Some((_, deed)) = self.deeds.iter().rfind(|(point, _)| *point == here) {
            if self.deeds.last().is_some_and(|(last, _)| *last == here) {
                self.run.hit = Some(call);
            }
            match *deed {
                Deed::Answer(_) if number as i64 == libc::SYS_brk => registers::make_question(pid)?,
                Deed::Answer(value) => {
                    registers::make_void(pid)?;
                    process.answer = Some(value);
                }
                Deed::Kill { victim, after: true } => process.kill_after = Some(victim),
                Deed::Kill { victim, after: false } => self.kill(victim),
            }
        }
        self.wait_began(depth, call);
        Ok(())
    }

    fn wait_began(&mut self, depth: usize, call: Call) {
        let number = call.number as i64;
        let waits = (depth == 0 && number == WAITS[0]) || (depth == 1 && [WAITS[1], POLL].contains(&number));
        if waits {
            self.waits[depth] = true;
        }
        if self.waits == [true; 2] && self.run.idle.is_none() {
            self.run.idle = Some(self.run.calls.iter().map(Vec::len).collect());
            if self.input == Input::EndsWhenAllWait {
                self.stdin = None;
            }
        }
    }

    fn kill(&self, victim: Victim) {
        let meant = |process: &Process| match victim {
            Victim::Depth(depth) => process.depth == depth,
            Victim::All => true,
        };
        for (pid, _) in self.processes.iter().filter(|(_, process)| meant(process)) {
            // SAFETY: two numbers; the pid is a tracee's, which is ours until we have waited for it.
            unsafe { libc::kill(*pid, libc::SIGKILL) };
        }
    }

    fn go_on(&self, pid: i32, signal: i32) -> io::Result<()> {
        let free = self.processes.get(&pid).is_some_and(|process| process.free);
        let how = if free { libc::PTRACE_CONT } else { libc::PTRACE_SYSCALL };
        request(how, pid, 0, signal as usize as *mut libc::c_void)
    }
}

/// One request of a tracer.
pub fn request(what: libc::c_uint, pid: i32, address: usize, data: *mut libc::c_void) -> io::Result<()> {
    // SAFETY: every caller passes what the request reads or writes, alive and of its size.
    let done = unsafe { libc::ptrace(what, pid, address, data) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which are nobody else's.
    unsafe {
        said(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// A file without a name: what is written there is read when all is over.
fn memory() -> io::Result<File> {
    // SAFETY: a C string; the new descriptor is nobody else's.
    unsafe { said(libc::memfd_create(c"said".as_ptr(), libc::MFD_CLOEXEC)).map(|fd| File::from_raw_fd(fd)) }
}

fn text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Keeps this thread, and what it starts, on one processor: two that take turns are quicker on one.
pub fn keep_to(processor: usize) {
    crate::common::process::run_on(processor).unwrap();
}
