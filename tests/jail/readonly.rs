//! The base is read-only: for the user, and for root inside.

use crate::common::user::{User, owner};
use crate::common::{process, seen};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const BASE: [&str; 9] = ["/", "/usr", "/etc", "/bin", "/usr/local/bin", "/var", "/opt", "/home", "/dev"];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_of_the_base_can_be_written_by_the_user() {
    let user = User::new();
    for dir in BASE {
        let text = format!("import os\ntry: os.open('{dir}/x', os.O_CREAT)\nexcept OSError as e: print(e.errno)");
        assert_eq!(user.python(&text), libc::EROFS.to_string(), "{dir}");
    }
    for file in ["/etc/passwd", "/etc/group", "/usr/bin/id"] {
        let text = format!(
            "import os\nfor do in (lambda: os.open('{file}', os.O_WRONLY), lambda: os.chmod('{file}', 0o777), lambda: os.utime('{file}')):\n try: do(); print('done')\n except OSError as e: print(e.errno)"
        );
        assert!(
            user.python(&text)
                .lines()
                .all(|e| e == libc::EROFS.to_string() || e == libc::EACCES.to_string() || e == libc::EPERM.to_string()),
            "{file}"
        );
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_of_the_base_can_be_written_by_root_inside() {
    let user = User::new();
    user.ensure();
    for dir in BASE {
        let errno = seen::in_jail(user.uid, || {
            Ok(process::open(&format!("{dir}/x"), libc::O_CREAT | libc::O_WRONLY).map_or_else(|e| process::errno(&e), |_| 0))
        });
        assert_eq!(i32::from(errno), libc::EROFS, "{dir}");
    }
    for file in ["/etc/passwd", "/etc/group", "/etc/hosts", "/usr/bin/id"] {
        let errno =
            seen::in_jail(user.uid, || Ok(process::open(file, libc::O_WRONLY).map_or_else(|e| process::errno(&e), |_| 0)));
        assert_eq!(i32::from(errno), libc::EROFS, "{file}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_can_be_left_by_root_itself_in_what_jails_share_above_their_trees() {
    let users = [User::new(), User::new()];
    users.iter().for_each(User::ensure);
    let pin = format!("/pins/{}", users[0].uid);
    for dir in ["/", "/ns", "/pins", "/root/dev"] {
        let made = seen::in_pinned(&pin, || {
            let file = process::open(&format!("{dir}/x"), libc::O_CREAT | libc::O_WRONLY);
            let places =
                ["/ns/net", "/root", "/pins"].iter().all(|name| fs::remove_file(name).is_err() && fs::remove_dir(name).is_err());
            Ok(if places { file.map_or_else(|e| process::errno(&e), |_| 0) } else { 0 })
        });
        assert_eq!(i32::from(made), libc::EROFS, "{dir}");
    }
    let changed = seen::in_pinned(&pin, || {
        let mode = fs::set_permissions("/root/dev/null", fs::Permissions::from_mode(0o600));
        Ok(mode.map_or_else(|e| process::errno(&e), |()| 0))
    });
    assert_eq!(i32::from(changed), libc::EROFS, "the mode of a device");
    users.iter().for_each(|user| drop(user.run(&["true"]).well()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn home_and_tmp_keep_what_was_written_and_the_user_owns_it() {
    let user = User::new();
    user.shell("echo kept > kept; mkdir d; echo t > /tmp/t; echo v > /var/tmp/v");
    seen::take_down(user.uid);
    assert_eq!(user.shell("cat kept /tmp/t /tmp/v /var/tmp/t /var/tmp/v"), "kept\nt\nv\nt\nv");
    assert_eq!(fs::read_to_string(user.in_home("kept")).unwrap(), "kept\n");
    assert_eq!(owner(user.in_home("kept")), (user.uid, user.uid));
    assert_eq!(fs::metadata(user.in_home("kept")).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(fs::metadata(user.in_home("d")).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(owner(user.file("tmp").join("t")), (user.uid, user.uid));
    assert!(!fs::exists("/tmp/t").unwrap() || owner("/tmp/t").0 != user.uid, "the host's own tmp was written");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn programs_can_be_run_from_home_and_tmp_but_not_from_shared_memory() {
    let user = User::new();
    assert_eq!(user.shell("cp /bin/echo .; cp /bin/echo /tmp; ./echo home; /tmp/echo tmp; cp /bin/echo /dev/shm; /dev/shm/echo shm 2>/dev/null || echo no"), "home\ntmp\nno");
}
