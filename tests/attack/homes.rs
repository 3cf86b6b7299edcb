//! Homes that are missing, that are somebody else's, or that lead elsewhere; and one that is full.

use super::{failed, refused};
use crate::common::user::User;
use crate::common::{process, seen};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

/// Spoils the home in some way: the call fails for this reason.
fn spoiled(reason: &str, spoil: impl FnOnce(&User)) {
    let user = User::new();
    spoil(&user);
    failed(&user, &user.run(&["touch", "x"]), reason);
    failed(&user, &crate::common::call::Call::new(["--ensure", &user.name]).run(), reason);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_missing_home_is_a_failure() {
    spoiled("it does not exist (ENOENT); see jailbase user set --create-home", |user| fs::remove_dir(&user.home).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_is_a_symbolic_link_is_not_followed() {
    for to in ["/root", "/etc", "/home"] {
        spoiled("a symbolic link is on the way", |user| {
            fs::remove_dir(&user.home).unwrap();
            symlink(to, &user.home).unwrap();
        });
    }
    // Not even to a directory of the user's own.
    spoiled("a symbolic link is on the way", |user| {
        fs::remove_dir(&user.home).unwrap();
        symlink(user.file("tmp"), &user.home).unwrap();
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_of_somebody_else_s_is_a_failure() {
    for owner in [0, 33, 21_999] {
        spoiled(&format!("uid {owner} owns it; chown it"), |user| {
            chown(&user.home, Some(owner), Some(owner)).unwrap();
            fs::set_permissions(&user.home, Permissions::from_mode(0o777)).unwrap();
        });
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_is_no_directory_is_a_failure() {
    spoiled("Not a directory (ENOTDIR)", |user| {
        fs::remove_dir(&user.home).unwrap();
        fs::write(&user.home, "x").unwrap();
        chown(&user.home, Some(user.uid), None).unwrap();
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_the_user_cannot_reach_is_a_failure() {
    let user = User::new();
    let above = user.in_home("above");
    let home = format!("{}/above/home", user.home);
    fs::create_dir_all(&home).unwrap();
    chown(&home, Some(user.uid), Some(user.uid)).unwrap();
    fs::set_permissions(&above, Permissions::from_mode(0o700)).unwrap();
    user.set("home", &home);
    failed(&user, &user.run(&["id"]), "Permission denied (EACCES)");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_full_home_does_not_hinder_a_program_and_writing_there_says_so() {
    let user = User::new();
    process::mount("none", &user.home, "tmpfs", 0, &format!("size=64k,mode=700,uid={0},gid={0}", user.uid)).unwrap();
    drop(fs::write(user.in_home("fill"), [0; 100_000]));
    let cold = user.run(&["sh", "-c", "id -u; head -c 9999 /dev/zero > more"]);
    let warm = user.run(&["sh", "-c", "id -u; head -c 9999 /dev/zero > more"]);
    seen::take_down(user.uid);
    process::unmount(&user.home, libc::MNT_DETACH).unwrap();
    for done in [cold, warm] {
        assert_eq!(done.text(), user.uid.to_string());
        assert!(done.err.contains("No space left on device"), "{}", done.err);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tmp_that_is_missing_or_not_the_user_s_or_a_link_is_a_failure() {
    let user = User::new();
    let tmp = user.spoil().join("tmp");
    chown(&tmp, Some(0), Some(0)).unwrap();
    refused(&user, &user.run(&["id"]), "is not owned by the user; chown it");
    fs::remove_dir(&tmp).unwrap();
    failed(&user, &user.run(&["id"]), "(ENOENT)");
    symlink("/etc", &tmp).unwrap();
    failed(&user, &user.run(&["id"]), "(ELOOP)");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_passwd_file_that_is_missing_or_not_root_s_or_a_link_is_a_failure() {
    for file in ["passwd", "group"] {
        let user = User::new();
        let path = user.spoil().join(file);
        chown(&path, Some(user.uid), None).unwrap();
        refused(&user, &user.run(&["id"]), "is not owned by root");
        fs::remove_file(&path).unwrap();
        failed(&user, &user.run(&["id"]), "(ENOENT)");
        symlink("/etc/shadow", &path).unwrap();
        let done = user.run(&["cat", &format!("/etc/{file}")]);
        failed(&user, &done, "(ELOOP)");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_is_a_pipe_a_socket_a_device_or_a_mounted_file_is_a_failure() {
    let user = User::new();
    fs::remove_dir(&user.home).unwrap();
    let owned = || chown(&user.home, Some(user.uid), Some(user.uid)).unwrap();
    let made = |program: &str, words: &[&str]| {
        assert!(Command::new(program).args(words).status().unwrap().success());
        owned();
        failed(&user, &user.run(&["id"]), "Not a directory (ENOTDIR)");
        fs::remove_file(&user.home).unwrap();
    };
    made("mkfifo", &[&user.home]);
    made("mknod", &[&user.home, "c", "1", "3"]);
    let listening = UnixListener::bind(&user.home).unwrap();
    owned();
    failed(&user, &user.run(&["id"]), "Not a directory (ENOTDIR)");
    drop(listening);
    fs::remove_file(&user.home).unwrap();
    // A file mounted on a file: what is opened is the upper one.
    fs::write(&user.home, "").unwrap();
    process::mount("/etc/hostname", &user.home, "", libc::MS_BIND, "").unwrap();
    let done = user.run(&["id"]);
    process::unmount(&user.home, libc::MNT_DETACH).unwrap();
    failed(&user, &done, "Not a directory (ENOTDIR)");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_on_a_file_system_of_the_kernel_s_own_is_a_failure() {
    let user = User::new();
    let pid = std::process::id();
    for (home, reason) in [
        ("/proc/self/cwd".to_owned(), "a symbolic link is on the way"),
        (format!("/proc/{pid}/root"), "a symbolic link is on the way"),
        (format!("/proc/{pid}/task"), "uid 0 owns it"),
        ("/proc/sys".to_owned(), "uid 0 owns it"),
        ("/sys/kernel".to_owned(), "uid 0 owns it"),
        ("/dev/shm".to_owned(), ""),
    ] {
        user.set("home", &home);
        failed(&user, &user.run(&["id"]), reason);
    }
}

/// Everything below a directory that a look does not change: name, kind, mode, owner, size, times but the last access.
fn inventory(top: &str) -> String {
    let done = Command::new("find").args([top, "-printf", "%P %y %m %U %G %s %n %i %l %T@ %C@\\n"]).output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn links_named_like_every_place_of_the_jail_move_no_mount_and_an_entry_changes_nothing_there() {
    let user = User::new();
    let table = |user: &User| user.run(&["cut", "-d", " ", "-f", "5,6", "/proc/self/mountinfo"]).well();
    let plain = table(&user);
    seen::take_down(user.uid);
    let names = [
        "proc", "dev", "etc", "usr", "tmp", "home", "root", "ns", "pins", "run", "sys", "oldroot", ".old", "put_old", "var",
        "shm", "pts", "null", "passwd", "group", "holder", "spec",
    ];
    for top in [user.home.clone(), user.file("tmp").display().to_string()] {
        for (i, name) in names.into_iter().enumerate() {
            let to = ["/", "/etc", "/root", "../../../../../../../..", "/oldroot", "/proc/1/root"][i % 6];
            symlink(to, format!("{top}/{name}")).unwrap();
        }
        fs::set_permissions(&top, Permissions::from_mode(0o777)).unwrap();
    }
    let tops = [user.home.clone(), user.file("tmp").display().to_string()];
    let before = tops.clone().map(|top| inventory(&top));
    assert!(before[0].lines().count() > names.len());
    for _cold_then_warm in 0..2 {
        assert_eq!(table(&user), plain);
    }
    assert_eq!(tops.map(|top| inventory(&top)), before, "an entry changed something in the home or in tmp");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_who_removes_all_he_can_and_makes_it_anew_changes_nothing_for_the_next_entry() {
    let user = User::new();
    let _quiet = crate::common::sweep::none();
    let look = "cut -d ' ' -f 5,6 /proc/self/mountinfo; stat -c '%n %a %u %g' / /dev /dev/shm /tmp /etc/passwd /proc; pwd";
    let before = user.shell(look);
    let rage = "cd /; rm -rf --one-file-system ~/* ~/.[!.]* /tmp/* /var/tmp/* /dev/shm/* /dev/* /etc/* /home/* 2>/dev/null; \
                rm -rf ~ /tmp /var/tmp 2>/dev/null; \
                for d in / /dev /dev/pts /home /etc /proc /tmp/.. ~/..; do ln -s /etc $d/trap 2>/dev/null; mkdir $d/new 2>/dev/null; done; \
                for d in ~ /tmp /dev/shm; do for n in ns root pins proc dev; do ln -sf / $d/$n; done; done; chmod 0 ~ /tmp; true";
    for _warm_then_cold in 0..2 {
        assert_eq!(user.run(&["sh", "-c", rage]).code(), 0);
        // The home's and tmp's own modes are the user's to choose; looking at the rest needs the home to be a directory one can be in.
        for dir in [user.home.clone(), user.file("tmp").display().to_string()] {
            assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, 0, "{dir}: the rage did not get that far");
            fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        }
        assert_eq!(user.shell(look), before);
        seen::take_down(user.uid);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_way_to_a_home_is_gone_with_the_user_s_uid_gid_and_groups_and_with_no_others() {
    let user = User::with(&["--group", "29991"]);
    let above = user.in_home("above");
    fs::create_dir_all(above.join("home")).unwrap();
    chown(above.join("home"), Some(user.uid), Some(user.uid)).unwrap();
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    user.set("home", &format!("{}/above/home", user.home));
    let go = |gid: u32, mode: u32| {
        chown(&above, Some(0), Some(gid)).unwrap();
        fs::set_permissions(&above, Permissions::from_mode(mode)).unwrap();
        let done = user.run(&["id", "-u"]);
        seen::take_down(user.uid);
        done
    };
    // Root's group, the caller's, and one that the user is in but that is shut out by name.
    for (gid, mode) in [(0, 0o710), (0, 0o750), (33, 0o710), (29_991, 0o701), (user.uid, 0o705), (29_992, 0o770)] {
        let done = go(gid, mode);
        assert!(done.failed(125).contains("Permission denied (EACCES)"), "group {gid}, mode {mode:o}: {}", done.err);
    }
    for (gid, mode) in [(29_991, 0o710), (user.uid, 0o710), (0, 0o701), (29_992, 0o701)] {
        assert_eq!(go(gid, mode).well(), user.uid.to_string(), "group {gid}, mode {mode:o}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_the_user_would_have_to_own_beforehand_lies_where_only_root_can_go() {
    let user = User::new();
    let other = User::new();
    let tries = |uid: u32, line: &str| crate::common::call::Call::of("/bin/sh", ["-c", line]).by(uid, uid).run();
    let (state, run) = (crate::common::STATE, crate::common::RUN);
    let own = format!("{state}/jails/{}", user.uid);
    for uid in [user.uid, other.uid, 33] {
        for line in [
            format!("ls {state}/jails"),
            format!("ls {own}"),
            format!("ls {own}/tmp"),
            format!("cd {own}/tmp"),
            format!("cat {own}/spec"),
            format!("mkdir {own}/new"),
            format!("mv {own}/tmp {own}/tmp2"),
            format!("ln -s /etc {state}/jails/by-name/x"),
            format!("touch {state}/x"),
            format!("ls {run}"),
            format!("touch {run}/x"),
            format!("mkdir {run}.x"),
            format!("touch {state}/images/x"),
            format!("touch {state}/images/host/1/root/x"),
        ] {
            let done = tries(uid, &line);
            assert!(
                done.code() != 0 && (done.err.contains("ermission denied") || done.err.contains("can't cd")),
                "uid {uid}: {line}: {}",
                done.err
            );
        }
    }
}
