//! Callers whom the policy does not let in, and targets that are none.

use super::{asked, refused};
use crate::common::call::Call;
use crate::common::user::User;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_outside_the_allowlist_is_refused_whoever_the_target_is() {
    let user = User::new();
    for caller in [1, 34, 999, 60_000, 4_294_967_294] {
        for call in asked(&user) {
            let reason = format!("the compiled policy does not let uid {caller} enter the jail of uid {}", user.uid);
            // By name the answer is the same, and so it is for a name that nobody has.
            refused(&user, &call.by(caller, 33).run(), &reason);
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_outside_the_allowlist_cannot_tell_who_has_a_jail() {
    let user = User::new();
    let uid = user.uid.to_string();
    let answers: Vec<(i32, String)> = [user.name.as_str(), &uid, "no-such-name", "29999", "5"]
        .into_iter()
        .map(|target| {
            let done = Call::new([target, "--", "id"]).by(34, 33).run();
            (done.code(), done.err)
        })
        .collect();
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_cannot_enter_another_user_s_jail() {
    let (one, two) = (User::new(), User::new());
    for call in asked(&two) {
        refused(&two, &call.by(one.uid, 33).run(), &format!("does not let uid {} enter the jail of uid {}", one.uid, two.uid));
    }
    assert_eq!(one.call(&["id", "-u"]).by(one.uid, 33).run().well(), one.uid.to_string());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_group_of_the_caller_decides_nothing_inside() {
    let user = User::new();
    for gid in [0, 33] {
        assert_eq!(user.call(&["id", "-g"]).by(0, gid).run().well(), user.uid.to_string());
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_without_the_group_cannot_even_execute_it() {
    let user = User::new();
    let program = crate::common::program("trampoline").to_str().unwrap().to_owned();
    let done = Call::of("/usr/bin/env", [program.as_str(), &user.name, "--", "id"]).by(33, 34).run();
    assert_eq!(done.code(), 126, "{}", done.err);
    user.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_pair_of_caller_and_target_is_decided_as_the_policy_says() {
    let (one, other) = (User::new(), User::new());
    // The policy of the tests, once more and not by the code that compiled it: 0 and 33 into 1000-59999, each of these into its own.
    let ranges = 1000..=59_999u64;
    let callers = [0, 1, 32, 33, 34, 999, 1000, one.uid, other.uid, 59_999, 60_000, 65_534, 2_147_483_648, 4_294_967_294];
    let targets = [
        0,
        1,
        33,
        999,
        1000,
        1001,
        u64::from(one.uid),
        u64::from(other.uid),
        59_998,
        59_999,
        60_000,
        65_534,
        2_147_483_647,
        2_147_483_648,
        4_294_967_294,
        4_294_967_295,
    ];
    let mut pairs = 0;
    for caller in callers {
        for target in targets {
            let allowed = ranges.contains(&target) && ([0, 33].contains(&caller) || u64::from(caller) == target);
            let has_a_jail = [one.uid, other.uid].iter().any(|uid| u64::from(*uid) == target);
            let number = target.to_string();
            for words in [vec![number.as_str(), "--", "id", "-u"], vec!["--ensure", &number], vec!["--explain", &number]] {
                let done = Call::new(&words).by(caller, 33).run();
                if allowed && has_a_jail {
                    assert_eq!(done.code(), 0, "{caller} -> {target} {words:?}: {}", done.err);
                    assert!(words.len() < 4 || done.text() == number, "{caller} -> {target}: {}", done.text());
                } else {
                    assert_eq!(done.code(), 77, "{caller} -> {target} {words:?}: {} {}", done.text(), done.err);
                    let reason = match target {
                        0 | 4_294_967_295 => format!("uid {target} is never a target"),
                        _ if allowed => format!("/jails/{target} is missing"),
                        _ => format!("the compiled policy does not let uid {caller} enter the jail of uid {target}"),
                    };
                    let told = if caller == 0 { done.err.clone() } else { crate::common::log::line_of(&done) };
                    assert!(told.contains(&reason), "{caller} -> {target} {words:?}: {told:?} does not say {reason:?}");
                }
                pairs += 1;
            }
        }
    }
    println!("{} callers, {} targets, {pairs} calls", callers.len(), targets.len());
}
