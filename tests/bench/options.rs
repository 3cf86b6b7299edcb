//! The command line of the benchmark.

use crate::Outcome;

const HELP: &str = "usage: bench [--json FILE] [--peers-only] [--rounds N] [--jails N] [--scale N,N,...]\n\
  \x20 --json FILE   write the figures as JSON too; FILE - means: JSON on standard output instead of the table\n\
  \x20 --peers-only  measure plain spawn and the peers, not our own programs\n\
  \x20 --rounds N    how many rounds of turns (default 16)\n\
  \x20 --jails N     how many live jails the crowded measurement has (default 1000; 10000 takes minutes)\n\
  \x20 --scale N,... measure nothing but what so many live jails cost, each number by itself\n\
environment: TRAMPOLINE, REAPER, JAILBASE: absolute paths of our programs";

/// What to measure and where to write it.
pub struct Options {
    /// This process is one that times others.
    pub worker: bool,
    /// Somebody asked for the benchmark, by any argument at all.
    pub asked: bool,
    /// Where JSON goes, if anywhere.
    pub json: Option<String>,
    /// Leave our own programs out.
    pub peers_only: bool,
    /// Rounds of turns.
    pub rounds: u32,
    /// Live jails of the crowded measurement.
    pub jails: u32,
    /// The numbers of live jails to be measured side by side, and nothing else; usually none.
    pub scale: Vec<u32>,
}

/// Reads the arguments after the program's name.
pub fn read(mut words: impl Iterator<Item = String>) -> Outcome<Options> {
    let mut options =
        Options { worker: false, asked: false, json: None, peers_only: false, rounds: 16, jails: 1000, scale: Vec::new() };
    while let Some(word) = words.next() {
        options.asked = true;
        match word.as_str() {
            // `cargo bench` adds it to whatever it runs.
            "--bench" => {}
            "--worker" => options.worker = true,
            "--peers-only" => options.peers_only = true,
            "--json" => options.json = Some(words.next().ok_or("--json needs a file name, or - for standard output")?),
            "--rounds" => options.rounds = number(&word, words.next(), 1000)?,
            // Above this the uids of the crowd would leave the range that the policy lets web servers enter.
            "--jails" => options.jails = number(&word, words.next(), 20_000)?,
            "--scale" => {
                let sizes = words.next().unwrap_or_default();
                options.scale = sizes.split(',').map(|one| number(&word, Some(one.into()), 20_000)).collect::<Outcome<_>>()?;
            }
            _ => return Err(HELP.to_string()),
        }
    }
    Ok(options)
}

fn number(option: &str, word: Option<String>, most: u32) -> Outcome<u32> {
    word.and_then(|text| text.parse().ok())
        .filter(|n| (1..=most).contains(n))
        .ok_or_else(|| format!("{option} needs a number from 1 to {most}"))
}
