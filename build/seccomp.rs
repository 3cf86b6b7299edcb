//! The compiler of the jail's seccomp program: from names to classic BPF, for the architecture that is built for.
//!
//! A program asks, in this order: is it our architecture, which range does the number fall into, and for a few calls,
//! what are the arguments. Whatever no list names fails with ENOSYS, as on an older kernel: every C library and runtime
//! has a way around a call its kernel lacks, while EPERM is often taken as final. That holds for x32 too: its numbers
//! have the bit 0x4000_0000 and lie above every number that a list names.

#[path = "seccomp/emit.rs"]
pub mod emit;
#[path = "seccomp/rules.rs"]
pub mod rules;
#[path = "seccomp/table.rs"]
mod table;
#[path = "seccomp/tree.rs"]
pub mod tree;

use std::collections::BTreeMap;
use std::str::FromStr as _;

use emit::Assembler;
use rules::{ALLOW, ENOSYS, EPERM, KILL, Rule};

/// One instruction of classic BPF, the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip when the comparison holds.
    pub jt: u8,
    /// How many to skip when it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

/// Whom the program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Programs of web requests and cron: nobody debugs there.
    Web,
    /// People at work: debuggers and tracers look into their own processes.
    /// KERNEL: safe beside a filter since 4.8, which asks the filter after the tracer had its say, not before.
    Dev,
}

impl Profile {
    /// What becomes of the calls with which one process looks into another.
    fn debugging(self) -> &'static Rule {
        match self {
            Self::Web => &EPERM,
            Self::Dev => &ALLOW,
        }
    }
}

/// The architectures we can build for.
#[derive(Clone, Copy)]
enum Arch {
    X86_64,
    Aarch64,
}

impl Arch {
    fn named(arch: &str) -> Result<Self, String> {
        match arch {
            "x86_64" => Ok(Self::X86_64),
            "aarch64" => Ok(Self::Aarch64),
            other => Err(format!(
                "no seccomp program for the architecture {other}: add it to build/seccomp.rs (its audit number, its \
                 table of the syscalls crate, the order of clone's arguments) and to tests/seccomp.rs"
            )),
        }
    }

    /// KERNEL: AUDIT_ARCH_* of linux/audit.h, which seccomp puts into `seccomp_data.arch`.
    fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xC000_003E,
            Self::Aarch64 => 0xC000_00B7,
        }
    }

    /// The number of a call, from the table of the target: `syscalls::Sysno` would be the table of the build host.
    fn number(self, name: &str) -> Option<u32> {
        let id = match self {
            Self::X86_64 => syscalls::x86_64::Sysno::from_str(name).ok()?.id(),
            Self::Aarch64 => syscalls::aarch64::Sysno::from_str(name).ok()?.id(),
        };
        u32::try_from(id).ok()
    }

    /// The names this architecture is known to lack.
    fn lacks(self) -> &'static str {
        match self {
            Self::X86_64 => table::NOT_ON_X86_64,
            Self::Aarch64 => table::NOT_ON_AARCH64,
        }
    }
}

/// The program for an architecture, as cargo names it in `CARGO_CFG_TARGET_ARCH`.
///
/// # Errors
/// When the architecture is not supported, or when the table names a call twice or one that does not exist.
pub fn program(arch: &str, profile: Profile) -> Result<Vec<Insn>, String> {
    let arch = Arch::named(arch)?;
    let ranges = ranges(&verdicts(arch, profile)?);

    // ORDER: the assembler works from the last instruction to the first, so everything here is in reverse.
    let mut code = Assembler::starting_with(rules::value(&ALLOW)?);
    let numbers = tree::emit(&ranges, &mut code)?;
    let native = code.load(emit::NUMBER, numbers);
    let foreign = code.give(rules::value(&KILL)?);
    let start = code.jump_if_equal(arch.audit(), native, foreign)?;
    code.load(emit::ARCH, start);
    code.finish()
}

/// What becomes of each number that a list names.
fn verdicts(arch: Arch, profile: Profile) -> Result<BTreeMap<u32, &'static Rule>, String> {
    let lists = table::ALLOWED
        .iter()
        .map(|(_, names)| (*names, &ALLOW))
        .chain(table::FORBIDDEN.iter().map(|(_, names)| (*names, &EPERM)))
        .chain(table::UNKNOWN.iter().map(|(_, names)| (*names, &ENOSYS)))
        .chain([(table::DEBUGGING, profile.debugging())])
        .chain(rules::BY_ARGUMENTS.iter().copied());

    let mut verdicts = BTreeMap::new();
    for (names, rule) in lists {
        for name in names.split_whitespace() {
            let lacking = arch.lacks().split_whitespace().any(|other| other == name);
            match (arch.number(name), lacking) {
                (Some(number), false) => {
                    if verdicts.insert(number, rule).is_some() {
                        return Err(format!("build/seccomp/table.rs names the call {name} twice"));
                    }
                }
                (None, true) => {}
                (Some(_), true) => {
                    return Err(format!("{name} exists after all: take it out of NOT_ON_… in build/seccomp/table.rs"));
                }
                (None, false) => {
                    return Err(format!("no call is named {name}: correct build/seccomp/table.rs, or list it in NOT_ON_… there"));
                }
            }
        }
    }
    Ok(verdicts)
}

/// The whole line of numbers, cut where the verdict changes: each range starts at its number and ends before the next.
fn ranges(verdicts: &BTreeMap<u32, &'static Rule>) -> Vec<(u32, &'static Rule)> {
    let mut ranges: Vec<(u32, &'static Rule)> = Vec::new();
    let mut put = |start: u32, rule: &'static Rule| {
        if ranges.last().is_none_or(|(_, last)| *last != rule) {
            ranges.push((start, rule));
        }
    };
    let mut next = 0;
    for (number, rule) in verdicts {
        if *number > next {
            put(next, &ENOSYS);
        }
        put(*number, rule);
        next = number.saturating_add(1);
    }
    put(next, &ENOSYS);
    ranges
}
