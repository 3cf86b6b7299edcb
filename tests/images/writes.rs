//! Files that two generations share, by hard link or by extents, and every way to write one: what an edit writes is its own, and
//! in a jail nothing is written.

use super::packing::run;
use super::tiny::system;
use super::{Own, jailbase};
use crate::common::user::User;
use crate::common::{process, seen};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Tries each way on a file of its own, /lib/0 and so on, and names those that worked; without a word it ends with their number.
const ALTER: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
static char path[100];
static char page[4096] __attribute__((aligned(4096)));
static int by(int flags) { return open(path, flags); }
static int kept(int fd) { int flags = 0; return ioctl(fd, FS_IOC_GETFLAGS, &flags) ? -1 : (flags |= FS_NODUMP_FL, ioctl(fd, FS_IOC_SETFLAGS, &flags)); }
static int mapped(int fd) {
    char *at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return -1;
    at[1] = 'm';
    return msync(at, 4096, MS_SYNC);
}
static int again(int fd) {
    char name[50];
    sprintf(name, "/proc/self/fd/%d", fd);
    int twice = open(name, O_WRONLY);
    return twice < 0 ? -1 : write(twice, "again", 5) == 5 ? 0 : -1;
}
static int spliced(int fd) { loff_t at = 100, to = 0; return copy_file_range(by(O_RDONLY), &at, fd, &to, 1, 0) == 1 && pwrite(fd, "s", 1, 0) == 1 ? 0 : -1; }
static int done(int which) {
    struct timespec times[2] = {{1, 0}, {1, 0}};
    switch (which) {
    case 0: return write(by(O_WRONLY), "written", 7) == 7 ? 0 : -1;
    case 1: return write(by(O_WRONLY | O_APPEND), "more", 4) == 4 ? 0 : -1;
    case 2: return by(O_WRONLY | O_TRUNC) < 0 ? -1 : 0;
    case 3: return truncate(path, 1);
    case 4: return write(by(O_WRONLY | O_DIRECT), page, 4096) == 4096 ? 0 : -1;
    case 5: return mapped(by(O_RDWR));
    case 6: return fallocate(by(O_WRONLY), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10);
    case 7: return spliced(by(O_RDWR));
    case 8: return chmod(path, 0600);
    case 9: return chown(path, 1, 1);
    case 10: return utimensat(AT_FDCWD, path, times, 0);
    case 11: return setxattr(path, "user.mine", "x", 1, 0);
    case 12: return kept(by(O_RDONLY));
    case 13: return fchmod(by(O_RDONLY), 0600);
    case 14: return futimens(by(O_RDONLY), times);
    case 15: return fsetxattr(by(O_RDONLY), "user.mine", "x", 1, 0);
    case 16: return again(by(O_RDONLY));
    case 17: return ioctl(by(O_WRONLY), FICLONE, open("/bin/alter", O_RDONLY));
    }
    return -2;
}
int main(int count, char **words) {
    int which, result, worked = 0;
    for (which = 0; sprintf(path, "/lib/%d", which), (result = done(which)) != -2; which++)
        if (result == 0) worked++, printf("%d ", which);
    fflush(stdout);
    return count > 1 ? 0 : worked;
}
"#;

/// The ways there are; the last needs a file system that shares extents.
const WAYS: u32 = 18;

/// All that can be known of a tree but the number of names its files have.
fn known(tree: &Path) -> String {
    let script = r#"
import fcntl, hashlib, os, stat, struct, sys
for place, dirs, files in sorted(os.walk(sys.argv[1])):
    for path in sorted(os.path.join(place, name) for name in dirs + files):
        is_file, s = stat.S_ISREG(os.lstat(path).st_mode), os.lstat(path)
        said = [path, s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtime_ns, os.listxattr(path, follow_symlinks=False)]
        if is_file:
            with open(path, 'rb') as file:
                said += [hashlib.sha256(file.read()).hexdigest(), fcntl.ioctl(file, 0x80086601, struct.pack('l', 0))[:4]]
        print(said)
"#;
    let said = String::from_utf8(run("python3", &["-c", script, tree.to_str().unwrap()], b"")).unwrap();
    assert!(said.lines().count() > 20, "{said}");
    said
}

