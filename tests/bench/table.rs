//! What came out: a Markdown table for people, JSON for programs.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::Outcome;

/// The figures of one contender, in microseconds.
#[derive(Clone)]
pub struct Figures {
    /// The middle one: what the ratios are made of.
    pub median: f64,
    low: f64,
    high: f64,
    samples: usize,
}

impl Figures {
    /// Sorts the samples out.
    pub fn of(samples: &[f64]) -> Outcome<Figures> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |tenths: usize| {
            let place = sorted.len().saturating_sub(1) * tenths / 10;
            sorted.get(place).copied().ok_or_else(|| "it was never timed".to_string())
        };
        Ok(Figures { median: at(5)?, low: at(1)?, high: at(9)?, samples: sorted.len() })
    }
}

struct Row {
    name: String,
    result: Outcome<(Figures, f64)>,
    note: String,
}

/// Rows and other figures, in the order in which they came.
pub struct Report {
    rounds: u32,
    rows: Vec<Row>,
    facts: Vec<(String, f64, &'static str)>,
    versions: Vec<String>,
}

impl Report {
    /// An empty one.
    pub fn new(rounds: u32) -> Report {
        Report { rounds, rows: Vec::new(), facts: Vec::new(), versions: Vec::new() }
    }

    /// Somebody who was timed, against a plain spawn of the same rounds.
    pub fn row(&mut self, name: &str, figures: Figures, plain: &Figures, note: &str) {
        let ratio = figures.median / plain.median;
        self.rows.push(Row { name: name.into(), result: Ok((figures, ratio)), note: note.into() });
    }

    /// Somebody who was not: the reader is told so, and why.
    pub fn absent(&mut self, name: &str, why: &str) {
        self.rows.push(Row { name: name.into(), result: Err(why.to_string()), note: String::new() });
    }

    /// A figure that is not a contender's.
    pub fn fact(&mut self, name: String, value: f64, unit: &'static str) {
        self.facts.push((name, value, unit));
    }

    /// Which release of a peer was measured.
    pub fn version(&mut self, line: &str) {
        self.versions.push(line.to_string());
    }

    /// Writes the table, and the JSON where it was asked for.
    pub fn print(&self, json: Option<&str>) -> Outcome<()> {
        match json {
            Some("-") => return print(&self.json()),
            Some(path) => std::fs::write(path, self.json()).map_err(|error| format!("cannot write {path}: {error}"))?,
            None => {}
        }
        print(&self.markdown())
    }

    fn markdown(&self) -> String {
        let mut text = String::from("| contender | median µs | × plain spawn | note |\n|---|---:|---:|---|\n");
        let mut measured: Vec<_> = self.rows.iter().filter_map(|row| Some((row, row.result.as_ref().ok()?))).collect();
        measured.sort_by(|(_, (_, one)), (_, (_, other))| one.total_cmp(other));
        for (row, (figures, ratio)) in measured {
            line(&mut text, format!("| {} | {:.0} | {ratio:.2} | {} |", row.name, figures.median, row.note));
        }
        for (row, why) in self.rows.iter().filter_map(|row| Some((row, row.result.as_ref().err()?))) {
            line(&mut text, format!("| {} | - | - | could not be run: {} |", row.name, why.replace('|', "/")));
        }
        if !self.facts.is_empty() {
            text.push_str("\n| figure | value |\n|---|---:|\n");
        }
        for (name, value, unit) in &self.facts {
            line(&mut text, format!("| {name} | {value:.2} {unit} |").replace(".00 ", " "));
        }
        let (kernel, processors) = machine();
        line(&mut text, format!("\nLinux {kernel}, {processors} processors, {} rounds. {}", self.rounds, self.peers()));
        text
    }

    fn json(&self) -> String {
        let (kernel, processors) = machine();
        let rows: Vec<String> = self.rows.iter().map(json_row).collect();
        let facts = self
            .facts
            .iter()
            .map(|(name, value, unit)| format!("{{\"name\":{},\"value\":{value:.3},\"unit\":{}}}", quoted(name), quoted(unit)));
        format!(
            "{{\"kernel\":{},\"processors\":{processors},\"rounds\":{},\"peers\":{},\n\"contenders\":[\n{}],\n\"figures\":[\n{}]}}\n",
            quoted(&kernel),
            self.rounds,
            quoted(&self.peers()),
            rows.join(",\n"),
            facts.collect::<Vec<_>>().join(",\n")
        )
    }

    fn peers(&self) -> String {
        self.versions.join(", ")
    }
}

/// Writes figures where whoever asked for them reads.
pub fn print(figures: &str) -> Outcome<()> {
    let mut out = std::io::stdout();
    let written = out.write_all(figures.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| format!("cannot write the figures: {error}"))
}

fn json_row(row: &Row) -> String {
    let name = quoted(&row.name);
    match &row.result {
        Err(why) => format!("{{\"name\":{name},\"could_not_be_run\":{}}}", quoted(why)),
        Ok((figures, ratio)) => format!(
            "{{\"name\":{name},\"median_us\":{:.1},\"p10_us\":{:.1},\"p90_us\":{:.1},\"samples\":{},\"ratio\":{ratio:.3},\"note\":{}}}",
            figures.median,
            figures.low,
            figures.high,
            figures.samples,
            quoted(&row.note)
        ),
    }
}

/// The kernel, and how many processors there are.
pub fn machine() -> (String, usize) {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "of unknown release".into());
    (kernel.trim().to_string(), std::thread::available_parallelism().map_or(1, usize::from))
}

fn line(text: &mut String, words: String) {
    text.push_str(&words);
    text.push('\n');
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            // Writing to a String does not fail.
            control if control.is_control() => drop(write!(out, "\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
