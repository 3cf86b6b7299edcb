//! The seccomp program against the policy, on paper: nothing is loaded into the kernel here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "seccomp/bpf.rs"]
mod bpf;
#[path = "seccomp/call.rs"]
mod call;
#[path = "seccomp/calls.rs"]
mod calls;
#[path = "seccomp/oracle.rs"]
mod oracle;
#[path = "../build/seccomp.rs"]
mod seccomp;

use call::{Answer, Call};
use oracle::{AARCH64, ALLOW, Arch, EAFNOSUPPORT, ENOSYS, EPERM, Whom, X86_64};
use seccomp::{Insn, Profile};

/// A program, and what the oracle needs to know of it.
struct Program {
    arch: &'static Arch,
    whom: Whom,
    code: Vec<Insn>,
}

impl Program {
    fn new(arch: &'static Arch, whom: Whom) -> Self {
        let profile = if whom == Whom::Web { Profile::Web } else { Profile::Dev };
        Self { arch, whom, code: seccomp::program(arch.name, profile).unwrap() }
    }

    /// What becomes of a call of its own architecture.
    fn answer(&self, nr: u32, args: [u64; 6]) -> Answer {
        bpf::run(&self.code, &Call { arch: self.arch.audit, nr, args }).0
    }

    /// The compiler and the oracle have to agree.
    #[track_caller]
    fn judge(&self, call: &Call) {
        let (code, paper) = (bpf::run(&self.code, call).0, oracle::says(self.arch, self.whom, call));
        assert_eq!(code, paper, "{} for {:?}: {call:x?}", self.arch.name, self.whom);
    }
}

fn all() -> Vec<Program> {
    [&X86_64, &AARCH64].into_iter().flat_map(|arch| [Whom::Web, Whom::Dev].map(|whom| Program::new(arch, whom))).collect()
}

#[test]
fn the_kernel_would_take_it() {
    all().iter().for_each(|program| bpf::check(&program.code));
}

/// Each entry loads it. The kernel translates every instruction, and runs the program for each number that it knows.
#[test]
fn loading_it_costs_no_more_than_when_it_was_measured() {
    for Program { arch, code, .. } in all() {
        let steps = |nr| bpf::run(&code, &Call { arch: arch.audit, nr, args: [0; 6] }).1;
        let (sum, longest) = ((0..470).map(steps).sum::<usize>(), (0..470).map(steps).max().unwrap());
        assert!(code.len() <= 124 && sum <= 4_800 && longest <= 24, "{}: {} {sum} {longest}", arch.name, code.len());
    }
}

/// For those it never runs the filter again; a filter that computes with the number would be run for every call.
#[test]
fn the_kernel_sees_which_calls_are_always_allowed() {
    for program in all() {
        let asked = asked(program.arch);
        for nr in 0..600 {
            let always = program.answer(nr, [0; 6]) == ALLOW && !asked.contains(&nr);
            assert_eq!(bpf::is_always_allowed(&program.code, program.arch.audit, nr), always, "{nr}");
        }
    }
}

#[test]
fn calls_that_programs_make() {
    for program in all() {
        for (name, on_x86_64, on_aarch64, args, expected) in calls::CALLS {
            let Some(nr) = *(if program.arch.name == "x86_64" { on_x86_64 } else { on_aarch64 }) else { continue };
            let args = [0, 1, 2, 3, 4, 5].map(|i: usize| args.get(i).copied().unwrap_or(0));
            assert_eq!(program.answer(nr, args), *expected, "{name} on {}: {nr} {args:x?}", program.arch.name);
            program.judge(&Call { arch: program.arch.audit, nr, args });
        }
    }
}

#[test]
fn looking_into_other_processes_is_all_that_the_two_profiles_differ_in() {
    for arch in [&X86_64, &AARCH64] {
        let (web, dev) = (Program::new(arch, Whom::Web), Program::new(arch, Whom::Dev));
        for nr in 0..1024 {
            let both = (web.answer(nr, [0; 6]), dev.answer(nr, [0; 6]));
            assert!(both == (EPERM, ALLOW) || !arch.debugging.contains(&nr), "{nr}: {both:?}");
            assert!(both.0 == both.1 || arch.debugging.contains(&nr), "{nr}: {both:?}");
        }
    }
}

