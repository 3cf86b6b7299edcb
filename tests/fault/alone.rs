//! A program of root's that is one process, killed at one of its calls.

use super::deeds::{Deed, Input, Point, Run, Victim};
use super::start::Order;
use super::trace::run;

/// One call of an untouched run.
pub struct Alone<'a> {
    order: &'a Order,
    pub nth: usize,
    pub name: &'static str,
}

/// The calls of an untouched run, which must end well.
pub fn calls(order: &Order) -> Vec<Alone<'_>> {
    let done = run(order, Input::Ended, &[]);
    assert_eq!((done.code, done.hung), (0, false), "{:?}: {}", order.words, done.err);
    assert!(done.calls[1].is_empty(), "{:?} is more than one process", order.words);
    done.calls[0].iter().enumerate().map(|(nth, call)| Alone { order, nth, name: call.name() }).collect()
}

/// The same without what a run that was swept already began with as well.
pub fn new_calls<'a>(order: &'a Order, known: &mut Vec<Vec<&'static str>>) -> Vec<Alone<'a>> {
    let mut all = calls(order);
    let names: Vec<&str> = all.iter().map(|call| call.name).collect();
    let same = |other: &Vec<&str>| other.iter().zip(&names).take_while(|(a, b)| a == b).count();
    let new = all.split_off(known.iter().map(same).max().unwrap_or(0));
    known.push(names);
    new
}

impl Alone<'_> {
    /// Runs it up to that call.
    #[track_caller]
    pub fn kill(&self, what: &str) {
        let deed = Deed::Kill { victim: Victim::All, after: false };
        let done = run(self.order, Input::Ended, &[(Point { depth: 0, nth: self.nth }, deed)]);
        assert_eq!(done.hit.map(|call| call.name()), Some(self.name), "{what}: another call");
        assert_eq!((done.code, done.hung), (Run::KILLED, false), "{what}");
    }
}
