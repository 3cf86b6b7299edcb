//! Bytes on disks.

use crate::common::user::User;
use crate::{of, well};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::process::Command;

fn run(program: &str, words: &[&str]) {
    let done = Command::new(program).args(words).output().unwrap();
    assert!(done.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A file system in a file, mounted over a directory as long as this value lives.
struct Mounted(String);

impl Mounted {
    fn xfs(disk: &str, on: &str) -> Self {
        run("truncate", &["-s", "400M", disk]);
        run("mkfs.xfs", &["-q", "-m", "reflink=1", disk]);
        run("mount", &["-o", "loop", disk, on]);
        Self(on.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &[&self.0]);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn bytes_with_a_name_outside_are_shared_and_nothing_is_counted_beyond_the_users_own() {
    let user = User::new();
    let outside = format!("/home/linked-{}", user.uid);
    fs::write(&outside, vec![7; 3 << 20]).unwrap();
    fs::hard_link(&outside, user.in_home("shared")).unwrap();
    fs::write(user.in_home("own"), vec![7; 2 << 20]).unwrap();
    fs::hard_link(user.in_home("own"), user.in_home("own-too")).unwrap();
    fs::write(user.file("tmp").join("left"), vec![7; 1 << 20]).unwrap();
    // Two files in two places with one name each, and a hole: what a file says of its length is not what it takes.
    fs::File::create(user.in_home("hole")).unwrap().set_len(1 << 40).unwrap();
    symlink("/usr", user.in_home("link")).unwrap();
    fs::create_dir(user.in_home("mounted")).unwrap();
    run("mount", &["--bind", "/usr/share", user.in_home("mounted").to_str().unwrap()]);
    let row = of(&["du", &user.name], &user);
    run("umount", &[user.in_home("mounted").to_str().unwrap()]);
    fs::remove_file(&outside).unwrap();
    let number = |key: &str| row[key].as_u64().unwrap();
    assert!((3 << 20..(3 << 20) + 4096).contains(&number("shared_bytes")), "{row}");
    assert!((3 << 20..(3 << 20) + 65_536).contains(&number("private_bytes")), "{row}");
    assert!(number("home_bytes") >= 5 << 20 && number("tmp_bytes") >= 1 << 20, "{row}");
    assert_eq!((number("files"), row["left_out"][0].as_str()), (7, Some("1 mounts")), "{row}");
    assert!(well(&["du"]).lines().any(|line| line.starts_with(&format!("{} ", user.name))));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn extents_that_two_files_share_are_told_from_ones_own_where_the_file_system_tells() {
    let user = User::new();
    let disk = format!("/home/disk-{}", user.uid);
    let home = user.home.clone();
    let mounted = Mounted::xfs(&disk, &home);
    chown(&home, Some(user.uid), Some(user.uid)).unwrap();
    fs::write(user.in_home("one"), vec![7; 4 << 20]).unwrap();
    fs::write(user.in_home("alone"), vec![8; 1 << 20]).unwrap();
    run("cp", &["--reflink=always", &format!("{home}/one"), &format!("{home}/two")]);
    run("sync", &["-f", &home]);
    let row = of(&["du", &user.name], &user);
    drop(mounted);
    fs::remove_file(&disk).unwrap();
    let number = |key: &str| row[key].as_u64().unwrap();
    assert_eq!((number("shared_bytes"), &row["extents_known"]), (4 << 20, &true.into()), "the piece counts once: {row}");
    assert!((1 << 20..(1 << 20) + 65_536).contains(&number("private_bytes")), "{row}");
    assert!(number("home_bytes") >= 9 << 20, "what its files say they take: {row}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn files_of_two_devices_with_the_same_numbers_are_two_files() {
    let user = User::new();
    let places = [user.home.clone(), user.file("tmp").to_str().unwrap().to_owned()];
    let mounted = places.each_ref().map(|place| {
        run("mount", &["-t", "tmpfs", "none", place]);
        Mounted(place.clone())
    });
    let numbers = places.each_ref().map(|place| {
        fs::write(format!("{place}/file"), vec![7; 1 << 20]).unwrap();
        fs::hard_link(format!("{place}/file"), format!("{place}/again")).unwrap();
        let meta = fs::metadata(format!("{place}/file")).unwrap();
        (meta.ino(), meta.dev())
    });
    let row = of(&["du", &user.name], &user);
    drop(mounted);
    assert_eq!(numbers[0].0, numbers[1].0, "two new file systems number their files alike");
    assert_ne!(numbers[0].1, numbers[1].1);
    assert_eq!((&row["private_bytes"], &row["shared_bytes"], &row["files"]), (&(2 << 20).into(), &0.into(), &4.into()), "{row}");
}