#[test]
fn every_number() {
    for program in all() {
        for nr in (0..4096).chain((12..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1])).chain([u32::MAX]) {
            program.judge(&Call { arch: program.arch.audit, nr, args: [0; 6] });
        }
    }
}

#[test]
fn x32_has_no_calls() {
    for whom in [Whom::Web, Whom::Dev] {
        let program = Program::new(&X86_64, whom);
        for nr in (0..4096).flat_map(|nr| [0x4000_0000 | nr, 0x6000_0000 | nr, 0xc000_0000 | nr]) {
            assert_eq!(program.answer(nr, [0; 6]), ENOSYS, "{nr:x}");
        }
    }
}

#[test]
fn a_foreign_architecture_is_the_end() {
    // i386, arm, aarch64, x86_64, riscv64, and near misses: one bit off, the number alone.
    let foreign = [0x4000_0003, 0x4000_0028, 0xc000_00b7, 0xc000_003e, 0xc000_00f3, 0x8000_003e, 0x3e, 0, u32::MAX];
    for program in all() {
        for arch in foreign.into_iter().filter(|arch| *arch != program.arch.audit) {
            for nr in (0..600).chain([0x4000_0000, u32::MAX]) {
                let answer = bpf::run(&program.code, &Call { arch, nr, args: [0; 6] }).0;
                assert_eq!(answer, Answer::KillProcess, "{arch:x} {nr}");
            }
        }
    }
}

#[test]
fn every_family_and_every_flag() {
    for program in all() {
        let arch = program.arch;
        for upper in [0, 1 << 32, u64::MAX << 32] {
            for family in 0..64 {
                let good = [1, 2, 10, 16].contains(&family);
                let expected = if good { ALLOW } else { EAFNOSUPPORT };
                assert_eq!(program.answer(arch.socket, [family | upper, 1, 0, 0, 0, 0]), expected, "family {family}");
                let expected = if family == 1 { ALLOW } else { EAFNOSUPPORT };
                assert_eq!(program.answer(arch.socketpair, [family | upper, 1, 0, 0, 0, 0]), expected, "family {family}");
            }
            for bit in 0..32 {
                let namespace = [17, 25, 26, 27, 28, 29, 30].contains(&bit);
                let expected = if namespace { EPERM } else { ALLOW };
                assert_eq!(program.answer(arch.clone, [upper | 1 << bit, 0, 0, 0, 0, 0]), expected, "clone, bit {bit}");
                let expected = if namespace || bit == 7 { EPERM } else { ALLOW };
                assert_eq!(program.answer(arch.unshare, [upper | 1 << bit, 0, 0, 0, 0, 0]), expected, "unshare, bit {bit}");
            }
        }
    }
}

/// Families, types, protocols, namespace flags, terminal requests, personalities, process 1, and their neighbours.
const EDGES: [u64; 50] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    15,
    16,
    17,
    18,
    33,
    38,
    40,
    57,
    58,
    59,
    132,
    136,
    255,
    256,
    262,
    1023,
    1024,
    1025,
    0x80,
    0x80801,
    0x5411,
    0x5412,
    0x5413,
    0x541c,
    0x5423,
    0x2_0000,
    0x2_0008,
    0x4_0008,
    0x6_0008,
    0x10_0000,
    0x40_0000,
    0x1000_0000,
    0x4000_0000,
    0x4008_6602,
    0x401c_5820,
    0x401c_5821,
    0x7fff_ffff,
    0xffff_ffff,
];

fn asked(arch: &Arch) -> Vec<u32> {
    let one = [arch.clone, arch.unshare, arch.socket, arch.socketpair, arch.ioctl, arch.fcntl, arch.personality];
    one.into_iter().chain([arch.setpriority, arch.ioprio_set]).chain(arch.not_of_init.iter().copied()).collect()
}

