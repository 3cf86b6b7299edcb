//! The benchmark that `make bench` runs, as root: what an entry costs, as a multiple of a plain spawn in the same run,
//! next to the peers that Debian packages. A figure is a figure here, never a test: nothing fails for being slow.
//!
//! Contenders take short turns in many rounds, so that noise hits them all alike. Each is timed by a small worker
//! process of its own uid and mount namespace (`worker`), which this process leads (`crew`). Where our programs are
//! comes from `TRAMPOLINE`, `REAPER` and `JAILBASE`; how much to measure from the arguments (`options`).
#![forbid(unsafe_code)]

mod crew;
mod herd;
mod oci;
mod options;
mod ours;
mod peers;
mod probe;
mod rounds;
mod scale;
mod schroot;
mod stage;
mod table;
mod users;
mod worker;

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

/// An error here is a sentence for the person who started the benchmark.
pub type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let options = match options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(told) => {
            say(&told);
            return ExitCode::from(64);
        }
    };
    if options.worker {
        return worker::serve();
    }
    if !options.asked {
        // `cargo test --all-targets` starts this program bare: it must not spend minutes there.
        say("bench: this is the benchmark; run it as root with `make bench`, or see --help");
        return ExitCode::SUCCESS;
    }
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(told) => {
            say(&format!("bench: {told}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &options::Options) -> Outcome<()> {
    let own = std::fs::metadata("/proc/self").map_err(|error| format!("/proc/self: {error}"))?;
    if own.uid() != 0 {
        return Err("it needs root, to mount, to make users and to start programs as others: run it as root".into());
    }
    let mut scratch = stage::Scratch::new()?;
    let mut crew = crew::Crew::start(&scratch)?;
    stage::furnish(&mut crew, &scratch)?;
    let mut report = table::Report::new(options.rounds);

    let ours = ours::find(options, &scratch).and_then(|programs| ours::Ours::ready(&mut crew, programs));
    if !options.scale.is_empty() {
        let table = scale::measure(&mut crew, &ours?, &options.scale, options.rounds)?;
        return table::print(&table);
    }
    let mut field = vec![rounds::plain()];
    match &ours {
        Ok(ours) => field.extend(ours.contenders()),
        Err(why) => ["warm entry", "cold entry"].map(|name| report.absent(name, why)).into_iter().collect(),
    }
    field.extend(peers::all(&mut crew, &mut scratch, &mut report));
    rounds::run(&mut crew, &mut field, options.rounds, &mut report)?;
    if let Ok(ours) = &ours {
        // What has been measured by then is not lost.
        if let Err(why) = herd::measure(&mut crew, ours, options, &mut report) {
            report.absent(&format!("entries beside {} live jails", options.jails), &why);
        }
    }
    report.print(options.json.as_deref())
}

/// One line for the person at the terminal; standard output belongs to the table.
pub fn say(line: &str) {
    // A closed stderr is no reason to stop measuring.
    writeln!(std::io::stderr(), "{line}").ok();
}
