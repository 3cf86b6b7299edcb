//! Who asks, and for whom: numbers, names and groups that made others let the wrong one in.

use crate::common::attacker::rounds;
use crate::common::call::Call;
use crate::common::user::{User, owner};
use crate::common::{WWW, log, process, seen};
use std::fs;

/// Callers beside those the policy names: neighbours, what is negative as an `int`, and what is "leave as it is".
const STRANGERS: [u32; 9] = [1, 32, 34, 999, 60_000, 2_147_483_647, 2_147_483_648, 4_000_000_000, 4_294_967_294];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_pair_of_a_caller_and_a_target_gets_the_answer_of_the_compiled_policy() {
    let (one, two) = (User::new(), User::new());
    let callers = || [0, WWW, one.uid, two.uid].into_iter().chain(STRANGERS);
    let targets = [one.uid, two.uid].into_iter().chain([0, WWW, 4_294_967_295]).chain(STRANGERS);
    let (mut in_jail, mut refused) = (0, 0);
    for target in targets {
        for caller in callers() {
            let allowed = [one.uid, two.uid].contains(&target) && ([0, WWW].contains(&caller) || caller == target);
            let done = Call::new([&target.to_string(), "--", "id", "-u"]).by(caller, WWW).run();
            if allowed {
                assert_eq!(done.well(), target.to_string(), "{caller} -> {target}");
                in_jail += 1;
            } else {
                let said = done.failed(77);
                let expected = "refused (the system log has the reason)";
                assert!(said == expected || caller == 0 && said.starts_with("refused: "), "{caller} -> {target}: {said}");
                refused += 1;
            }
        }
    }
    assert_eq!(in_jail, 6);
    println!("{} pairs, {in_jail} let in, {refused} refused", in_jail + refused);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_target_has_one_spelling_and_never_a_group() {
    let user = User::new();
    let uid = user.uid.to_string();
    let odd = [
        format!("{uid}:0"),
        format!("{uid}:{uid}"),
        format!("{}:0", user.name),
        format!("#{uid}"),
        format!("+{uid}"),
        format!("-{uid}"),
        format!("0{uid}"),
        format!("{uid}.0"),
        format!("{uid}e0"),
        format!("{uid} "),
        format!("\u{a0}{uid}"),
        format!("{uid}\n"),
        format!("0x{:x}", user.uid),
        format!("{}", u64::from(user.uid) + (1 << 32)),
        format!("{}", u128::from(user.uid) + (1 << 64)),
        "٢١٠٠٠".to_owned(),
        "9".repeat(10_000),
        "0day".to_owned(),
        "1e1".to_owned(),
        format!("{}/", user.name),
        format!("./{}", user.name),
        format!("{}\u{202e}", user.name),
    ];
    for target in odd.iter().map(String::as_str) {
        for words in [vec![target, "--", "id"], vec!["--ensure", target], vec!["--explain", target]] {
            // What begins with a sign is an option of nobody's.
            let done = Call::new(&words).run();
            done.failed(64);
        }
    }
    user.leaves_nothing();
}

/// Numbers without a pattern, the same in every run.
fn scattered(seed: u32) -> impl Iterator<Item = u32> {
    let mut state = u64::from(seed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    })
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_groups_of_a_caller_decide_nothing_and_none_comes_in_however_many_they_are() {
    let (user, other) = (User::with(&["--group", "29991"]), User::new());
    let rounds = rounds(2);
    // The most the kernel lets anybody have, and the counts at which buffers of others ended.
    let counts = [0, 1, 15, 16, 17, 32, 33, 64, 65, 255, 256, 257, 1024, 65_535];
    for (round, count) in (0..rounds).flat_map(|round| counts.map(|count| (round, count))) {
        // Root's group, the target's own, that of the program: whoever is in them is no other caller for it.
        let chosen = [WWW, 0, user.uid, other.uid, 29_991];
        let groups: Vec<u32> = chosen.into_iter().chain(scattered(round + count)).take(count as usize).collect();
        let member = move |uid| {
            let groups = groups.clone();
            move || process::become_member(uid, WWW, &groups)
        };
        let inside = user.call(&["cat", "/proc/self/status"]).by(0, 0).after(member(WWW)).run().well();
        assert!(inside.contains("\nGroups:\t29991 \n"), "{count} groups: {inside}");
        for stranger in [34, other.uid] {
            user.call(&["id"]).by(0, 0).after(member(stranger)).run().failed(77);
        }
    }
    println!("{} lists of up to 65,535 groups", counts.len() * rounds as usize);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_uid_is_nowhere_taken_for_a_gid_nor_a_gid_for_a_uid() {
    let other = User::new();
    let user = User::with(&["--group", "29993"]);
    // The user's group has the number of another user, who has a jail as well.
    let gid = other.uid.to_string();
    user.set("gid", &gid);
    std::os::unix::fs::chown(&user.home, Some(user.uid), Some(other.uid)).unwrap();
    for _cold_then_warm in 0..2 {
        assert_eq!(user.shell("id -u; id -g; id -G; touch f /tmp/f"), format!("{}\n{gid}\n{gid} 29993", user.uid));
        assert_eq!(owner(user.in_home("f")), (user.uid, other.uid));
        assert_eq!(owner(user.file("tmp").join("f")), (user.uid, other.uid));
    }
    // To be in a group is not to be the user of that number.
    user.call(&["id"]).by(other.uid, WWW).run().failed(77);
    other.call(&["id"]).by(user.uid, WWW).run().failed(77);
    other.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_with_as_many_groups_as_it_may_have_gives_exactly_these() {
    let user = User::new();
    let groups: Vec<String> = (0..256u32).map(|n| (1_000_000_000 + n * 7_919).to_string()).collect();
    user.set("groups", &groups.join(" "));
    let status = user.run(&["cat", "/proc/self/status"]).well();
    let found = status.lines().find_map(|line| line.strip_prefix("Groups:\t")).unwrap();
    assert_eq!(found.split_whitespace().collect::<Vec<_>>(), groups);
    seen::take_down(user.uid);
    user.set("groups", &format!("{} 7", groups.join(" ")));
    user.run(&["id"]).failed(77);
    user.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_that_nobody_can_read_keeps_nobody_else_out() {
    let (good, bad) = (User::new(), User::new());
    bad.respec(|_| "\u{1b}]0;\n".repeat(100));
    let link = format!("{}/jails/by-name/{}", crate::common::STATE, bad.name);
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("x".repeat(4000), &link).unwrap();
    bad.run(&["id"]).failed(77);
    Call::new([&bad.uid.to_string(), "--", "id"]).run().failed(77);
    assert_eq!(good.run(&["id", "-u"]).well(), good.uid.to_string());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_cannot_tell_which_others_have_a_jail() {
    let (user, other, without) = (User::new(), User::new(), User::without_jail());
    let live = User::new();
    live.ensure();
    let uids = [other.uid, without.uid, live.uid, 29_998].map(|uid| uid.to_string());
    let targets =
        [other.name.as_str(), &without.name, &live.name, "no-such-name"].into_iter().chain(uids.iter().map(String::as_str));
    for target in targets {
        for words in [vec![target, "--", "id"], vec!["--ensure", target], vec!["--explain", target]] {
            let done = Call::new(&words).by(user.uid, WWW).run();
            assert_eq!(done.failed(77), "refused (the system log has the reason)", "{words:?}");
            assert!(log::line_of(&done).starts_with(&format!("<84> caller uid {}: refused: ", user.uid)));
        }
    }
}
