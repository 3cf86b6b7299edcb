//! The stage of a sweep: a user whose jail differs from the usual in every value, and a probe as the program.

use super::deeds::Input;
use super::orphans::adopt_orphans;
use super::report::Report;
use super::start::Order;
use super::trace::run;
use crate::common::user::User;
use crate::common::{WWW, executable, image, log, process, program, seen};
use std::process::{Command, Stdio};

/// A group of the user's, beside the primary one.
pub const GROUP: &str = "29991";

/// What the user's jail is made with.
const OWN: [&str; 16] = [
    "--group",
    GROUP,
    "--hostname",
    "inner",
    "--domain",
    "nis",
    "--cpu",
    "77",
    "--memory",
    "3000000000",
    "--processes",
    "55",
    "--file-size",
    "1000000",
    "--open-files",
    "99",
];

/// One user with a jail, and what a program in it must see.
pub struct Scene {
    pub user: User,
    probe: String,
    /// What the probe says when nothing goes wrong.
    pub expected: Report,
    /// What the tracer sees when the probe is executed and nothing goes wrong.
    pub at_start: Report,
}

/// Makes the holder old: every namespace that is made from now on, on whatever processor, has a higher id.
///
/// KERNEL: the ids are handed out per processor, in batches of 4096 (6.18); see `Holder::pin`.
fn settle() {
    const BATCH: usize = 4096;
    // Not those that we may run on: by now that is one.
    // SAFETY: a number.
    let processors = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    for processor in 0..usize::try_from(processors).unwrap() {
        let settled = process::apart(|| {
            process::run_on(processor)?;
            (0..=BATCH).try_for_each(|_| process::unshare(libc::CLONE_NEWUTS)).map(|()| 0)
        });
        assert_eq!(settled, 0);
    }
}

impl Scene {
    /// A user whose jail is down.
    pub fn new() -> Self {
        adopt_orphans();
        image::host();
        log::listen();
        let user = User::with(&OWN);
        let probe = format!("{}/probe", user.home);
        executable::copied(env!("CARGO_BIN_EXE_fault-probe"), &probe, (0, 0), 0o755);
        let mut scene = Self { user, probe, expected: Report::default(), at_start: Report::default() };
        let first = run(&scene.entry(), Input::EndsWhenAllWait, &[]);
        assert_eq!((first.code, first.err.as_str(), first.hung), (0, "", false), "an untouched run: {}", first.out);
        settle();
        scene.expected = Report::read(&first.out);
        scene.expected.is_sound(&scene.user);
        scene.at_start = Report::read(&first.seen.expect("the tracer sees the program"));
        scene.at_start.is_that_from_outside(&scene.expected, &scene.user);
        seen::take_down(scene.user.uid);
        scene
    }

    fn words(&self) -> [&str; 5] {
        ["-e", "A=1", &self.user.name, "--", &self.probe]
    }

    /// An entry by the web server.
    pub fn entry(&self) -> Order {
        Order::new(program("trampoline"), self.words()).by(WWW)
    }

    /// The jail made ready by the web server.
    pub fn ensure(&self) -> Order {
        Order::new(program("trampoline"), ["--ensure", &self.user.name]).by(WWW)
    }

    /// The next entry, by whoever comes next and without a tracer; what it saw, or what is amiss.
    pub fn next_entry(&self) -> Result<Report, String> {
        let mut command = Command::new(program("trampoline"));
        command.args(self.words()).env_clear().env("TERM", "xterm").env("LANG", "C.UTF-8").stdin(Stdio::null());
        let done = command.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        let report = Report::read(&out);
        let amiss = report.amiss(&self.expected, false);
        let works = done.status.code() == Some(0) && err.is_empty() && amiss.is_empty();
        if works { Ok(report) } else { Err(format!("{}, {err:?}, {amiss:?}", done.status)) }
    }

    /// It must work, and the program must have all in place.
    #[track_caller]
    pub fn next_entry_works(&self, after: &str) -> Report {
        self.next_entry().unwrap_or_else(|why| panic!("the entry after {after}: {why}"))
    }
}