/// Two generations of a system with the program in it, which share all files but the word.
fn shared(own: &Own) {
    let source = own.place.join("system");
    system(&source, "one");
    let (text, program) = (own.place.join("alter.c"), source.join("bin/alter"));
    fs::write(&text, ALTER).unwrap();
    let done = Command::new("gcc").args(["-static", "-O1", "-o"]).args([&program, &text]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let from = format!("dir:{}", source.display());
    own.build(&from, &[]).well();
    fs::write(source.join("data/word"), "two").unwrap();
    own.build(&from, &[]).well();
}

/// Edits the second of two generations in every way: neither it nor the one before knows.
fn edited(own: &Own, ways: u32) {
    let trees = [own.file(1, ""), own.file(2, "")];
    let before = trees.each_ref().map(|tree| known(tree));
    let said = jailbase(["image", "edit", &own.name, "--", "/bin/alter", "all"]).well();
    let all: String = (0..ways).map(|way| format!("{way} ")).collect();
    assert!(said.starts_with(&format!("{all}{}@3 in service", own.name)), "not all of {all}worked: {said}");
    assert_eq!(trees.each_ref().map(|tree| known(tree)), before);
    // It did change what it has itself, but for the owner.
    let differ =
        |way: u32| fs::read(own.file(3, &format!("lib/{way}"))).unwrap() != fs::read(own.file(2, &format!("lib/{way}"))).unwrap();
    assert!((0..8).chain([16]).all(differ), "an edit was lost");
    for number in 1..=3 {
        jailbase(["image", "verify", &format!("{}@{number}", own.name)]).well();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_way_to_write_a_linked_file_in_an_edit_reaches_another_generation() {
    let own = Own::new("writes");
    shared(&own);
    let ino = |number, way: u32| fs::metadata(own.file(number, &format!("lib/{way}"))).unwrap().ino();
    assert!((0..WAYS).all(|way| ino(1, way) == ino(2, way)), "nothing is shared, so nothing is tried");
    edited(&own, WAYS - 1);
    assert!((0..9).chain([13, 16]).all(|way| ino(2, way) != ino(3, way)), "what was changed is shared");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_way_to_write_a_file_of_shared_extents_in_an_edit_reaches_another_generation() {
    let own = Own::new("writes-extents");
    let disk = own.place.join("disk");
    Command::new("truncate").args(["-s", "400M"]).arg(&disk).status().unwrap();
    assert!(Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&disk).status().unwrap().success());
    fs::create_dir_all(own.dir()).unwrap();
    assert!(Command::new("mount").args(["-o", "loop"]).arg(&disk).arg(own.dir()).status().unwrap().success());
    let done = std::panic::catch_unwind(|| {
        shared(&own);
        edited(&own, WAYS);
    });
    assert!(Command::new("umount").arg(own.dir()).status().unwrap().success());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_way_to_write_a_linked_file_works_in_a_jail_for_the_user_or_for_root_inside() {
    let own = Own::new("writes-jail");
    shared(&own);
    let trees = [own.file(1, ""), own.file(2, "")];
    let before = trees.each_ref().map(|tree| known(tree));
    let user = User::with(&["--image", &own.name]);
    assert_eq!(user.run(&["/bin/alter", "all"]).well(), "", "ways of the user that worked");
    let worked = seen::in_jail(user.uid, || Err(process::execute("/bin/alter", &["alter"])));
    assert_eq!(worked, 0, "so many ways of root's worked");
    assert_eq!(trees.each_ref().map(|tree| known(tree)), before);
}
