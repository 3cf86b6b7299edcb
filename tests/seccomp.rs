//! The seccomp program against the policy, on paper: nothing is loaded into the kernel here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "seccomp/bpf.rs"]
mod bpf;
#[path = "seccomp/calls.rs"]
mod calls;
#[path = "seccomp/oracle.rs"]
mod oracle;
#[path = "../build/seccomp.rs"]
mod seccomp;

use bpf::{Answer, Call};
use oracle::{AARCH64, ALLOW, Arch, EAFNOSUPPORT, ENOSYS, EPERM, X86_64};
use seccomp::{Insn, Profile};

const ARCHS: [&Arch; 2] = [&X86_64, &AARCH64];

fn web(arch: &Arch) -> Vec<Insn> {
    seccomp::program(arch.name, Profile::Web).unwrap()
}

#[test]
fn the_kernel_would_take_it() {
    for arch in ARCHS {
        bpf::check(&web(arch));
    }
}

/// Each entry loads it. The kernel translates every instruction, and runs the program for each number that it knows.
#[test]
fn loading_it_costs_no_more_than_when_it_was_measured() {
    for arch in ARCHS {
        let program = web(arch);
        let steps = |nr| bpf::run(&program, &Call { arch: arch.audit, nr, args: [0; 6] }).1;
        let (sum, longest) = ((0..470).map(steps).sum::<usize>(), (0..470).map(steps).max().unwrap());
        assert!(program.len() <= 120 && sum <= 4_800 && longest <= 24, "{}: {} {sum} {longest}", arch.name, program.len());
    }
}

#[test]
fn calls_that_programs_make() {
    let (x86_64, aarch64) = (web(&X86_64), web(&AARCH64));
    for (name, on_x86_64, on_aarch64, args, expected) in calls::CALLS {
        let args = |i: usize| args.get(i).copied().unwrap_or(0);
        let args = [args(0), args(1), args(2), args(3), args(4), args(5)];
        for (arch, program, nr) in [(&X86_64, &x86_64, on_x86_64), (&AARCH64, &aarch64, on_aarch64)] {
            let Some(nr) = *nr else { continue };
            let call = Call { arch: arch.audit, nr, args };
            assert_eq!(bpf::run(program, &call).0, *expected, "{name} on {}: {call:x?}", arch.name);
            assert_eq!(oracle::says(arch, &call), *expected, "the oracle on {name}: {call:x?}");
        }
    }
}

#[test]
fn every_number() {
    for arch in ARCHS {
        let program = web(arch);
        for nr in (0..4096).chain((12..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1])).chain([u32::MAX]) {
            let call = Call { arch: arch.audit, nr, args: [0; 6] };
            assert_eq!(bpf::run(&program, &call).0, oracle::says(arch, &call), "{}: {call:?}", arch.name);
        }
    }
}

#[test]
fn x32_has_no_calls() {
    let program = web(&X86_64);
    for nr in 0..1024 {
        let call = Call { arch: X86_64.audit, nr: 0x4000_0000 | nr, args: [0; 6] };
        assert_eq!(bpf::run(&program, &call).0, ENOSYS, "{call:x?}");
    }
}

#[test]
fn a_foreign_architecture_is_the_end() {
    // i386, arm, aarch64, x86_64, riscv64, and near misses: one bit off, the number alone.
    let foreign = [0x4000_0003, 0x4000_0028, 0xc000_00b7, 0xc000_003e, 0xc000_00f3, 0x8000_003e, 0x3e, 0, u32::MAX];
    for native in ARCHS {
        let program = web(native);
        for arch in foreign.into_iter().filter(|arch| *arch != native.audit) {
            for nr in (0..600).chain([0x4000_0000, u32::MAX]) {
                assert_eq!(bpf::run(&program, &Call { arch, nr, args: [0; 6] }).0, Answer::KillProcess, "{arch:x} {nr}");
            }
        }
    }
}

