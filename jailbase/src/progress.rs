//! Long work shows on a terminal how far it is, how fast it goes and how long it will take; in a log or a pipe it says so by a plain
//! line now and then. Somebody who wants quiet gets neither.

use crate::{interrupt, tell};
use indicatif::{BinaryBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{IsTerminal, Read, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// With fewer columns there is no bar, but what it says.
const WIDE: u16 = 60;

/// How often it is drawn at most.
const PER_SECOND: u8 = 10;

/// Seconds between two plain lines, at the least: one comes with a step that is done. What is done sooner says nothing.
const EVERY: u64 = 5;

/// One piece of work.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Plain>,
    teller: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What a plain line is made of.
#[derive(Debug)]
struct Plain {
    in_bytes: bool,
    /// The second from which on the next line is due.
    next: AtomicU64,
}

impl Plain {
    /// Whether a line is due so long after the beginning; each is due once.
    fn is_due(&self, after: Duration) -> bool {
        let (now, next) = (after.as_secs(), self.next.load(Ordering::Relaxed));
        now >= next && self.next.compare_exchange(next, now.saturating_add(EVERY), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn line(&self, what: &str, done: u64, all: Option<u64>, after: Duration) -> String {
        let milliseconds = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
        let tenths = done.saturating_mul(10_000) / milliseconds;
        let Some(all) = all else { return format!("{what}: {done} so far, {}.{}/s", tenths / 10, tenths % 10) };
        let of = all.saturating_sub(done);
        let left = of.saturating_mul(milliseconds).checked_div(done).map(|left| HumanDuration(Duration::from_millis(left)));
        let left = left.map(|left| format!(", {left} left")).unwrap_or_default();
        if self.in_bytes {
            format!("{what}: {} of {}, {}/s{left}", BinaryBytes(done), BinaryBytes(all), BinaryBytes(tenths / 10))
        } else {
            format!("{what}: {done} of {all}, {}.{}/s{left}", tenths / 10, tenths % 10)
        }
    }
}

impl Progress {
    /// So many steps to do.
    pub fn of(what: &str, steps: u64) -> Self {
        Self::begin(what, Some(steps), ["{msg} {wide_bar} {pos}/{len} {rate} {eta}", "{msg} {pos}/{len} {rate} {eta}"])
    }

    /// So many bytes to go through.
    pub fn of_bytes(what: &str, bytes: u64) -> Self {
        let wide = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Self::begin(what, Some(bytes), [wide, "{msg} {percent}% {bytes_per_sec} {eta}"])
    }

    /// So many steps, or nobody knows how many.
    pub fn of_some(what: &str, steps: Option<u64>) -> Self {
        steps.map_or_else(|| Self::counting(what), |steps| Self::of(what, steps))
    }

    /// Steps of which nobody knows how many there are.
    pub fn counting(what: &str) -> Self {
        Self::begin(what, None, ["{spinner} {msg} {pos} {rate} {elapsed}"; 2]).ticking()
    }

    /// What nobody knows the length of, and that has no steps.
    pub fn endless(what: &str) -> Self {
        let mut own = Self::begin(what, None, ["{spinner} {msg} {elapsed}"; 2]).ticking();
        own.teller = own.plain.take().and_then(|_| {
            let (bar, (end, ended)) = (own.bar.clone(), channel());
            let tell = move || {
                while ended.recv_timeout(Duration::from_secs(EVERY)) == Err(RecvTimeoutError::Timeout) {
                    tell::note(&format!("{}: {} so far", bar.message(), HumanDuration(bar.elapsed())));
                }
            };
            // Where no thread can be made the work is done in silence.
            thread::Builder::new().spawn(tell).ok().map(|teller| (end, teller))
        });
        own
    }

    /// So that it is seen to live also while a step takes long.
    fn ticking(self) -> Self {
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        self
    }

    fn begin(what: &str, length: Option<u64>, [wide, narrow]: [&str; 2]) -> Self {
        let (_rows, columns) = console::Term::stderr().size();
        // It draws on a terminal alone.
        let target = if tell::is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(PER_SECOND) };
        let bar = ProgressBar::with_draw_target(length, target);
        // A template that does not read leaves the usual one, which says less.
        if let Ok(style) = ProgressStyle::with_template(if columns < WIDE { narrow } else { wide }) {
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        let plain = (!tell::is_quiet() && !stderr().is_terminal())
            .then(|| Plain { in_bytes: wide.contains("bytes"), next: AtomicU64::new(EVERY) });
        Self { bar, plain, teller: None }
    }

    /// One step is done.
    pub fn step(&self) {
        self.steps(1);
    }

    /// So many are done.
    pub fn steps(&self, count: u64) {
        self.bar.inc(count);
        if let Some(plain) = &self.plain {
            let after = self.bar.elapsed();
            if plain.is_due(after) {
                tell::note(&plain.line(&self.bar.message(), self.bar.position(), self.bar.length(), after));
            }
        }
    }

    /// A reader of which each byte is a step.
    pub fn reading<R: Read>(&self, from: R) -> impl Read {
        Reading { from, progress: self }
    }
}

struct Reading<'a, R> {
    from: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Reading<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        interrupt::judge().map_err(|error| std::io::Error::other(error.to_string()))?;
        let count = self.from.read(buffer)?;
        self.progress.steps(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

/// Steps in a second; nobody wants four digits behind the point.
fn rate(state: &ProgressState, text: &mut dyn Write) {
    // A text in memory takes all that is written.
    write!(text, "{:.1}/s", state.per_sec()).unwrap_or(());
}

impl Drop for Progress {
    /// It is over, and the line is free again.
    fn drop(&mut self) {
        // ORDER: the thread that draws or tells is gone before anybody joins a namespace, which a process of many threads cannot.
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        if let Some((end, teller)) = self.teller.take() {
            drop(end);
            // A thread that only writes lines has nothing to tell by its end.
            teller.join().unwrap_or(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(in_bytes: bool) -> Plain {
        Plain { in_bytes, next: AtomicU64::new(EVERY) }
    }

    #[test]
    fn a_line_is_due_every_five_seconds_and_once() {
        let plain = plain(true);
        let due: Vec<u64> = (0..40).map(|half| half / 2).filter(|s| plain.is_due(Duration::from_secs(*s))).collect();
        assert_eq!(due, [5, 10, 15]);
        assert!(plain.is_due(Duration::from_secs(100)) && !plain.is_due(Duration::from_secs(104)));
    }

    #[test]
    fn a_line_says_how_far_it_is_how_fast_it_goes_and_how_long_it_will_take() {
        let ten = Duration::from_secs(10);
        assert_eq!(
            plain(true).line("unpacking", 100 << 20, Some(300 << 20), ten),
            "unpacking: 100.00 MiB of 300.00 MiB, 10.00 MiB/s, 20 seconds left"
        );
        assert_eq!(plain(false).line("unpacking", 50, Some(60), ten), "unpacking: 50 of 60, 5.0/s, 2 seconds left");
        assert_eq!(plain(false).line("unpacking", 3, Some(60), 3 * ten), "unpacking: 3 of 60, 0.1/s, 10 minutes left");
        assert_eq!(plain(false).line("unpacking", 0, Some(60), Duration::ZERO), "unpacking: 0 of 60, 0.0/s");
        assert_eq!(plain(false).line("copying", 55, None, ten), "copying: 55 so far, 5.5/s");
    }
}
