//! The writes with root's rights.

use super::{entries, privileged, template};
use crate::common::trace::Call;
use crate::common::user::User;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_path_leads_a_write_of_root_s_below_what_a_user_owns() {
    let user = User::new();
    let writing = [
        "mkdir",
        "mkdirat",
        "mknod",
        "mknodat",
        "symlink",
        "symlinkat",
        "link",
        "linkat",
        "unlink",
        "unlinkat",
        "rmdir",
        "rename",
        "renameat",
        "renameat2",
        "chmod",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "chown",
        "lchown",
        "fchown",
        "fchownat",
        "truncate",
        "ftruncate",
        "utime",
        "utimes",
        "utimensat",
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "mount",
        "umount2",
        "pivot_root",
        "creat",
        "write",
        "pwrite64",
        "writev",
        "sendfile",
        "fallocate",
    ];
    let writes = |call: &&Call| {
        let opens = call.name.starts_with("open")
            && ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_TMPFILE"].iter().any(|f| call.arguments.contains(f));
        opens || writing.contains(&call.name.as_str())
    };
    // Names in directories that nobody else has ever seen: a procfs that goes at once, a new jail's namespace; and the pin.
    let new = [
        "openat2 /sys/kernel/shmall",
        "openat2 /sys/kernel/msgmni",
        "openat2 /sys/kernel/sem",
        "write /sys/kernel/shmall/16384",
        "write /sys/kernel/msgmni/64",
        "write /sys/kernel/sem/250 32000 32 128",
        "openat /ns/net",
        "openat /ns/ipc",
        "openat /ns/uts",
        "openat /pins/UID",
    ];
    // And the session's own procfs, in which there is only the process itself.
    let own = [
        "mount \"proc\", \"proc\", \"proc\", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL",
        "openat2 /root/proc/1/oom_score_adj",
        "write /root/proc/1/oom_score_adj/0\\n",
        "write a line of the log",
    ];
    for (trace, expected) in entries(&user).iter().zip([&new[..], &[]]) {
        let mut found: Vec<String> = privileged(&user, trace)
            .into_iter()
            .filter(writes)
            .map(|call| match call.name.as_str() {
                "mount" => format!("mount {}", call.arguments),
                // The new name comes after the descriptor.
                "symlinkat" => format!("symlinkat /{}", call.texts()[1]),
                "write" if call.arguments.contains("<socket:") => "write a line of the log".to_owned(),
                name => format!("{name} {}", template(&user, &call.path().unwrap_or_default())),
            })
            .collect();
        // A young holder may refuse a jail's first copies; then its place is removed, and made again.
        found.retain(|call| call != "unlinkat /pins/UID");
        let mut expected = [expected, &own].concat();
        found.sort();
        found.dedup();
        expected.sort();
        assert_eq!(found, expected);
    }
}
