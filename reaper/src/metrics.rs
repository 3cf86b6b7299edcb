//! The figures of a sweep, in the text format of Prometheus, for the textfile collector of node_exporter.

use crate::json::Totals;
use crate::report::Report;
use crate::turn;
use jail::error::Error;
use jail::layout;
use jail::path::JailPath;
use jail::state::Doing;
use jail::state::jails::Jails;
use jail::sys::fd::{self, How};
use jail::sys::whole;
use std::fs::FileType;

/// Everybody may read the figures; the collector runs as somebody.
const MODE: u32 = 0o644;

/// Writes the figures. A run that left the work to another sweep leaves the file to it as well.
pub fn keep(file: &JailPath, done: &Result<Report, Error>) -> Result<(), Error> {
    if done.as_ref().is_ok_and(|report| report.left_to.is_some()) {
        return Ok(());
    }
    let (dir, name) = file.as_str().rsplit_once('/').unwrap_or_default();
    let dir = if dir.is_empty() { "/" } else { dir };
    let open = fd::open(dir, How::List).doing("open the directory of the metrics", dir)?;
    if std::fs::symlink_metadata(file.as_str()).is_ok_and(|there| !is_replaced(there.file_type())) {
        let why =
            "something else than a file has that name; name one for them, such as trampoline.prom where node_exporter looks";
        return Err(Error::failed("write the metrics", file.as_str(), why));
    }
    // ORDER: by the lock of a sweep, which root alone can open, not by one on a directory that others may open and keep. Where there
    // are no jails, there is nothing to be told twice.
    let other =
        || Error::failed("write the metrics", file.as_str(), "another reaper has been at work for a second; look if it hangs");
    let has_turn = done.as_ref().is_ok_and(|report| report.turn.is_some());
    let jails = Jails::open().ok().filter(|_| !has_turn);
    let _turn = jails.map(|jails| turn::on(&jails.dir, layout::JAILS)?.ok_or_else(other)).transpose()?;
    whole::write(&open, name, text(done.as_ref().ok()).as_bytes(), MODE).doing("write the metrics", file.as_str())
}

/// A file, or a link to one: in the place of anything else there would be a file then, of /dev/null too.
fn is_replaced(there: FileType) -> bool {
    there.is_file() || there.is_symlink()
}

/// Of a sweep that could not be made only that is known.
fn text(report: Option<&Report>) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: String| {
        text += &format!("# HELP trampoline_{name} {help}\n# TYPE trampoline_{name} gauge\ntrampoline_{name} {value}\n");
    };
    let success = report.is_some_and(|report| report.code() == 0 && !report.is_blind);
    gauge("sweep_success", "Whether the last sweep was complete, saw all jails, and none failed.", u8::from(success).to_string());
    if let Some(report) = report {
        let totals = Totals::of(report);
        for (name, help, count) in [
            ("jails_live", "Jails that were there after the last sweep.", totals.live),
            ("jails_marked", "Jails that the last sweep marked as idle.", totals.marked),
            ("jails_leased", "Jails that a program was using during the last sweep.", totals.in_use),
            ("jails_unmounted", "Jails that the last sweep unmounted.", totals.unmounted),
            ("jails_failed", "Jails that the last sweep could not decide.", totals.failed),
            ("jails_in_making", "Jails that were being made during the last sweep.", totals.in_making),
            ("names_left_alone", "Names among the pins of jails that are none.", totals.left_alone),
        ] {
            gauge(name, help, count.to_string());
        }
        if let Some(bytes) = totals.storage_returned {
            gauge("storage_returned_bytes", "Bytes that went with the jails the last sweep unmounted.", bytes.to_string());
        }
        gauge("sweep_seconds", "How long the last sweep took.", report.took.as_secs_f64().to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    /// Reads the format as a collector does: every sample is announced, no name comes twice.
    fn samples(text: &str) -> Vec<(String, f64)> {
        let mut samples: Vec<(String, f64)> = Vec::new();
        for lines in text.lines().collect::<Vec<_>>().chunks(3) {
            let [help, kind, sample] = lines else { unreachable!("{lines:?}") };
            let (name, value) = sample.split_once(' ').unwrap_or_default();
            assert!(help.starts_with(&format!("# HELP {name} ")) && *kind == format!("# TYPE {name} gauge"), "{lines:?}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && samples.iter().all(|(other, _)| other != name));
            samples.push((name.to_owned(), value.parse().unwrap_or(f64::NAN)));
        }
        assert!(text.ends_with('\n') && samples.iter().all(|(_, value)| value.is_finite()), "{text}");
        samples
    }

    #[test]
    fn every_figure_is_announced_and_has_a_value() {
        let mut report = Report::begin("sweep");
        report.returned = Some(4096);
        for outcome in [Outcome::Marked, Outcome::Marked, Outcome::InUse(Vec::new()), Outcome::Unmounted] {
            report.note("2001", outcome);
        }
        let samples = samples(&text(Some(&report)));
        let of = |name: &str| samples.iter().find(|(sample, _)| sample == &format!("trampoline_{name}")).map(|(_, value)| *value);
        for (name, value) in [("jails_live", 3.0), ("jails_marked", 2.0), ("jails_leased", 1.0), ("jails_unmounted", 1.0)] {
            assert_eq!(of(name), Some(value), "{name}");
        }
        assert_eq!((of("sweep_success"), of("jails_failed"), of("storage_returned_bytes")), (Some(1.0), Some(0.0), Some(4096.0)));
    }

    #[test]
    fn what_the_kernel_cannot_tell_has_no_figure() {
        assert!(!text(Some(&Report::begin("sweep"))).contains("storage_returned_bytes"));
    }

    #[test]
    fn of_a_sweep_that_could_not_be_made_only_that_is_said() {
        assert_eq!(samples(&text(None)), [("trampoline_sweep_success".to_owned(), 0.0)]);
    }
}
