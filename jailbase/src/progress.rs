//! Long work shows on a terminal how far it is, how fast it goes and how long it will take. A log, a pipe or somebody who
//! wants quiet has no use for that.

use crate::tell;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::Read;
use std::time::Duration;

/// With fewer columns there is no bar, but what it says.
const WIDE: u16 = 60;

/// How often it is drawn at most.
const PER_SECOND: u8 = 10;

/// One piece of work.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// So many steps to do.
    pub fn of(what: &str, steps: usize) -> Self {
        let length = u64::try_from(steps).unwrap_or(u64::MAX);
        Self::begin(what, length, ["{msg} {wide_bar} {pos}/{len} {rate} {eta}", "{msg} {pos}/{len} {rate} {eta}"])
    }

    /// So many bytes to go through.
    pub fn of_bytes(what: &str, bytes: u64) -> Self {
        let wide = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Self::begin(what, bytes, [wide, "{msg} {percent}% {bytes_per_sec} {eta}"])
    }

    /// What nobody knows the length of.
    pub fn endless(what: &str) -> Self {
        let own = Self::begin(what, 0, ["{spinner} {msg} {elapsed}"; 2]);
        if !own.0.is_hidden() {
            own.0.enable_steady_tick(Duration::from_millis(200));
        }
        own
    }

    fn begin(what: &str, length: u64, [wide, narrow]: [&str; 2]) -> Self {
        let (_rows, columns) = console::Term::stderr().size();
        // It draws on a terminal alone.
        let target = if tell::is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(PER_SECOND) };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        // A template that does not read leaves the usual one, which says less.
        if let Ok(style) = ProgressStyle::with_template(if columns < WIDE { narrow } else { wide }) {
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        Self(bar)
    }

    /// One step is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// So many are done.
    pub fn steps(&self, count: u64) {
        self.0.inc(count);
    }

    /// A reader of which each byte is a step.
    pub fn reading<R: Read>(&self, from: R) -> impl Read {
        self.0.wrap_read(from)
    }

    /// It is over, and the line is free again.
    pub fn end(&self) {
        // ORDER: the thread that draws is gone before anybody joins a namespace, which a process of many threads cannot.
        self.0.disable_steady_tick();
        self.0.finish_and_clear();
    }
}

/// Steps in a second; nobody wants four digits behind the point.
fn rate(state: &ProgressState, text: &mut dyn Write) {
    // A text in memory takes all that is written.
    write!(text, "{:.1}/s", state.per_sec()).unwrap_or(());
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
