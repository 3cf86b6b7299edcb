//! The outcome as one JSON object, for programs.

use crate::options::Task;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::report::Report;
use jail::error::{Error, code};
use jail::sys::images::advice::advised;
use serde::Serialize;
use std::io::{ErrorKind, Write, stdout};

/// The object for programs. Fields are added to it and never taken away or changed in meaning; see reaper(8).
#[derive(Serialize)]
struct Object<'a> {
    task: &'static str,
    /// "complete", "late", "failed", or "left" to another process.
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_to: Option<&'a Process>,
    /// The holder was unmounted, and nobody knows who is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    blind: bool,
    seconds: f64,
    jails: Vec<Jail<'a>>,
    totals: Totals,
}

#[derive(Serialize)]
struct Jail<'a> {
    name: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    held_by: &'a [Process],
    /// Of an idle jail: whether the last sweep marked it, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_marked: Option<bool>,
}

/// How many came to which end.
#[derive(Serialize, Default, Debug)]
pub struct Totals {
    /// Jails that are there when all is done.
    pub live: usize,
    pub marked: usize,
    pub in_use: usize,
    pub idle: usize,
    pub unmounted: usize,
    pub drained: usize,
    pub failed: usize,
    pub in_making: usize,
    pub cleared: usize,
    pub empty: usize,
    pub left_alone: usize,
    /// Bytes that went with the jails a sweep unmounted: of their shared memory, since none keeps anything else of its own yet.
    /// `null` where the kernel cannot tell, and of what is no sweep.
    pub storage_returned: Option<u64>,
}

impl Totals {
    /// Of a run.
    pub fn of(report: &Report) -> Self {
        let of = |word| report.count_of(word);
        Self {
            live: report.count(Outcome::lives),
            marked: of("marked"),
            in_use: of("in-use"),
            idle: of("idle"),
            unmounted: of("unmounted"),
            drained: of("drained"),
            failed: of("failed"),
            in_making: of("in-making"),
            cleared: of("cleared"),
            empty: of("empty"),
            left_alone: of("left-alone"),
            storage_returned: report.returned,
        }
    }
}

/// Says the outcome as one JSON object on standard output.
pub fn say(task: &Task, done: &Result<Report, Error>) -> Result<(), Error> {
    let mut object = Object {
        task: task.name(),
        result: "failed",
        error: done.as_ref().err().map(|error| advised(&error.to_string())),
        left_to: None,
        blind: false,
        seconds: 0.0,
        jails: Vec::new(),
        totals: Totals::default(),
    };
    if let Ok(report) = done {
        object.result = match report.code() {
            0 if report.left_to.is_some() => "left",
            0 => "complete",
            code::FAILED => "failed",
            _ => "late",
        };
        object.left_to = report.left_to.as_ref().and_then(Option::as_ref);
        object.blind = report.is_blind;
        object.seconds = report.took.as_secs_f64();
        object.jails = report.names.iter().map(|(name, outcome)| jail(name, outcome)).collect();
        object.totals = Totals::of(report);
    }
    let text = serde_json::to_string(&object).map_err(|error| Error::failed("write", "JSON", error))?;
    let mut out = stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // A reader who left is not our failure.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::failed("write", "the result", error)),
        _ => Ok(()),
    }
}

fn jail<'a>(name: &'a str, outcome: &'a Outcome) -> Jail<'a> {
    let what = matches!(outcome, Outcome::Failed(_) | Outcome::Foreign(_) | Outcome::DrainedWithoutDirectory)
        .then(|| advised(&outcome.to_string()));
    let held_by: &[Process] = if let Outcome::InUse(by) = outcome { by } else { &[] };
    let was_marked = if let Outcome::Idle(marked) = outcome { *marked } else { None };
    Jail { name, outcome: outcome.word(), what, held_by, was_marked }
}
