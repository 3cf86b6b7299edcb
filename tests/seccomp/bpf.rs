//! What the kernel does with a seccomp program: look whether it is sound, and run it on one call.
//! Written from linux/filter.h and linux/seccomp.h, not from the compiler.

use super::call::{Answer, Call};
use crate::seccomp::Insn;

impl Call {
    /// A word of `struct seccomp_data`: nr, arch, instruction pointer, six arguments; little-endian, 64 bytes.
    fn word(&self, at: u32) -> u32 {
        let half = |long: u64| if at % 8 == 4 { (long >> 32) as u32 } else { long as u32 };
        match at {
            0 => self.nr,
            4 => self.arch,
            8 | 12 => half(0x7fff_1234_5678_9abc),
            _ => half(self.args[(at as usize - 16) / 8]),
        }
    }
}

/// The answer, and how many instructions it took.
pub fn run(program: &[Insn], call: &Call) -> (Answer, usize) {
    let (mut pc, mut a) = (0, 0_u32);
    for steps in 1..=program.len() {
        let Insn { code, jt, jf, k } = program[pc];
        let compare = |holds: bool| usize::from(if holds { jt } else { jf });
        pc += 1 + match code {
            0x20 => {
                a = call.word(k);
                0
            }
            0x54 => {
                a &= k;
                0
            }
            0x05 => k as usize,
            0x15 => compare(a == k),
            0x35 => compare(a >= k),
            0x45 => compare(a & k != 0),
            0x06 => return (answer(k), steps),
            other => panic!("instruction {pc} has the code {other:#x}"),
        };
    }
    panic!("{call:x?} never ends");
}

/// Whether the kernel finds out, when it loads the program, that a number is allowed whatever its arguments are; then it
/// never runs the program for that number again. As in seccomp_is_const_allow of kernel/seccomp.c, since 5.11.
pub fn is_always_allowed(program: &[Insn], arch: u32, nr: u32) -> bool {
    let (mut pc, mut a) = (0, 0);
    loop {
        let Insn { code, jt, jf, k } = program[pc];
        let holds = match code {
            0x20 if k == 0 || k == 4 => {
                a = if k == 0 { nr } else { arch };
                pc += 1;
                continue;
            }
            0x54 => {
                a &= k;
                pc += 1;
                continue;
            }
            0x05 => {
                pc += 1 + k as usize;
                continue;
            }
            0x15 => a == k,
            0x35 => a >= k,
            0x45 => a & k != 0,
            0x06 => return k == 0x7fff_0000,
            _ => return false,
        };
        pc += 1 + usize::from(if holds { jt } else { jf });
    }
}

fn answer(k: u32) -> Answer {
    match (k & 0xffff_0000, k & 0xffff) {
        (0x7fff_0000, 0) => Answer::Allow,
        (0x0005_0000, errno @ 1..=4095) => Answer::Errno(errno),
        (0x8000_0000, 0) => Answer::KillProcess,
        _ => panic!("a program returns {k:#x}"),
    }
}

/// What the kernel asks of a program before it takes it (bpf_check_classic, seccomp_check_filter), and that no
/// instruction is there for nothing.
pub fn check(program: &[Insn]) {
    assert!((1..4096).contains(&program.len()), "{} instructions", program.len());
    assert_eq!(program.last().map(|insn| insn.code), Some(0x06), "the last instruction is a return");
    let mut reached = vec![false; program.len()];
    reached[0] = true;
    for (pc, insn) in program.iter().enumerate() {
        let next: Vec<usize> = match insn.code {
            0x06 => vec![],
            0x05 => vec![pc + 1 + insn.k as usize],
            0x15 | 0x35 | 0x45 => vec![pc + 1 + usize::from(insn.jt), pc + 1 + usize::from(insn.jf)],
            0x20 => {
                assert!(insn.k % 4 == 0 && insn.k < 64, "{pc} loads from {}", insn.k);
                vec![pc + 1]
            }
            0x54 => vec![pc + 1],
            other => panic!("instruction {pc} has the code {other:#x}"),
        };
        assert!(reached[pc], "nothing leads to instruction {pc}");
        for to in next {
            assert!(to < program.len(), "instruction {pc} leads outside");
            reached[to] = true;
        }
    }
}
