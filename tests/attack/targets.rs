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
