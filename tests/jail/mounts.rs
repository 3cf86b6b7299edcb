//! The mounts of a jail as the kernel shows them inside: every line, with its flags.

use crate::common::call::Call;
use crate::common::executable;
use crate::common::user::User;

/// Mount point and mount flags of every line, and whether anything propagates.
fn table(mountinfo: &str) -> Vec<(String, String)> {
    let read = |line: &str| {
        let (left, _) = line.split_once(" - ").unwrap();
        let words: Vec<&str> = left.split(' ').collect();
        assert_eq!(words.len(), 6, "an optional field, so something propagates: {line}");
        (words[4].to_owned(), words[5].to_owned())
    };
    mountinfo.lines().map(read).collect()
}

/// The same without what the host's own mounts decide: how access times are kept.
fn flags(text: &str) -> String {
    text.split(',').filter(|f| !["relatime", "noatime", "nodiratime"].contains(f)).collect::<Vec<_>>().join(",")
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_mount_is_where_the_plan_says_with_the_flags_the_plan_says() {
    let user = User::new();
    for _cold_then_warm in 0..2 {
        let found: Vec<(String, String)> =
            table(&user.run(&["cat", "/proc/self/mountinfo"]).well()).into_iter().map(|(at, f)| (at, flags(&f))).collect();
        let expected: Vec<(String, String)> = [
            ("/", "ro,nosuid,nodev"),
            ("/usr", "ro,nosuid,nodev"),
            ("/etc/passwd", "ro,nosuid,nodev,noexec"),
            ("/etc/group", "ro,nosuid,nodev,noexec"),
            ("/dev", "ro,nosuid,noexec"),
            ("/dev/pts", "rw,nosuid,noexec"),
            ("/dev/shm", "rw,nosuid,nodev,noexec"),
            ("/home", "ro,nosuid,nodev,noexec"),
            (&user.home, "rw,nosuid,nodev"),
            ("/tmp", "rw,nosuid,nodev"),
            ("/var/tmp", "rw,nosuid,nodev"),
            ("/proc", "rw,nosuid,nodev,noexec"),
        ]
        .map(|(at, flags)| (at.to_owned(), flags.to_owned()))
        .into();
        // What the host mounts below /usr, or shows beside it, is the host's affair; it is looked at below.
        let ours: Vec<_> = found
            .iter()
            .filter(|(at, _)| {
                !at.starts_with("/usr/") && !["/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64"].contains(&at.as_str())
            })
            .cloned()
            .collect();
        assert_eq!(ours, expected, "all: {found:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_mount_takes_setuid_bits_and_none_but_dev_takes_devices() {
    let user = User::new();
    for (at, flags) in table(&user.run(&["cat", "/proc/self/mountinfo"]).well()) {
        let has = |flag: &str| flags.split(',').any(|f| f == flag);
        assert!(has("nosuid"), "{at} {flags}");
        assert_eq!(has("nodev"), !["/dev", "/dev/pts"].contains(&at.as_str()), "{at} {flags}");
        let writable = [user.home.as_str(), "/tmp", "/var/tmp", "/dev/pts", "/dev/shm", "/proc"].contains(&at.as_str());
        assert_eq!(has("rw"), writable, "{at} {flags}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_explain_shows_is_what_is_mounted() {
    let user = User::new();
    let text = Call::new(["--explain", &user.name]).run().well();
    let (_, list) = text.split_once("\nmounts\n").unwrap();
    let mut told: Vec<(String, String)> = list
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_owned(), words[1].to_owned())
        })
        .collect();
    let mut found: Vec<(String, String)> = table(&user.run(&["cat", "/proc/self/mountinfo"]).well())
        .into_iter()
        .map(|(at, f)| (at, flags(&f).trim_start_matches("rw,").to_owned()))
        .collect();
    found.retain(|(at, _)| told.iter().any(|(t, _)| t == at) || !at.starts_with("/usr/"));
    told.sort();
    found.sort();
    assert_eq!(told, found);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_mount_made_on_the_host_later_does_not_appear_in_a_live_jail_nor_holds_up_its_end() {
    let user = User::new();
    user.ensure();
    std::fs::create_dir(user.in_home("later")).unwrap();
    let at = user.in_home("later").to_str().unwrap().to_owned();
    crate::common::process::mount("none", &at, "tmpfs", 0, "size=64k").unwrap();
    let done = user.run(&["cat", "/proc/self/mountinfo"]);
    crate::common::process::unmount(&at, 0).unwrap();
    assert!(!done.well().contains("later"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_setuid_file_of_the_user_s_has_no_effect() {
    let user = User::new();
    executable::copied("/usr/bin/id", user.in_home("id"), (0, 0), 0o4755);
    assert_eq!(user.run(&["./id", "-u"]).well(), user.uid.to_string());
}
