//! A sweep of the reaper.

use super::poisoned::POISON;
use crate::common::trace::{Scratch, Trace};
use crate::common::user::User;
use crate::common::{RUN, STATE, program};

/// The note of a sweep in the holder, and what it is called while it is written.
const NOTE: [&str; 2] = ["marked", ".marked.new"];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sweep_asks_names_without_a_path_and_once_in_the_holder_opens_nothing_of_anybody_s() {
    let user = User::new();
    let sweeps = crate::common::sweep::ours();
    user.ensure();
    let mut said = Vec::new();
    for _ in 0..2 {
        let dir = Scratch::new(&user.name);
        let trace = Trace::of(&program("reaper"), "root", &POISON[10..], &[], &dir.0);
        assert_eq!(trace.0.len(), 1, "a sweep is one process");
        let calls = &trace.0[0].calls;
        assert_eq!(calls.iter().filter(|c| c.name.starts_with("exec")).count(), 1, "its own");
        let holder = format!("<{RUN}/holder>");
        // It is in the holder twice: to see whom the last sweep marked, and to ask. Between, it looks at what those jails hold.
        let moves: Vec<usize> = (0..calls.len()).filter(|nth| calls[*nth].name == "setns").collect();
        let first = moves.iter().position(|nth| calls[*nth].arguments.contains(&holder)).unwrap();
        let visits = moves[first..].iter().zip(moves[first + 1..].iter().copied().chain([calls.len()]));
        let mut in_holder = 0;
        for (call, is_holder) in visits.flat_map(|(from, to)| {
            let is_holder = calls[*from].arguments.contains(&holder);
            in_holder += usize::from(is_holder);
            calls[from + 1..to].iter().map(move |call| (call, is_holder))
        }) {
            if !is_holder {
                let changes =
                    ["umount2", "unlinkat", "renameat", "renameat2", "mkdirat", "mount", "move_mount", "fchmodat", "fchownat"];
                assert!(!changes.contains(&call.name.as_str()), "{call:?}");
                let is_led = call.name == "openat2" && !call.arguments.contains("RESOLVE_NO_SYMLINKS");
                assert!(!is_led, "{call:?}");
                continue;
            }
            match call.name.as_str() {
                "umount2" => {
                    assert!(!call.texts()[0].contains('/') && call.arguments.ends_with("MNT_EXPIRE|UMOUNT_NOFOLLOW"), "{call:?}");
                    if call.texts()[0] == user.uid.to_string() {
                        said.push(call.worked());
                    }
                }
                "openat2" => {
                    let path = call.path().unwrap();
                    let ours = ["/", "/marked", "/pins", "/pins/."].contains(&path.as_str())
                        || path.starts_with(&format!("{STATE}/jails/"));
                    assert!(ours && call.arguments.contains("RESOLVE_NO_SYMLINKS"), "{call:?}");
                }
                "newfstatat" => assert!(
                    call.arguments.contains("AT_EMPTY_PATH") || call.arguments.contains("AT_SYMLINK_NOFOLLOW"),
                    "{call:?}"
                ),
                "unlinkat" => {
                    let place =
                        call.arguments.contains("</pins>") || call.texts().iter().all(|name| NOTE.contains(&name.as_str()));
                    assert!(place && !call.arguments.contains("AT_REMOVEDIR"), "{call:?}");
                }
                // The table of the holder's own mounts, and the note of whom the sweep marked.
                "openat" => {
                    let note = call.arguments.contains("</>, \".marked.new\"") && call.arguments.contains("O_EXCL|O_NOFOLLOW");
                    assert!(note || call.arguments.contains("</proc>, \"self/mountinfo\""), "{call:?}");
                }
                "renameat" => assert_eq!(call.texts(), [NOTE[1], NOTE[0]], "{call:?}"),
                "open" | "creat" | "rename" | "renameat2" | "unlink" | "rmdir" | "mount" | "chdir" | "chmod" | "chown"
                | "fchmodat" | "fchownat" | "clone" | "clone3" | "fork" | "vfork" => panic!("{call:?}"),
                _ => {}
            }
        }
        assert_eq!(in_holder, 2);
    }
    drop(sweeps);
    assert_eq!(said, [false, true], "marked, then unmounted");
}
