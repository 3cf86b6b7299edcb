//! The paths that root's rights look up.

use super::{entries, is_of_the_c_library, privileged, template};
use crate::common::user::User;
use crate::common::{LOG, RUN, STATE};
use std::collections::BTreeSet;

/// Every path that root's rights look up in an entry, and all that can be said of each: the host's, the holder's, or the jail's
/// as it grows below `/root` of its own namespace.
fn known(user: &User) -> BTreeSet<String> {
    let (state, run) = (STATE, RUN);
    let generation = std::fs::read_link(format!("{state}/images/host/current")).unwrap().display().to_string();
    let image = format!("{state}/images/host/{generation}");
    let manifest = std::fs::read_to_string(format!("{image}/image")).unwrap();
    let shown = manifest.lines().find_map(|l| l.strip_prefix("host = ")).unwrap();
    let mut known: Vec<String> = [
        "/proc/1/ns/mnt",
        "/proc/2/ns/mnt",
        "/proc/self/ns",
        "/proc/self/ns/mnt",
        "/proc/self/ns/net",
        "/proc/self/ns/ipc",
        "/proc/self/ns/uts",
        "/proc/self/ns/pid",
        "/home/NAME",
        "/",
        "/ns",
        "/ns/net",
        "/ns/ipc",
        "/ns/uts",
        "/pins",
        "/pins/UID",
        "/template",
        "/dev",
        // In a procfs of the entry's own: what is looked up in the host's stays there as long as the jail.
        "/sys/kernel/shmall",
        "/sys/kernel/msgmni",
        "/sys/kernel/sem",
        "/root/proc/1/oom_score_adj",
        "/root",
        "/root/etc/passwd",
        "/root/etc/group",
        "/root/dev",
        "/root/dev/pts",
        "/root/dev/shm",
        "/root/home",
        "/root/home/NAME",
        "/root/tmp",
        "/root/var/tmp",
        "/root/proc",
    ]
    .map(str::to_owned)
    .into();
    known.extend(
        ["", "/by-name", "/by-name/NAME", "/UID", "/UID/.", "/UID/spec", "/UID/passwd", "/UID/group", "/UID/parents", "/UID/tmp"]
            .map(|p| format!("{state}/jails{p}")),
    );
    known.extend(["", "/host", "/host/current"].map(|p| format!("{state}/images{p}")));
    known.extend(["", "/image", "/root"].map(|p| format!("{image}{p}")));
    known.extend([run.to_owned(), format!("{run}/."), format!("{run}/holder"), LOG.to_owned()]);
    known.extend(shown.split(' ').flat_map(|dir| [format!("/{dir}"), format!("/root/{dir}")]));
    known.into_iter().map(|path| template(user, &path)).collect()
}

/// Calls that look a path up and change nothing.
const LOOKING: [&str; 9] = ["openat", "openat2", "open", "readlinkat", "connect", "chdir", "chroot", "newfstatat", "statx"];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_paths_it_looks_up_with_root_s_rights_are_these_and_no_others() {
    let user = User::new();
    let known = known(&user);
    for trace in entries(&user) {
        for call in
            privileged(&user, &trace).into_iter().filter(|c| LOOKING.contains(&c.name.as_str()) && !is_of_the_c_library(c))
        {
            let Some(path) = call.path() else { continue };
            let relative = ["chdir", "chroot"].contains(&call.name.as_str()) && ["/root", "/.", "/"].contains(&path.as_str());
            assert!(relative || known.contains(&template(&user, &path)), "{call:?}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_symbolic_link_is_followed_with_root_s_rights_but_those_of_proc() {
    let user = User::new();
    for trace in entries(&user) {
        for call in privileged(&user, &trace).into_iter().filter(|c| !is_of_the_c_library(c)) {
            let path = call.path().unwrap_or_default();
            let of_proc = path.starts_with("/proc/") || call.arguments.contains("</proc/");
            match call.name.as_str() {
                "openat2" => assert!(
                    call.arguments.contains("RESOLVE_NO_SYMLINKS") && call.arguments.contains("RESOLVE_NO_MAGICLINKS"),
                    "{call:?}"
                ),
                // The namespaces of process 1 and of its own; and a new file, which a link in its place makes fail.
                "openat" => {
                    let is_new = ["O_CREAT|O_EXCL", "O_NOFOLLOW"].iter().all(|flags| call.arguments.contains(flags));
                    assert!(of_proc || is_new, "{call:?}");
                }
                "open" => assert!(of_proc, "{call:?}"),
                "stat" | "lstat" | "readlink" | "creat" => panic!("{call:?}"),
                "newfstatat" | "statx" => assert!(call.arguments.contains("AT_EMPTY_PATH"), "{call:?}"),
                "open_tree" | "mount_setattr" => assert_eq!(call.texts()[0], "", "{call:?}"),
                "move_mount" => assert_eq!(call.texts()[..2], ["", ""], "{call:?}"),
                _ => {}
            }
        }
    }
}
