//! Many at once.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{seen, sweep};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn two_hundred_calls_at_once_for_twenty_users_all_succeed_cold_and_warm() {
    let users: Vec<User> = (0..20).map(|_| User::new()).collect();
    let _quiet = sweep::none();
    for entry in ["cold", "warm"] {
        let running: Vec<_> = (0..200)
            .map(|i| (&users[i % 20], users[i % 20].call(&["sh", "-c", "id -u; readlink /proc/self/ns/uts"]).start()))
            .collect();
        let mut spaces: Vec<(u32, String)> = running
            .into_iter()
            .map(|(user, call)| {
                let text = call.end().well();
                let (uid, space) = text.split_once('\n').unwrap();
                assert_eq!(uid, user.uid.to_string(), "{entry}");
                (user.uid, space.to_owned())
            })
            .collect();
        spaces.sort();
        spaces.dedup();
        assert_eq!(spaces.len(), 20, "{entry}: one jail for each user, whoever came first");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn simultaneous_cold_entries_make_one_jail() {
    let _quiet = sweep::none();
    for _ in 0..5 {
        let user = User::new();
        let running: Vec<_> = (0..8).map(|_| user.call(&["readlink", "/proc/self/ns/ipc"]).start()).collect();
        let mut spaces: Vec<String> = running.into_iter().map(|call| call.end().well()).collect();
        spaces.dedup();
        assert_eq!(spaces.len(), 1, "{spaces:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn entries_while_sweeps_run_all_succeed() {
    let user = User::new();
    let sweeps = sweep::ours();
    let uid = user.uid;
    let end = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !end.load(std::sync::atomic::Ordering::SeqCst) {
                sweeps.sweep(uid);
            }
        });
        let done: Vec<_> = (0..150).map(|_| user.run(&["true"])).collect();
        end.store(true, std::sync::atomic::Ordering::SeqCst);
        done.iter().for_each(|done| drop(done.well()));
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_host_s_mount_table_grows_by_at_most_the_holder_s_line_however_many_jails_there_are() {
    let users: Vec<User> = (0..10).map(|_| User::new()).collect();
    // Whoever came first has made the holder; it is there now, once and for all.
    users[0].ensure();
    let lines = || {
        std::fs::read_to_string("/proc/1/mountinfo")
            .unwrap()
            .lines()
            .filter(|l| l.contains(crate::common::RUN))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (before, count) = (lines(), seen::mount_count());
    assert!((1..=2).contains(&before.len()), "{before:?}");
    users.iter().for_each(User::ensure);
    let running: Vec<_> = users.iter().map(|u| Call::new(u.words(&["sleep", "0.3"])).start()).collect();
    assert_eq!(lines(), before);
    assert_eq!(seen::mount_count(), count);
    running.into_iter().for_each(|call| drop(call.end().well()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_begins_as_a_copy_of_two_mounts_however_many_jails_there_are() {
    let users: Vec<User> = (0..10).map(|_| User::new()).collect();
    let _quiet = sweep::none();
    users.iter().for_each(User::ensure);
    // The time that a copy takes grows with the mounts of what is copied, and the holder has one for each jail.
    assert_eq!(seen::mounts_of("/template"), 2);
    let mounts: Vec<usize> = users.iter().map(|user| seen::mounts_of(&format!("/pins/{}", user.uid))).collect();
    assert!(mounts.iter().all(|count| *count == mounts[0]), "{mounts:?}");
}
