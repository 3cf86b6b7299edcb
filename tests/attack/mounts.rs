//! Mounts that somebody planted, and mounts that would spread: what a jail shows of the host's mount table, and gives back.

use super::failed;
use super::planted::Planted;
use crate::common::attacker::rounds;
use crate::common::image::Image;
use crate::common::user::User;
use crate::common::{process, seen};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_mount_planted_in_the_home_in_tmp_or_in_the_image_s_tree_does_not_come_in() {
    let image = Image::copy("t-hung");
    let user = User::with(&["--image", &image.name]);
    for at in [user.in_home("planted"), user.file("tmp").join("planted"), image.tree().join("etc/planted")] {
        let planted = Planted::new(&at);
        fs::write(at.join("witness"), "").unwrap();
        let table = user.run(&["cat", "/proc/self/mountinfo"]).well();
        let found = user.shell("ls ~/planted /tmp/planted /etc/planted 2>/dev/null || true");
        seen::take_down(user.uid);
        drop(planted);
        assert!(!table.contains("planted"), "{table}");
        assert!(!found.contains("witness"), "{found}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_mount_planted_in_what_the_image_shows_of_the_host_comes_in_read_only_without_setuid_bits_and_devices() {
    let user = User::new();
    let at = PathBuf::from(format!("/opt/{}", user.name));
    let planted = Planted::new(&at);
    planted.spreads(libc::MS_SHARED);
    fs::copy("/usr/bin/id", at.join("id")).unwrap();
    let table = user.run(&["cat", "/proc/self/mountinfo"]).well();
    let written = user.run(&["touch", at.join("new").to_str().unwrap()]);
    // What is mounted or unmounted there later does not show, nor the other way round.
    let later = Planted::new(&at.join("later"));
    let after = user.run(&["cat", "/proc/self/mountinfo"]).well();
    drop(later);
    drop(planted);
    let Some(line) = table.lines().find(|l| l.contains(&format!(" {} ", at.display()))) else {
        // An image that shows no /opt shows nothing of what is mounted there.
        assert!(!table.contains(" /opt "), "{table}");
        return;
    };
    let flags: Vec<&str> = line.split(' ').nth(5).unwrap().split(',').collect();
    assert!(["ro", "nosuid", "nodev"].iter().all(|flag| flags.contains(flag)), "{line}");
    assert!(!line.contains("shared:") && !line.contains("master:"), "{line}");
    assert!(written.err.contains("Read-only file system"), "{}", written.err);
    assert!(!after.contains("later"), "{after}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn however_the_mount_of_the_home_spreads_nothing_of_the_jail_reaches_the_host() {
    for (how, name) in [
        (libc::MS_SHARED, "shared"),
        (libc::MS_SLAVE, "slave"),
        (libc::MS_PRIVATE, "private"),
        (libc::MS_UNBINDABLE, "unbindable"),
    ] {
        let user = User::new();
        process::mount("none", &user.home, "tmpfs", 0, &format!("size=64k,mode=700,uid={0},gid={0}", user.uid)).unwrap();
        let spread = |how: u64| process::mount("", &user.home, "", how, "").unwrap();
        if name == "slave" {
            // A slave has a master: the copy that it was shared with.
            spread(libc::MS_SHARED);
        }
        spread(how);
        let table = || {
            fs::read_to_string("/proc/1/mountinfo")
                .unwrap()
                .lines()
                .filter(|l| l.contains(&user.name))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let before = table();
        let done = user.run(&["cat", "/proc/self/mountinfo"]);
        let warm = user.run(&["true"]);
        let after = table();
        seen::take_down(user.uid);
        process::unmount(&user.home, libc::MNT_DETACH).unwrap();
        assert_eq!(before, after, "{name}");
        if name == "unbindable" {
            // The kernel clones no such mount.
            failed(&user, &done, "cannot open the home");
        } else {
            warm.well();
            let inside = done.well();
            assert!(
                inside.lines().all(|l| l.split(" - ").next().unwrap().split(' ').count() == 6),
                "{name}: something spreads: {inside}"
            );
        }
    }
}

/// The lines of a process's mount table that are of another mount namespace than the host's.
fn table_of(pid: u32, host: &Path) -> Option<String> {
    let before = fs::read_link(format!("/proc/{pid}/ns/mnt")).ok()?;
    let table = fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok()?;
    let after = fs::read_link(format!("/proc/{pid}/ns/mnt")).ok()?;
    (before == after && before != host).then_some(table)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn at_no_moment_of_a_cold_entry_is_there_a_mount_with_setuid_bits_in_force() {
    let user = User::new();
    let host = fs::read_link("/proc/self/ns/mnt").unwrap();
    // A look that began and ended in the jail's namespace may have opened the host's table, to which an entry goes back in between.
    let of_the_host = fs::read_to_string("/proc/self/mountinfo").unwrap();
    // Whose table to look at; 0 is nobody's.
    let (entry, end, rounds) = (AtomicU32::new(0), AtomicBool::new(false), rounds(60));
    let (mut looks, mut odd) = (0u64, BTreeSet::new());
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut looks, mut odd) = (0u64, BTreeSet::new());
            while !end.load(Ordering::SeqCst) {
                let Some(table) = Some(entry.load(Ordering::SeqCst)).filter(|pid| *pid != 0).and_then(|pid| table_of(pid, &host))
                else {
                    std::thread::yield_now();
                    continue;
                };
                looks += 1;
                let loose = table.lines().filter(|l| !l.contains(" - nsfs ") && !l.split(' ').nth(5).unwrap().contains("nosuid"));
                odd.extend(loose.filter(|line| of_the_host.lines().all(|own| own != *line)).map(str::to_owned));
            }
            (looks, odd)
        });
        for _ in 0..rounds {
            seen::take_down(user.uid);
            let running = user.call(&["true"]).start();
            entry.store(running.pid(), Ordering::SeqCst);
            let done = running.end();
            entry.store(0, Ordering::SeqCst);
            done.well();
        }
        end.store(true, Ordering::SeqCst);
        (looks, odd) = watcher.join().unwrap();
    });
    println!("{rounds} cold entries, {looks} looks at their mount tables");
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(looks > 0, "the watcher never saw an entry");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_an_image_holds_in_dev_is_covered_whatever_it_is() {
    let image = Image::copy("t-dev");
    let user = User::with(&["--image", &image.name]);
    let dev = image.tree().join("dev");
    for (name, to) in [
        ("null", "/etc/shadow"),
        ("console", "/dev/pts/0"),
        ("pts", "/etc"),
        ("shm", "/tmp"),
        ("ptmx", "/proc/kcore"),
        ("tty", "null"),
    ] {
        drop(fs::remove_file(dev.join(name)));
        drop(fs::remove_dir(dev.join(name)));
        std::os::unix::fs::symlink(to, dev.join(name)).unwrap();
    }
    assert_eq!(user.shell("ls /dev | tr '\\n' ' '"), "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
    assert_eq!(
        user.shell("stat -c '%F %t:%T' /dev/null; stat -c %F /dev/pts /dev/shm"),
        "character special file 1:3\ndirectory\ndirectory"
    );
}
