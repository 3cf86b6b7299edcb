//! The spawn loop: a small process that starts a program again and again and says how long each took.
//!
//! Every contender is timed by this same loop, whatever uid and mount namespace the worker was started with, so that
//! the ratios compare like with like. `Command` without uid, gid or directory goes through `posix_spawn`, which does
//! not copy the worker's page tables.

use std::io::{BufRead, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Parts the words of a request and of a reply; no program, path or script here contains it.
pub const PART: char = '\x1f';
/// Stands for a newline inside a word, because a request is one line.
pub const LINE: char = '\x1e';

/// Answers requests on standard input until it ends: a dead leader leaves no worker behind.
pub fn serve() -> ExitCode {
    let mut out = std::io::stdout();
    for request in std::io::stdin().lock().lines() {
        let Ok(request) = request else { return ExitCode::FAILURE };
        let reply = match answer(&request) {
            Ok(text) => format!("ok{PART}{text}"),
            Err(why) => format!("err{PART}{why}"),
        };
        if writeln!(out, "{}", reply.replace('\n', &LINE.to_string())).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn answer(request: &str) -> Outcome<String> {
    let mut words = request.split(PART);
    let mut word = || words.next().ok_or("a request ended early");
    let (verb, count, millis, program) = (word()?, word()?, word()?, word()?);
    let mut command = Command::new(program);
    command.args(words);
    match verb {
        "look" => look(&mut command),
        _ => {
            let count = count.parse().map_err(|_| "the count is no number")?;
            let millis = millis.parse().map_err(|_| "the time is no number")?;
            time(&mut command, count, Duration::from_millis(millis))
        }
    }
}

/// Runs once and hands back what it printed: for setting the stage and for looking around inside a peer.
fn look(command: &mut Command) -> Outcome<String> {
    let done = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&done.stdout).trim_end().to_string();
    if done.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = complaint.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = if lines.is_empty() { "it said nothing".to_string() } else { lines.join("; ") };
    Err(format!("{said} ({})", done.status))
}

/// Spawns up to `count` times, fewer if the turn is over sooner.
fn time(command: &mut Command, count: u32, turn: Duration) -> Outcome<String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut samples = Vec::new();
    let started = Instant::now();
    for _ in 0..count {
        let before = Instant::now();
        let status = command.spawn().and_then(|mut child| child.wait()).map_err(|error| error.to_string())?;
        let took = before.elapsed();
        if !status.success() {
            return Err(format!("{} ended with {status}", command.get_program().to_string_lossy()));
        }
        samples.push(format!("{:.2}", took.as_secs_f64() * 1e6));
        if started.elapsed() > turn {
            break;
        }
    }
    Ok(samples.join(","))
}
