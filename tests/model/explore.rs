//! Every state that can be reached, breadth first, so that what is found wrong is found by a shortest path.

use crate::holds::{Broken, LookedFor};
use crate::state::{Protocol, State};
use crate::steps::Step;
use std::collections::HashMap;

/// What was found.
pub struct Explored {
    pub states: Vec<State>,
    /// From where to where, but for those at which somebody is killed: nothing may depend on that to go on.
    pub edges: Vec<(u32, u32)>,
    /// What is wrong, and the steps to it.
    pub broken: Option<(Broken, Vec<String>)>,
    /// How each state was reached first.
    from: Vec<(u32, Step)>,
}

/// Explores all of a protocol, until something is wrong that is looked for.
pub fn explore(protocol: Protocol, looked_for: LookedFor) -> Explored {
    let start = State::default();
    let mut known = HashMap::from([(start, 0)]);
    let mut all = Explored { states: vec![start], edges: Vec::new(), broken: None, from: vec![(0, Step::Arrive)] };
    let mut at = 0;
    while let Some(state) = all.states.get(at as usize).copied() {
        for (step, next) in state.steps(protocol) {
            let wrong = match &next {
                Ok(next) => next.broken(looked_for),
                Err(broken) => Some(*broken).filter(|broken| looked_for(*broken)),
            };
            let next = match (next, wrong) {
                (Ok(next), None) => next,
                // A step that cannot be is as far as this way goes.
                (Err(_), None) => continue,
                (_, Some(broken)) => {
                    let mut path = all.path(at);
                    path.push(format!("{step:?}"));
                    all.broken = Some((broken, path));
                    return all;
                }
            };
            let fresh = all.states.len() as u32;
            let number = *known.entry(next).or_insert(fresh);
            if number == fresh {
                all.states.push(next);
                all.from.push((at, step));
            }
            if !step.is_a_kill() {
                all.edges.push((at, number));
            }
        }
        at += 1;
    }
    all
}

impl Explored {
    /// The steps to a state.
    fn path(&self, mut to: u32) -> Vec<String> {
        let mut steps = Vec::new();
        while to != 0 {
            let (from, step) = self.from[to as usize];
            steps.push(format!("{step:?}"));
            to = from;
        }
        steps.reverse();
        steps
    }

    /// The steps to a state from which no state of this kind can be reached any more, if there is one.
    pub fn cannot_reach(&self, goal: fn(&State) -> bool) -> Option<Vec<String>> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.states.len()];
        for (from, to) in &self.edges {
            before[*to as usize].push(*from);
        }
        let mut can: Vec<bool> = self.states.iter().map(goal).collect();
        let mut next: Vec<u32> = (0..).zip(&can).filter_map(|(number, can)| can.then_some(number)).collect();
        while let Some(to) = next.pop() {
            for from in &before[to as usize] {
                if !std::mem::replace(&mut can[*from as usize], true) {
                    next.push(*from);
                }
            }
        }
        (0..).zip(can).find_map(|(number, can)| (!can).then(|| self.path(number)))
    }
}
