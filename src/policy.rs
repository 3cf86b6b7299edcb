//! The law of this site, as it was compiled in, and the one question asked of it.
#![forbid(unsafe_code)]

use crate::id::{Caller, Target};
use crate::limits::Limits;

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

/// Asks the policy. Pure: the answer depends on the two numbers and the compiled rules alone.
pub fn authorise(caller: Caller, target: Target) -> Option<Grant> {
    judge(caller, target, ENTER, OWN)
}

fn judge(caller: Caller, target: Target, enter: &[Rule], own: (u32, u32)) -> Option<Grant> {
    let within = |first: u32, last: u32| (first..=last).contains(&target.get());
    let by_rule = enter.iter().any(|r| r.callers.contains(&caller.get()) && within(r.first, r.last));
    let by_own = caller.get() == target.get() && within(own.0, own.1);
    (by_rule || by_own).then_some(Grant { caller, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Rule] =
        &[Rule { callers: &[0, 33], first: 1000, last: 2000 }, Rule { callers: &[7], first: 3000, last: 3000 }];

    fn may(caller: u32, target: u32) -> bool {
        Target::new(target).is_some_and(|t| judge(Caller::new(caller), t, RULES, (1500, 1600)).is_some())
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
