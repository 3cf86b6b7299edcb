//! A young holder: while its id is younger than those that another processor still has to give, the kernel refuses pins.

use super::{lose, users};
use crate::common::cpuset::Cpuset;
use crate::common::user::User;
use crate::common::{process, program, seen};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

/// How many holders are made, one after the other.
const HOLDERS: usize = 200;

/// One trampoline that makes a jail, kept on one processor, with every move_mount it makes written down.
struct Traced {
    child: Child,
    trace: String,
}

impl Traced {
    fn ensure(user: &User, keep: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        Self::ensure_with(user, &[], keep)
    }

    /// With further options of strace's.
    fn ensure_with(user: &User, options: &[&str], keep: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let trace = format!("/home/{}.trace", user.name);
        let mut command = Command::new("strace");
        command.args(["-f", "--seccomp-bpf", "-o", &trace, "-e", "trace=move_mount,sched_setaffinity"]).args(options);
        command.arg(program("trampoline")).args(["--ensure", &user.name]);
        process::before_exec(&mut command, keep);
        Self { child: command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap(), trace }
    }

    /// Waits for its end, which must be a good one; how often the kernel refused the pin.
    fn refusals(self) -> usize {
        let done = self.child.wait_with_output().unwrap();
        let calls = fs::read_to_string(&self.trace).unwrap();
        fs::remove_file(&self.trace).unwrap();
        assert!(done.status.success(), "{}\n{calls}", String::from_utf8_lossy(&done.stderr));
        let refused = |line: &&str| line.contains("move_mount(") && (line.contains("ELOOP") || line.contains("EINVAL"));
        calls.lines().filter(refused).count()
    }
}

/// Keeps every processor busy while it lives.
struct Busy<'a>(&'a AtomicBool);

impl<'a> Busy<'a> {
    fn all<'scope>(scope: &'scope thread::Scope<'scope, '_>, end: &'a AtomicBool) -> Self
    where
        'a: 'scope,
    {
        for processor in 0..processors() {
            scope.spawn(move || {
                process::run_on(processor).unwrap();
                while !end.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(end)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn processors() -> usize {
    thread::available_parallelism().unwrap().get()
}

/// Whether this kernel hands ids of namespaces out per processor, and there are two; if not, nothing is ever refused.
fn is_refused_here() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let parts: Vec<u32> = release.split(['.', '-']).map_while(|part| part.parse().ok()).take(2).collect();
    parts.as_slice() >= [6, 18].as_slice() && processors() > 1
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_young_holder_takes_every_jail_whichever_processors_make_them_at_once() {
    let holders = std::env::var("YOUNG_HOLDERS").map_or(HOLDERS, |text| text.parse().unwrap());
    let users = users(processors() + 1);
    let (mut refusals, end) = (Vec::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        let _busy = Busy::all(scope, &end);
        for round in 0..holders {
            lose();
            // One makes the holder, on each processor in turn; then one on every processor at once.
            let kept = |number: usize| move || process::run_on((round + number) % processors());
            refusals.push(Traced::ensure(&users[0], kept(0)).refusals());
            let traced: Vec<Traced> = (1..users.len()).map(|number| Traced::ensure(&users[number], kept(number))).collect();
            refusals.extend(traced.into_iter().map(Traced::refusals));
            assert!(users.iter().all(|user| seen::is_pinned(user.uid)), "round {round}");
        }
    });
    let refused = refusals.iter().filter(|count| **count > 0).count();
    println!(
        "{holders} young holders, {} jails: {refused} were refused at first, {} times in all and {} times at most; all were made",
        refusals.len(),
        refusals.iter().sum::<usize>(),
        refusals.iter().max().unwrap()
    );
    // Without a refusal this test would have tried nothing.
    let least = if is_refused_here() { holders / 4 } else { 0 };
    assert!(refused >= least && (refused > 0) == is_refused_here(), "{refused} of {}", refusals.len());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_whose_cpuset_loses_its_processors_on_the_way_to_another_gets_the_jail_too() {
    // Of three calls the first leads to another processor, the second, refused here, back to what the cpuset no longer has.
    let loses = ["-e", "inject=sched_setaffinity:error=EINVAL:when=2+3"];
    let users = users(2);
    let mut refused = 0;
    for round in 0..HOLDERS {
        lose();
        Traced::ensure(&users[0], move || process::run_on(round % processors())).refusals();
        refused += Traced::ensure_with(&users[1], &loses, move || process::run_on((round + 1) % processors())).refusals();
        assert!(users.iter().all(|user| seen::is_pinned(user.uid)), "round {round}");
        if refused > 20 {
            break;
        }
    }
    assert_eq!(refused > 20, is_refused_here(), "{refused}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_whom_a_cpuset_keeps_on_one_processor_gets_the_jail_too() {
    const ROUNDS: usize = 40;
    let users = users(2);
    let sets: Vec<Cpuset> = (0..processors()).map(|number| Cpuset::new(&format!("young-{number}"), number)).collect();
    let mut refusals = Vec::new();
    for round in 0..ROUNDS {
        lose();
        refusals.push(Traced::ensure(&users[0], sets[round % sets.len()].enter()).refusals());
        refusals.push(Traced::ensure(&users[1], sets[(round + 1) % sets.len()].enter()).refusals());
        assert!(users.iter().all(|user| seen::is_pinned(user.uid)), "round {round}");
    }
    let refused = refusals.iter().filter(|count| **count > 0).count();
    println!(
        "{ROUNDS} young holders, {} jails from a cpuset: {refused} were refused at first, {} times at most; all were made",
        refusals.len(),
        refusals.iter().max().unwrap()
    );
    assert_eq!(refused > 0, is_refused_here(), "{refused} of {}", refusals.len());
    let times: usize = refusals.iter().sum();
    assert!(times >= 200 || !is_refused_here(), "hundreds of retries: {times}");
}
