//! The search for a number's verdict: a balanced tree of comparisons.
//!
//! A chain of comparisons would be simpler, but the kernel runs the program once for each number it knows when it is
//! loaded (that is how it finds the calls which are always allowed), and that is part of every entry into a jail.

use super::emit::{Assembler, Label};
use super::rules::Rule;

/// Numbers from `start` up to the next leaf.
pub struct Leaf {
    start: u32,
    verdict: Label,
    /// One number among them that has another verdict: one comparison instead of the two of two more leaves.
    except: Option<(u32, Label)>,
}

/// The leaves of a line of ranges, and the code of their verdicts.
pub fn leaves(ranges: &[(u32, &'static Rule)], code: &mut Assembler) -> Result<Vec<Leaf>, String> {
    // ORDER: the verdicts before the tree, so that they end up after it.
    let mut emitted: Vec<(&'static Rule, Label)> = Vec::new();
    for (_, rule) in ranges {
        if !emitted.iter().any(|(known, _)| known == rule) {
            emitted.push((rule, code.rule(rule)?));
        }
    }
    let find = |rule: &'static Rule| {
        let found = emitted.iter().find(|(known, _)| *known == rule).map(|(_, label)| *label);
        found.ok_or_else(|| format!("no code for {rule:?}"))
    };

    let mut leaves = Vec::new();
    let mut rest = ranges;
    loop {
        rest = match rest {
            [] => return Ok(leaves),
            [(start, rule), (odd, other), (next, again), tail @ ..] if rule == again && odd.checked_add(1) == Some(*next) => {
                leaves.push(Leaf { start: *start, verdict: find(rule)?, except: Some((*odd, find(other)?)) });
                tail
            }
            [(start, rule), tail @ ..] => {
                leaves.push(Leaf { start: *start, verdict: find(rule)?, except: None });
                tail
            }
        }
    }
}

/// The tree over the leaves; the number is in the accumulator.
pub fn emit(leaves: &[Leaf], code: &mut Assembler) -> Result<Label, String> {
    let (low, high) = match leaves {
        [] => return Err("a search among no numbers".to_owned()),
        [Leaf { verdict, except: None, .. }] => return Ok(*verdict),
        [Leaf { verdict, except: Some((odd, other)), .. }] => return code.jump_if_equal(*odd, *other, *verdict),
        _ => leaves.split_at(leaves.len() / 2),
    };
    let split = high.first().map(|leaf| leaf.start).ok_or("half of a tree is empty")?;
    let high = emit(high, code)?;
    let low = emit(low, code)?;
    code.jump_if_at_least(split, high, low)
}
