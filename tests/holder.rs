//! The holder: made, lost and made again. Its own program, because it takes the holder from under every jail there is.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

#[path = "holder/young.rs"]
mod young;

use common::user::User;
use common::{RUN, process, program, seen};
use std::process::Command;

fn holder() -> String {
    format!("{RUN}/holder")
}

/// Takes the holder away, and with it every jail.
fn lose() {
    if seen::mounts().iter().any(|line| line.contains(&holder())) {
        process::unmount(&holder(), 0).unwrap();
    }
}

/// Users with jails that are not made yet.
fn users(count: usize) -> Vec<User> {
    (0..count).map(|_| User::new()).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_holder_that_was_unmounted_or_replaced_by_a_file_is_made_again() {
    let user = User::new();
    user.run(&["true"]).well();
    lose();
    user.run(&["true"]).well();
    lose();
    std::fs::remove_file(holder()).unwrap();
    std::fs::write(holder(), "no namespace").unwrap();
    user.run(&["true"]).well();
    assert_eq!(seen::mounts().iter().filter(|line| line.contains(RUN)).count(), 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_directory_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    lose();
    let mode = |mode| std::fs::set_permissions(RUN, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let done = user.run(&["true"]);
    mode(0o700);
    done.failed(77);
    user.run(&["true"]).well();
}

/// Calls trampoline and the reaper, and says how trampoline ended. Neither may run or unmount anything.
fn refused_by_both(user: &User, what: &str) -> i32 {
    let done = user.run(&["id"]);
    let reaper = Command::new(program("reaper")).env_clear().output().unwrap();
    assert!([77, 125].contains(&done.code()), "{what}: {} {}", done.text(), done.err);
    done.failed(done.code());
    assert!(matches!(reaper.status.code(), Some(0 | 77 | 125)), "{what}: {reaper:?}");
    done.code()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_directory_or_a_holder_that_is_somebody_else_s_or_leads_elsewhere_is_believed_by_nobody() {
    use std::os::unix::fs::{chown, symlink};
    let user = User::new();
    user.run(&["true"]).well();
    let aside = format!("{RUN}.aside");
    lose();
    chown(RUN, Some(33), Some(33)).unwrap();
    assert_eq!(refused_by_both(&user, "owner"), 77);
    chown(RUN, Some(0), Some(0)).unwrap();
    // In the place of the holder: links, a directory, a pin of another kind of namespace.
    let before = seen::mounts();
    std::fs::remove_file(holder()).unwrap();
    for to in ["/proc/1/ns/mnt", "/proc/self/ns/mnt", "/etc/passwd", "elsewhere"] {
        symlink(to, holder()).unwrap();
        refused_by_both(&user, to);
        std::fs::remove_file(holder()).unwrap();
    }
    std::fs::write(holder(), "").unwrap();
    process::hang(&process::open("/proc/self/ns/uts", libc::O_RDONLY).unwrap(), &holder()).unwrap();
    refused_by_both(&user, "another kind");
    process::unmount(&holder(), 0).unwrap();
    // In the place of its directory: a link to one that looks right, a file.
    std::fs::rename(RUN, &aside).unwrap();
    symlink(&aside, RUN).unwrap();
    refused_by_both(&user, "a link");
    std::fs::remove_file(RUN).unwrap();
    std::fs::write(RUN, "").unwrap();
    refused_by_both(&user, "a file");
    std::fs::remove_file(RUN).unwrap();
    std::fs::rename(&aside, RUN).unwrap();
    assert_eq!(seen::mounts(), before, "something was mounted on the way");
    user.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_it_makes_has_the_same_modes_under_every_umask() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let user = User::new();
    let mode = |path: &str| {
        let meta = std::fs::symlink_metadata(path).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (0, 0), "{path}");
        meta.permissions().mode() & 0o7777
    };
    for umask in [0o000, 0o777, 0o022, 0o077] {
        lose();
        drop(std::fs::remove_file(holder()));
        std::fs::remove_dir(RUN).unwrap();
        let call = user.call(&["stat", "-c", "%n %a %u %g", "/dev", "/dev/pts", "/dev/shm", "/home", "/proc"]).after(move || {
            process::umask(umask);
            Ok(())
        });
        assert_eq!(call.run().well(), "/dev 755 0 0\n/dev/pts 755 0 0\n/dev/shm 1777 0 0\n/home 755 0 0\n/proc 555 0 0");
        assert_eq!(mode(RUN), 0o700);
        let found = seen::in_holder(|| Ok(u8::from(mode("/") == 0o700 && mode("/pins") == 0o700) + 1));
        assert_eq!(found, 2, "the holder, umask {umask:o}");
        let pin = format!("/pins/{}", user.uid);
        let inside = process::apart(|| {
            process::join(&holder(), libc::CLONE_NEWNS)?;
            process::join(&pin, libc::CLONE_NEWNS)?;
            Ok(u8::from(mode("/") == 0o700 && mode("/ns") == 0o700) + 1)
        });
        assert_eq!(inside, 2, "the jail, umask {umask:o}");
        // The places of pins, when the pins are gone.
        let place = seen::in_holder(|| {
            process::unmount(&pin, libc::MNT_DETACH)?;
            Ok(u8::from(mode(&pin) == 0o600) + 1)
        });
        assert_eq!(place, 2, "the place of the pin, umask {umask:o}");
        lose();
        assert_eq!(mode(&holder()), 0o600);
    }
}
