//! What is mounted, and with which flags.

use super::{entries, privileged};
use crate::common::trace::{Call, Trace};
use crate::common::user::User;

/// What can be mounted, and with which flags it came to be: the calls that made a descriptor, in order.
fn flags_of(calls: &[&Call], at: usize) -> String {
    let mut wanted = calls[at].first_descriptor();
    // A duplicate is what it is a duplicate of.
    if let Some(copy) = calls[..at].iter().rfind(|c| c.arguments.contains("F_DUPFD") && c.made() == wanted) {
        wanted = copy.first_descriptor();
    }
    let made =
        calls[..at].iter().rposition(|c| ["open_tree", "fsmount"].contains(&c.name.as_str()) && c.made() == wanted).unwrap();
    let given = calls[made..at].iter().filter(|c| c.name == "mount_setattr" && c.first_descriptor() == wanted);
    given.fold(calls[made].arguments.clone(), |all, c| all + " " + &c.arguments)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_mount_has_its_flags_before_anybody_can_reach_it() {
    let user = User::new();
    let trace = Trace::entry(&user, true, &[]);
    let calls = privileged(&user, &trace);
    let mut hung = 0;
    for (at, call) in calls.iter().enumerate().filter(|(_, c)| c.name == "move_mount") {
        // The template's /dev had its flags before there was a jail; tests/jail/mounts.rs looks at them.
        if call.arguments.split('>').next().is_some_and(|moved| moved.ends_with("</dev")) {
            continue;
        }
        let flags = flags_of(&calls, at);
        let namespace = ["net:[", "ipc:[", "uts:[", "mnt:["].iter().any(|kind| flags.contains(kind));
        assert!(namespace || flags.contains("MOUNT_ATTR_NOSUID"), "{call:?}: {flags}");
        let terminal = call.arguments.contains("/dev/pts>");
        assert_eq!(flags.contains("MOUNT_ATTR_NODEV"), !(namespace || terminal), "{call:?}: {flags}");
        hung += usize::from(!namespace);
    }
    assert!(hung >= 10, "{hung} mounts: the test looks at the wrong calls");
    // The remount of a bind mount in two steps, as mount(8) may do it, is not among the calls at all.
    assert!(calls.iter().all(|c| c.name != "mount" || !c.arguments.contains("MS_BIND")), "{calls:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn only_file_systems_without_a_device_and_without_a_server_are_ever_mounted() {
    let user = User::new();
    for trace in entries(&user) {
        for call in privileged(&user, &trace) {
            match call.name.as_str() {
                "fsopen" => assert!(["tmpfs", "devpts", "proc"].contains(&call.texts()[0].as_str()), "{call:?}"),
                "mount" => assert_eq!(call.texts(), ["proc", "proc", "proc"]),
                "fspick" | "swapon" | "quotactl" => panic!("{call:?}"),
                "ioctl" => assert!(["SIOCSIFFLAGS", "FIONBIO"].iter().any(|what| call.arguments.contains(what)), "{call:?}"),
                "unshare" | "clone3" | "setns" => assert!(!call.arguments.contains("CLONE_NEWUSER"), "{call:?}"),
                _ => {}
            }
        }
    }
}
