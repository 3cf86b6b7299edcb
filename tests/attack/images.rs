//! Images that are missing, that are not root's alone, or whose tree is not as it must be.

use super::{failed, refused};
use crate::common::call::Done;
use crate::common::image::Image;
use crate::common::seen;
use crate::common::user::User;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

/// What must come of a call.
type Verdict = fn(&User, &Done, &str);

/// A user whose image is a copy, spoiled in some way: whatever is asked gets this verdict for this reason.
#[track_caller]
fn spoiled(name: &str, verdict: Verdict, reason: &str, spoil: impl FnOnce(&Path, &Path)) {
    let image = Image::copy(name);
    let user = User::with(&["--image", name]);
    let generation = image.generation();
    spoil(&image.dir, &generation);
    for call in super::asked(&user) {
        verdict(&user, &call.run(), reason);
    }
}

fn replaced(path: &Path, by: &str) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path).unwrap()
    } else {
        fs::remove_file(path).unwrap()
    }
    symlink(by, path).unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_missing_image_is_a_failure() {
    spoiled("t-missing", failed, "No such file or directory (ENOENT)", |dir, _| fs::remove_dir_all(dir).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_replaced_by_a_symbolic_link_is_not_followed() {
    spoiled("t-link", failed, "a symbolic link is on the way", |dir, _| {
        fs::remove_dir_all(dir).unwrap();
        symlink("host", dir).unwrap();
    });
    spoiled("t-link-gen", failed, "(ELOOP)", |_, generation| {
        let real = generation.with_file_name("real");
        fs::rename(generation, real).unwrap();
        symlink("real", generation).unwrap();
    });
    spoiled("t-link-tree", failed, "(ELOOP)", |_, generation| replaced(&generation.join("root"), "/"));
    spoiled("t-link-man", failed, "(ELOOP)", |_, generation| replaced(&generation.join("image"), "/etc/passwd"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_current_that_names_no_generation_is_a_failure() {
    for (name, text, reason) in [
        ("t-cur-0", "0", "names no generation"),
        ("t-cur-up", "../host/1", "names no generation"),
        ("t-cur-abs", "/", "names no generation"),
        ("t-cur-sign", "+1", "names no generation"),
        ("t-cur-lost", "77", "(ENOENT)"),
    ] {
        spoiled(name, failed, reason, |dir, _| replaced(&dir.join("current"), text));
    }
    spoiled("t-cur-file", failed, "(EINVAL)", |dir, _| {
        fs::remove_file(dir.join("current")).unwrap();
        fs::write(dir.join("current"), "1").unwrap();
    });
    spoiled("t-cur-none", failed, "(ENOENT)", |dir, _| fs::remove_file(dir.join("current")).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_that_others_can_write_is_a_failure() {
    spoiled("t-own-dir", refused, "is not owned by root", |dir, _| chown(dir, Some(33), None).unwrap());
    spoiled("t-mode-dir", refused, "can be written by others", |dir, _| {
        fs::set_permissions(dir, Permissions::from_mode(0o777)).unwrap()
    });
    spoiled("t-own-gen", refused, "is not owned by root", |_, g| chown(g, Some(33), None).unwrap());
    spoiled("t-own-tree", refused, "is not owned by root", |_, g| chown(g.join("root"), Some(33), None).unwrap());
    spoiled("t-mode-tree", refused, "can be written by others", |_, g| {
        fs::set_permissions(g.join("root"), Permissions::from_mode(0o1777)).unwrap()
    });
    spoiled("t-own-man", refused, "is not owned by root", |_, g| chown(g.join("image"), Some(33), None).unwrap());
    spoiled("t-hard-man", refused, "has a second hard link", |_, g| fs::hard_link(g.join("image"), g.join("other")).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_manifest_that_is_none_is_a_failure() {
    for (name, text, reason) in [
        ("t-man-empty", "", "cannot read the manifest"),
        ("t-man-etc", "format = 1\nhost = etc\n", "\"etc\" is not a value of \"host\""),
        ("t-man-up", "format = 1\nhost = ../root\n", "is not a value of \"host\""),
        ("t-man-twice", "format = 1\nhost = usr usr\n", "is not a value of \"host\""),
        ("t-man-key", "format = 1\nhost = usr\nmode = 0777\n", "the key \"mode\" is not known"),
    ] {
        spoiled(name, failed, reason, |_, g| fs::write(g.join("image"), text).unwrap());
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_with_a_symbolic_link_where_a_mount_belongs_is_a_failure() {
    for (i, place) in ["usr", "dev", "tmp", "home", "var/tmp", "etc", "var"].into_iter().enumerate() {
        let image = Image::copy(&format!("t-tree-{i}"));
        let user = User::with(&["--image", &image.name]);
        for to in ["/etc", "etc", "../../../../../../../etc"] {
            replaced(&image.tree().join(place), to);
            failed(&user, &user.run(&["id"]), &format!("/{place}"));
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_with_a_symbolic_link_for_passwd_does_not_lead_the_mount_elsewhere() {
    for (i, place) in ["etc/passwd", "etc/group"].into_iter().enumerate() {
        let image = Image::copy(&format!("t-etc-{i}"));
        let user = User::with(&["--image", &image.name]);
        replaced(&image.tree().join(place), "hosts");
        let done = user.run(&["sh", "-c", &format!("cat /{place}; grep -c localhost /etc/hosts")]);
        if done.code() == 0 {
            // It hangs over the link itself.
            assert!(done.text().contains(&user.name) && !done.text().ends_with('0'), "{}", done.text());
        } else {
            failed(&user, &done, &format!("/{place}"));
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_without_a_place_for_a_mount_is_a_failure_and_nothing_is_made_there() {
    for (i, place) in ["usr", "dev", "tmp", "home", "var/tmp"].into_iter().enumerate() {
        let name = format!("t-bare-{i}");
        let image = Image::copy(&name);
        let user = User::with(&["--image", &name]);
        let missing = image.tree().join(place);
        fs::remove_dir_all(&missing).unwrap();
        failed(&user, &user.run(&["id"]), &format!("/{place}"));
        assert!(!missing.exists());
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_whose_proc_is_a_symbolic_link_or_missing_runs_nothing() {
    for (i, link) in [None, Some("/tmp"), Some("tmp"), Some("/root/tmp"), Some("../tmp")].into_iter().enumerate() {
        let image = Image::copy(&format!("t-proc-{i}"));
        let user = User::with(&["--image", &image.name]);
        let proc = image.tree().join("proc");
        fs::remove_dir_all(&proc).unwrap();
        if let Some(to) = link {
            symlink(to, &proc).unwrap();
        }
        let done = user.run(&["id"]);
        assert!(done.failed(125).contains("/proc"), "{link:?}: {}", done.err);
        // The jail itself was made, and is idle.
        seen::take_down(user.uid);
        user.leaves_nothing();
    }
}