#[test]
fn every_call_that_is_asked_about_with_every_mixture_of_edges() {
    for program in all() {
        for nr in asked(program.arch) {
            for (first, second) in EDGES.iter().flat_map(|first| EDGES.map(|second| (*first, second))) {
                // The third is a socket's protocol only.
                let thirds = if nr == program.arch.socket { &EDGES[..] } else { &EDGES[..2] };
                for third in thirds {
                    for upper in [0, 1 << 32] {
                        let args = [first | upper, second | upper, third | upper, 0, 0, 0];
                        program.judge(&Call { arch: program.arch.audit, nr, args });
                    }
                }
            }
        }
    }
}

#[test]
fn a_million_calls_of_any_kind_for_each_program() {
    // xorshift64*: the same calls in every run, so that a failure can be found again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    for program in all() {
        let asked = asked(program.arch);
        for _ in 0..1_000_000 {
            let pick = random();
            let nr = match pick % 4 {
                0 => (pick >> 32) as u32,
                1 => (pick >> 32) as u32 % 512,
                _ => asked[(pick >> 32) as usize % asked.len()],
            };
            let arch = if pick >> 4 & 15 == 0 { random() as u32 } else { program.arch.audit };
            let mut args = [0; 6];
            for argument in &mut args[..3] {
                let (kind, value) = (random(), random());
                let edge = EDGES[(kind >> 32) as usize % EDGES.len()];
                *argument = match kind % 4 {
                    0 => value,
                    1 => 1 << (value % 64),
                    2 => value << 32 | edge,
                    _ => edge,
                };
            }
            program.judge(&Call { arch, nr, args });
        }
    }
}

#[test]
fn an_architecture_we_do_not_know_stops_the_build() {
    for arch in ["riscv64", "x86", "arm", "X86_64", ""] {
        let error = seccomp::program(arch, Profile::Web).unwrap_err();
        assert!(error.contains("no seccomp program for the architecture"), "{error}");
    }
}

/// Today's program is so short that a comparison reaches everything in it. One that is not needs stepping stones.
#[test]
fn jumps_that_are_too_long_for_a_comparison() {
    static VALUES: [u32; 300] = {
        let (mut values, mut i) = ([0; 300], 0);
        while i < values.len() {
            values[i] = 1000 + i as u32;
            i += 1;
        }
        values
    };
    static RULES: [seccomp::rules::Rule; 4] = [
        seccomp::rules::Rule::Allow,
        seccomp::rules::Rule::Fail(1),
        seccomp::rules::Rule::Match {
            argument: 0,
            mask: u32::MAX,
            cases: &[(&VALUES, &seccomp::rules::EPERM)],
            other: &seccomp::rules::ALLOW,
        },
        seccomp::rules::Rule::Match {
            argument: 1,
            mask: u32::MAX,
            cases: &[(&VALUES, &seccomp::rules::ALLOW)],
            other: &seccomp::rules::ENOSYS,
        },
    ];
    let rule = |nr: u32| (nr.wrapping_mul(0x9e37_79b9) >> 30) as usize;
    let mut ranges = vec![(0, &RULES[rule(0)])];
    ranges.extend((1..100).filter(|nr| rule(*nr) != rule(nr - 1)).map(|nr| (nr, &RULES[rule(nr)])));
    let mut code = seccomp::emit::Assembler::starting_with(0);
    let start = seccomp::tree::emit(&ranges, &mut code).unwrap();
    code.load(seccomp::emit::NUMBER, start);
    let program = code.finish().unwrap();
    assert!(program.iter().any(|insn| insn.code == 0x05), "a long program without a long jump");
    for nr in 0..100 {
        for value in [0, 999, 1000, 1001, 1254, 1255, 1256, 1298, 1299, 1300] {
            let (first, second) = if (1000..1300).contains(&value) { (EPERM, ALLOW) } else { (ALLOW, ENOSYS) };
            let expected = [ALLOW, EPERM, first, second][rule(nr)];
            assert_eq!(bpf::run(&program, &Call { arch: 0, nr, args: [value, value, 0, 0, 0, 0] }).0, expected, "{nr} {value}");
        }
    }
}
