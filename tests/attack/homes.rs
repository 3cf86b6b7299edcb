//! Homes that are missing, that are somebody else's, or that lead elsewhere; and one that is full.

use super::{failed, refused};
use crate::common::user::User;
use crate::common::{process, seen};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

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
    spoiled("it does not exist (ENOENT); see jailbase user add --create-home", |user| fs::remove_dir(&user.home).unwrap());
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
