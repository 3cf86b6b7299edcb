//! What is done to a run and at which of its calls, and what came of it.

/// One system call of a run: which process (0 the one we started, 1 its child, 2 that one's), and its how manieth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Point {
    pub depth: usize,
    pub nth: usize,
}

/// Whom a kill is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Victim {
    /// The process of this depth.
    Depth(usize),
    /// Every process of the run, the jail's program as well.
    All,
}

/// What is done at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// The call is not made, and this is its answer: 0, or a negative errno.
    Answer(i64),
    /// The call is made or not, and somebody is killed before it, or after it.
    Kill { victim: Victim, after: bool },
}

/// A call that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    pub number: u64,
    pub arguments: [u64; 6],
}

impl Call {
    /// Its name.
    pub fn name(&self) -> &'static str {
        syscalls::Sysno::new(self.number as usize).map_or("?", |s| s.name())
    }
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Run {
    /// The exit code of the first process; 1000 and its number if a signal ended it.
    pub code: i32,
    pub out: String,
    pub err: String,
    /// All calls, by depth.
    pub calls: Vec<Vec<Call>>,
    /// The call at which the last deed was done, if it was reached.
    pub hit: Option<Call>,
    /// How many calls each had begun when all of them waited.
    pub idle: Option<Vec<usize>>,
    /// Whether the jail's program was executed.
    pub executed: bool,
    /// What it had at that moment, unless it was killed in it.
    pub seen: Option<String>,
    /// It did not end by itself.
    pub hung: bool,
}

impl Run {
    /// The code for a death by SIGKILL.
    pub const KILLED: i32 = 1000 + libc::SIGKILL;
}

/// What holds a run up, so that every run meets the same calls in the same order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// Standard input is at its end from the start.
    Ended,
    /// It ends when both, who waits outside and who waits inside, have begun to wait.
    EndsWhenAllWait,
    /// It does not end: the jail's program must be ended by somebody.
    Open,
}