#[test]
fn every_family_and_every_flag() {
    for arch in ARCHS {
        let program = web(arch);
        let answer = |nr, args| bpf::run(&program, &Call { arch: arch.audit, nr, args }).0;
        for upper in [0, 1 << 32, u64::MAX << 32] {
            for family in 0..64 {
                let good = [1, 2, 10, 16].contains(&family);
                let expected = if good { ALLOW } else { EAFNOSUPPORT };
                assert_eq!(answer(arch.socket, [family | upper, 1, 0, 0, 0, 0]), expected, "family {family}");
                let expected = if family == 1 { ALLOW } else { EAFNOSUPPORT };
                assert_eq!(answer(arch.socketpair, [family | upper, 1, 0, 0, 0, 0]), expected, "family {family}");
            }
            for bit in 0..32 {
                let namespace = [17, 25, 26, 27, 28, 29, 30].contains(&bit);
                let expected = if namespace { EPERM } else { ALLOW };
                assert_eq!(answer(arch.clone, [upper | 1 << bit, 0, 0, 0, 0, 0]), expected, "clone, bit {bit}");
                let expected = if namespace || bit == 7 { EPERM } else { ALLOW };
                assert_eq!(answer(arch.unshare, [upper | 1 << bit, 0, 0, 0, 0, 0]), expected, "unshare, bit {bit}");
            }
        }
    }
}

#[test]
fn any_call_at_all() {
    // xorshift64*: the same calls in every run, so that a failure can be found again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    for arch in ARCHS {
        let program = web(arch);
        let asked = [arch.clone, arch.unshare, arch.socket, arch.socketpair, arch.ioctl, arch.personality];
        let small =
            [0, 1, 2, 3, 5, 6, 8, 10, 16, 17, 33, 58, 132, 136, 256, 262, 0x5412, 0x541c, 0x2_0008, 0x4_0008, 0xffff_ffff];
        for _ in 0..400_000 {
            let nr = match random() % 4 {
                0 => random() as u32,
                1 => (random() % 512) as u32,
                _ => asked[(random() % 6) as usize],
            };
            let args = [(); 6].map(|()| match random() % 5 {
                0 => random(),
                1 => 1 << (random() % 64),
                2 => random() << 32 | small[(random() % 21) as usize],
                _ => small[(random() % 21) as usize],
            });
            let call = Call { arch: if random() % 16 == 0 { random() as u32 } else { arch.audit }, nr, args };
            assert_eq!(bpf::run(&program, &call).0, oracle::says(arch, &call), "{}: {call:x?}", arch.name);
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
    static RULES: [seccomp::rules::Rule; 4] = [
        seccomp::rules::Rule::Allow,
        seccomp::rules::Rule::Fail(1),
        seccomp::rules::Rule::Bits { argument: 0, bits: 1, any: &seccomp::rules::EPERM, none: &seccomp::rules::ALLOW },
        seccomp::rules::Rule::Fail(38),
    ];
    let rule = |nr: u32| (nr / 7 % 5 + nr / 3 % 4) as usize % 4;
    let mut ranges = vec![(0, &RULES[rule(0)])];
    ranges.extend((1..1000).filter(|nr| rule(*nr) != rule(nr - 1)).map(|nr| (nr, &RULES[rule(nr)])));
    let mut code = seccomp::emit::Assembler::starting_with(0);
    let start = seccomp::tree::emit(&ranges, &mut code).unwrap();
    code.load(seccomp::emit::NUMBER, start);
    let program = code.finish().unwrap();
    assert!(program.iter().any(|insn| insn.code == 0x05), "a long program without a long jump");
    for nr in 0..1000 {
        for bit in 0..2 {
            let expected = [ALLOW, EPERM, if bit == 1 { EPERM } else { ALLOW }, ENOSYS][rule(nr)];
            assert_eq!(bpf::run(&program, &Call { arch: 0, nr, args: [bit, 0, 0, 0, 0, 0] }).0, expected, "{nr} {bit}");
        }
    }
}
