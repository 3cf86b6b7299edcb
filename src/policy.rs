//! The law of this site, as it was compiled in, and the one question asked of it.
#![forbid(unsafe_code)]

use crate::id::{Caller, Target};
use crate::limits::Limits;
use std::fmt;

include!(concat!(env!("OUT_DIR"), "/policy.rs"));

/// These callers may enter the jails of these targets.
#[derive(Debug)]
pub struct Rule {
    /// Real uids.
    pub callers: &'static [u32],
    /// Lowest target.
    pub first: u32,
    /// Highest target.
    pub last: u32,
}

/// Proof that the policy lets a caller enter a target's jail. Only [`authorise`] makes one.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    caller: Caller,
    target: Target,
}

impl Grant {
    /// Who asked.
    pub const fn caller(&self) -> Caller {
        self.caller
    }
    /// Whose jail.
    pub const fn target(&self) -> Target {
        self.target
    }
}

/// The policy said no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// This uid may call for nobody.
    Caller,
    /// This uid may call, but not for this target.
    Target,
}

/// Asks the policy. Pure: the answer depends on the two numbers and the compiled rules alone.
pub fn authorise(caller: Caller, target: Target) -> Result<Grant, Refusal> {
    judge(caller, target, ENTER, OWN)
}

fn judge(caller: Caller, target: Target, enter: &[Rule], own: (u32, u32)) -> Result<Grant, Refusal> {
    let within = |first: u32, last: u32| (first..=last).contains(&target.get());
    let by_rule = enter.iter().any(|r| r.callers.contains(&caller.get()) && within(r.first, r.last));
    let by_own = caller.get() == target.get() && within(own.0, own.1);
    if by_rule || by_own {
        return Ok(Grant { caller, target });
    }
    let known = enter.iter().any(|r| r.callers.contains(&caller.get())) || (own.0..=own.1).contains(&caller.get());
    Err(if known { Refusal::Target } else { Refusal::Caller })
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "the caller is not in the compiled policy",
            Self::Target => "the compiled policy does not let this caller enter this target",
        })
    }
}

/// The policy as `trampoline --policy` shows it.
pub fn text() -> String {
    let mut out = String::new();
    for Rule { callers, first, last } in ENTER {
        let callers: Vec<String> = callers.iter().map(u32::to_string).collect();
        out += &format!("enter   callers {}, targets {first}-{last}\n", callers.join(" "));
    }
    if OWN.0 <= OWN.1 {
        out += &format!("own     targets {}-{}, each its own jail only\n", OWN.0, OWN.1);
    }
    out + &format!(
        "state   {STATE}\nrun     {RUN}\nlog     {LOG}, {}\nlimits  at most {CEILINGS}\nshm     {SHM_BYTES} bytes\n",
        if LOG_RUNS { "one line for each run" } else { "refusals and failures only" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Rule] =
        &[Rule { callers: &[0, 33], first: 1000, last: 2000 }, Rule { callers: &[7], first: 3000, last: 3000 }];

    fn may(caller: u32, target: u32) -> bool {
        Target::new(target).is_some_and(|t| judge(Caller::new(caller), t, RULES, (1500, 1600)).is_ok())
    }

    #[test]
    fn every_pair_of_caller_and_target_is_decided_by_the_rules_alone() {
        for caller in [0, 7, 33, 34, 999, 1500, 1600, 1601, u32::MAX] {
            for target in [1, 999, 1000, 1500, 1600, 1601, 2000, 2001, 3000, 3001, u32::MAX - 1] {
                let expected = ([0, 33].contains(&caller) && (1000..=2000).contains(&target))
                    || (caller == 7 && target == 3000)
                    || (caller == target && (1500..=1600).contains(&target));
                assert_eq!(may(caller, target), expected, "{caller} -> {target}");
            }
        }
    }
}
