//! What came of a run in which a call was answered by somebody else than the kernel.

use super::deeds::{Point, Run};
use super::report::Report;
use super::scene::Scene;
use super::ways::Way;

/// The ways a run may end. Every other one is an open door, or a silent one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// The program ran with everything in place, and the caller was told so.
    Whole,
    /// The program did not run, and the caller was told why in one plain line.
    Refused,
    /// The program was started with everything in place, and its session was ended, because who waits for it could not go
    /// on; the caller was told that, or that signal 9 ended the program.
    Ended,
    /// The same, but it was ended before it could say what it had: only the tracer saw that.
    Silent,
    /// The same, but it was ended in the very moment of its execution, and never ran.
    Stillborn,
    /// The C library ended the process before a line of ours.
    Died,
}

/// Judges a run of this way in which something was amiss at a point.
pub fn judge(scene: &Scene, way: &Way, at: Point, run: &Run) -> Result<Outcome, String> {
    let report = Report::read(&run.out);
    let may_be_cut = [125, 137].contains(&run.code) && way.is_after_the_split(at);
    let mut amiss = if run.out.is_empty() { Vec::new() } else { report.amiss(&scene.expected, may_be_cut) };
    if let Some(seen) = run.seen.as_deref().map(Report::read) {
        amiss.extend(seen.amiss(&scene.at_start, false).into_iter().map(|line| format!("as the tracer saw: {line}")));
    } else if run.executed && !run.out.is_empty() {
        amiss.push("the tracer did not see it".into());
    }
    let said = format!("exit {}, {:?}, executed: {}, hung: {}, {amiss:?}", run.code, run.err, run.executed, run.hung);
    if run.hung || !amiss.is_empty() {
        return Err(said);
    }
    let ended = match run.seen {
        None if run.executed => Outcome::Stillborn,
        Some(_) if run.out.is_empty() => Outcome::Silent,
        _ => Outcome::Ended,
    };
    let silent = run.err.is_empty();
    let plain = |line: &str| line.starts_with("trampoline: ") && !line.chars().any(char::is_control);
    let one_line = run.err.strip_suffix('\n').is_some_and(plain);
    match run.code {
        0 if silent && (report.is_complete() || way.runs_nothing()) => Ok(Outcome::Whole),
        77 | 125 | 126 | 127 if one_line && !run.executed => Ok(Outcome::Refused),
        125 if one_line && way.is_after_the_split(at) => Ok(ended),
        137 if silent && way.is_after_the_split(at) => Ok(ended),
        code if code != 0 && !run.executed && way.is_the_library_s(at) => Ok(Outcome::Died),
        _ => Err(said),
    }
}
