//! Groups of the caller's and of the target's, where they open a door and where they shut one.

use crate::common::call::Call;
use crate::common::program;
use crate::common::user::User;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

/// A call by uid 33 with these groups of its own.
fn in_groups(user: &User, groups: &str, command: &[&str]) -> Call {
    let trampoline = program("trampoline").to_str().unwrap().to_owned();
    let words = ["--reuid", "33", "--regid", "33", "--groups", groups, "--", "/usr/bin/env", "-i"].map(str::to_owned);
    let all = words.into_iter().chain([trampoline]).chain(user.words(command).into_iter().map(str::to_owned));
    Call::of("/usr/bin/setpriv", all).by(0, 0)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_in_the_mightiest_and_in_a_hundred_groups_brings_none_of_them_in() {
    let user = User::with(&["--group", "29991", "--group", "29992"]);
    let many: Vec<String> = (1..=99).chain([65_534]).map(|g| g.to_string()).collect();
    // root, adm, disk, sudo, shadow, docker, and whatever else the host has under the first numbers.
    for groups in ["0,4,6,27,42,999,33", &many.join(",")] {
        for _cold_then_warm in 0..2 {
            let status = in_groups(&user, groups, &["cat", "/proc/self/status"]).run().well();
            assert!(status.lines().any(|l| l == "Groups:\t29991 29992 "), "{status}");
            assert!(status.lines().any(|l| l == format!("Gid:\t{0}\t{0}\t{0}\t{0}", user.uid)), "{status}");
        }
        crate::common::seen::take_down(user.uid);
    }
    // Nor does the supervisor, which is the caller again, have more than its uid and gid.
    let running = in_groups(&user, "33,4,27", &["sleep", "20"]).start();
    let status = || fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let plain = || status().contains("Uid:\t33\t33\t33\t33") && status().lines().any(|l| l.trim_end() == "Groups:");
    assert!(crate::common::seen::within(std::time::Duration::from_secs(5), plain), "{}", status());
    running.signal(libc::SIGTERM);
    running.end();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_group_that_opens_or_shuts_a_file_on_the_host_does_so_inside() {
    let (member, stranger) = (User::with(&["--group", "29991"]), User::new());
    for user in [&member, &stranger] {
        let is_member = user.uid == member.uid;
        let put = |name: &str, group: u32, mode: u32| {
            let path = user.in_home(name);
            fs::write(&path, "seen").unwrap();
            chown(&path, Some(0), Some(group)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        };
        // Open to the group alone; open to all but the group; the primary group, both ways; root's group; the caller's.
        for (name, group, mode, to_member, to_stranger) in [
            ("opens", 29_991, 0o640, true, false),
            ("shuts", 29_991, 0o604, false, true),
            ("primary-opens", user.uid, 0o640, true, true),
            ("primary-shuts", user.uid, 0o604, false, false),
            ("of-root", 0, 0o640, false, false),
            ("of-the-caller", 33, 0o640, false, false),
            ("not-for-root-s-group", 0, 0o604, true, true),
            ("not-for-the-caller-s-group", 33, 0o604, true, true),
        ] {
            put(name, group, mode);
            for caller in [33, 0] {
                let done = user.call(&["cat", name]).by(caller, 33).run();
                let expected = if is_member { to_member } else { to_stranger };
                assert_eq!(done.text() == "seen", expected, "{name}, member: {is_member}, caller {caller}: {}", done.err);
            }
        }
    }
}
