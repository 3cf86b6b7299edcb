//! Interleaved rounds: every contender takes a short turn in each, so that a noisy minute is shared by all.

use std::thread::sleep;
use std::time::Duration;

use crate::Outcome;
use crate::crew::{Crew, Who};
use crate::say;
use crate::table::{Figures, Report};

/// Spawns in a turn, and the milliseconds after which a slow contender's turn ends early.
const SPAWNS: u32 = 20;
const TURN: u32 = 250;
/// A network namespace dies behind its program's back, in a kernel worker that also waits for RCU: without a pause
/// between turns the next contender would pay for the last one's.
pub const SETTLE: Duration = Duration::from_millis(40);

type Own = Box<dyn FnMut(&mut Crew) -> Outcome<Vec<f64>>>;

enum Turn {
    Spawn(Who, Vec<String>),
    Own(Own),
}

/// Something that is timed.
pub struct Contender {
    name: String,
    note: String,
    turn: Turn,
    samples: Vec<f64>,
    problem: Option<String>,
}

impl Contender {
    /// One that is simply spawned again and again.
    pub fn spawned(name: &str, who: Who, argv: Vec<String>, note: &str) -> Contender {
        Contender::new(name, Turn::Spawn(who, argv), note)
    }

    /// One whose turn has parts that are not timed.
    pub fn with_turn(name: &str, turn: Own, note: &str) -> Contender {
        Contender::new(name, Turn::Own(turn), note)
    }

    fn new(name: &str, turn: Turn, note: &str) -> Contender {
        Contender { name: name.into(), note: note.into(), turn, samples: Vec::new(), problem: None }
    }

    fn take_turn(&mut self, crew: &mut Crew) {
        let outcome = match &mut self.turn {
            Turn::Own(turn) => turn(crew),
            // One call ahead, untimed: its caches were cooled by the others.
            Turn::Spawn(who, argv) => crew.time(*who, 1, 0, argv).and_then(|_| crew.time(*who, SPAWNS, TURN, argv)),
        };
        match outcome {
            Ok(samples) => self.samples.extend(samples),
            Err(why) => self.problem = Some(why),
        }
    }

    /// What came out, or why nothing did.
    pub fn figures(&self) -> Outcome<Figures> {
        match &self.problem {
            Some(why) => Err(why.clone()),
            None => Figures::of(&self.samples),
        }
    }
}

/// What every ratio is a ratio to.
pub fn plain() -> Contender {
    Contender::spawned("plain spawn of /bin/true", Who::Web, vec!["/bin/true".into()], "uid 33, no isolation")
}

/// Plays the rounds. One who fails is out from then on, and keeps the reason.
pub fn play(crew: &mut Crew, field: &mut [Contender], rounds: u32) {
    for round in 0..rounds {
        // Forwards, then backwards: nobody always follows the same neighbour.
        let order: Vec<&mut Contender> = match round % 2 {
            0 => field.iter_mut().collect(),
            _ => field.iter_mut().rev().collect(),
        };
        for contender in order.into_iter().filter(|one| one.problem.is_none()) {
            sleep(SETTLE);
            contender.take_turn(crew);
        }
    }
}

/// Plays the rounds with the first of the field as the measure, and enters everybody into the report.
pub fn run(crew: &mut Crew, field: &mut [Contender], rounds: u32, report: &mut Report) -> Outcome<()> {
    say(&format!("bench: {} contenders, {rounds} rounds", field.len()));
    play(crew, field, rounds);
    let plain = field.first().ok_or("nothing to measure")?.figures()?;
    for contender in field.iter() {
        enter(report, contender, &plain);
    }
    Ok(())
}

/// Enters one contender, measured against a plain spawn of the same rounds.
pub fn enter(report: &mut Report, contender: &Contender, plain: &Figures) {
    match contender.figures() {
        Ok(figures) => report.row(&contender.name, figures, plain, &contender.note),
        Err(why) => report.absent(&contender.name, &why),
    }
}
