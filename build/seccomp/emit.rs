//! An assembler for classic BPF that works backwards.
//!
//! Classic BPF only jumps forwards, so from the last instruction to the first every target is known when a jump to it
//! is written. Nothing but a load falls through; so a piece put between two others is never run by accident.

use std::collections::BTreeMap;

use super::Insn;
use super::rules::{self, Rule};

/// Where in `struct seccomp_data` the number of the call is.
pub const NUMBER: u32 = 0;
/// Where in it the architecture is.
pub const ARCH: u32 = 4;

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const IF_BITS: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// A comparison reaches 255 instructions; bringing one of its two targets near may push the other one further away.
const REACH: usize = 254;
/// KERNEL: BPF_MAXINSNS.
const LONGEST: usize = 4096;

/// An instruction, by how many follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// The instructions so far, the last one first.
pub struct Assembler {
    backwards: Vec<Insn>,
    /// The nearest instruction that returns a value.
    returns: BTreeMap<u32, Label>,
}

impl Assembler {
    /// KERNEL: a program has to end with a return, so it begins with one.
    pub fn starting_with(value: u32) -> Self {
        let mut code = Self { backwards: Vec::new(), returns: BTreeMap::new() };
        code.give(value);
        code
    }

    /// The end of the call: an instruction that returns the value.
    pub fn give(&mut self, value: u32) -> Label {
        match self.returns.get(&value) {
            Some(label) if self.distance(*label) <= REACH => *label,
            _ => {
                let label = self.push(Insn { code: RETURN, jt: 0, jf: 0, k: value });
                self.returns.insert(value, label);
                label
            }
        }
    }

    /// A word of `struct seccomp_data` into the accumulator, then on to the label.
    pub fn load(&mut self, offset: u32, then: Label) -> Label {
        self.fall_into(then);
        self.push(Insn { code: LOAD, jt: 0, jf: 0, k: offset })
    }

    fn mask(&mut self, mask: u32, then: Label) -> Label {
        self.fall_into(then);
        self.push(Insn { code: AND, jt: 0, jf: 0, k: mask })
    }

    /// On to one of two labels: whether the accumulator is `k`.
    pub fn jump_if_equal(&mut self, k: u32, yes: Label, no: Label) -> Result<Label, String> {
        self.compare(IF_EQUAL, k, yes, no)
    }

    /// The same: whether it is `k` or more, without a sign.
    pub fn jump_if_at_least(&mut self, k: u32, yes: Label, no: Label) -> Result<Label, String> {
        self.compare(IF_AT_LEAST, k, yes, no)
    }

    /// The same: whether it has any of the bits of `k`.
    pub fn jump_if_bits(&mut self, k: u32, yes: Label, no: Label) -> Result<Label, String> {
        self.compare(IF_BITS, k, yes, no)
    }

    /// A rule with all its questions.
    pub fn rule(&mut self, rule: &Rule) -> Result<Label, String> {
        match rule {
            Rule::Allow | Rule::Fail(_) | Rule::Kill => Ok(self.give(rules::value(rule)?)),
            Rule::Bits { argument, bits, any, none } => {
                let (any, none) = (self.rule(any)?, self.rule(none)?);
                let test = self.jump_if_bits(*bits, any, none)?;
                Ok(self.load(lower_half(*argument), test))
            }
            Rule::Match { argument, mask, cases, other } => {
                // ORDER: the cases' own questions first, so that the comparisons below stay in one piece.
                let mut targets = Vec::new();
                for (values, rule) in *cases {
                    targets.push((*values, self.rule(rule)?));
                }
                let mut test = self.rule(other)?;
                for (values, target) in targets.iter().rev() {
                    for value in values.iter().rev() {
                        test = self.jump_if_equal(*value, *target, test)?;
                    }
                }
                if *mask != u32::MAX {
                    test = self.mask(*mask, test);
                }
                Ok(self.load(lower_half(*argument), test))
            }
        }
    }

    /// The program, first instruction first.
    pub fn finish(self) -> Result<Vec<Insn>, String> {
        if self.backwards.len() > LONGEST {
            return Err(format!("the seccomp program has {} instructions, the kernel takes {LONGEST}", self.backwards.len()));
        }
        Ok(self.backwards.into_iter().rev().collect())
    }

    fn push(&mut self, insn: Insn) -> Label {
        self.backwards.push(insn);
        Label(self.backwards.len() - 1)
    }

    /// How many instructions the next one would have to skip to get there.
    fn distance(&self, label: Label) -> usize {
        self.backwards.len().saturating_sub(label.0.saturating_add(1))
    }

    fn compare(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Result<Label, String> {
        let yes = self.near(yes);
        let no = self.near(no);
        let skip = |label| u8::try_from(self.distance(label)).map_err(|_| "a jump of the seccomp program is too long".to_owned());
        let (jt, jf) = (skip(yes)?, skip(no)?);
        Ok(self.push(Insn { code, jt, jf, k }))
    }

    /// The label, or a stepping stone to it that a comparison can reach.
    fn near(&mut self, label: Label) -> Label {
        if self.distance(label) <= REACH {
            return label;
        }
        match self.backwards.get(label.0) {
            Some(insn) if insn.code == RETURN => self.give(insn.k),
            _ => self.jump(label),
        }
    }

    fn fall_into(&mut self, label: Label) {
        if self.distance(label) > 0 {
            self.jump(label);
        }
    }

    fn jump(&mut self, label: Label) -> Label {
        // A program is far shorter than u32::MAX, and finish() refuses what is longer than the kernel takes.
        let k = u32::try_from(self.distance(label)).unwrap_or(u32::MAX);
        self.push(Insn { code: JUMP, jt: 0, jf: 0, k })
    }
}

/// KERNEL: arguments are 64 bits wide and start at 16; both architectures are little-endian, so the lower half is first.
fn lower_half(argument: u32) -> u32 {
    16 + 8 * argument
}
