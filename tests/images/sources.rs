//! Where images come from: a directory, an archive, this machine. A program runs in each.

use super::packing::run;
use super::tiny::system;
use super::{Own, jailbase};
use crate::common::{process, program, user::User};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_runs_in_an_image_made_of_a_directory() {
    let own = Own::new("dir");
    let source = own.place.join("system");
    system(&source, "word");
    symlink("../../../../etc/shadow", source.join("out")).unwrap();
    fs::hard_link(source.join("lib/1"), source.join("lib/one")).unwrap();
    own.build(&format!("dir:{}", source.display()), &[]).well();
    let user = User::with(&["--image", &own.name]);
    assert_eq!(user.run(&["/bin/say"]).well(), "word");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(own.file(1, "lib/1")).unwrap().ino(), fs::metadata(own.file(1, "lib/one")).unwrap().ino());
    assert_ne!(fs::metadata(own.file(1, "lib/1")).unwrap().ino(), fs::metadata(source.join("lib/1")).unwrap().ino());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_runs_in_an_image_made_of_an_archive() {
    let own = Own::new("tar");
    let source = own.place.join("system");
    system(&source, "packed");
    let archive = own.place.join("system.tar.gz");
    fs::write(&archive, run("tar", &["-cz", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
    own.build(&format!("tar:{}", archive.display()), &[]).well();
    assert_eq!(User::with(&["--image", &own.name]).run(&["/bin/say"]).well(), "packed");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_no_image_can_hold_is_refused_and_leaves_nothing() {
    type Spoil = fn(&std::path::Path);
    let all: [(Spoil, &str); 6] = [
        (
            |dir| assert!(Command::new("mknod").arg(dir.join("null")).args(["c", "1", "3"]).status().unwrap().success()),
            "is a device",
        ),
        (|dir| drop(std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap()), "is a device, a socket or a pipe"),
        (|dir| symlink("/proc", dir.join("proc")).unwrap(), "/proc: is a symbolic link, and jails mount on it"),
        (|dir| fs::create_dir_all(dir.join("d/".repeat(200))).unwrap(), "it is nested too deep"),
        (
            |dir| assert!(Command::new("truncate").args(["-s", "1T"]).arg(dir.join("sparse")).status().unwrap().success()),
            "the files are longer than 32.0 GiB",
        ),
        (
            |dir| {
                fs::write(dir.join("etc/passwd"), "")
                    .and_then(|()| fs::remove_file(dir.join("etc/passwd")))
                    .and_then(|()| fs::create_dir(dir.join("etc/passwd")))
                    .unwrap()
            },
            "/etc/passwd: is not a file",
        ),
    ];
    for (number, (spoil, reason)) in all.iter().enumerate() {
        let own = Own::new(&format!("bad-dir-{number}"));
        let source = own.place.join("system");
        system(&source, "word");
        spoil(&source);
        own.build(&format!("dir:{}", source.display()), &[]).no(77, reason);
        assert!(!own.dir().exists());
    }
    let own = Own::new("bad-dir-link");
    symlink("/etc", own.place.join("link")).unwrap();
    own.build(&format!("dir:{}", own.place.join("link").display()), &[]).no(125, "a symbolic link is on the way");
    own.build("dir:/none/such", &[]).no(125, "ENOENT");
    own.build("tar:/none/such", &[]).no(125, "No such file");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_in_which_something_is_mounted_is_refused_with_the_place_until_that_is_unmounted() {
    let own = Own::new("dir-mounts");
    let (source, from) = (own.place.join("system"), format!("dir:{}", own.place.join("system").display()));
    system(&source, "word");
    let beside = own.place.join("beside");
    fs::create_dir(&beside).unwrap();
    fs::create_dir(source.join("lib/deep")).unwrap();
    // Another file system, the same one at another place, and a single file.
    let all =
        [("lib/deep", "none", "tmpfs", 0), ("lib", "beside", "", libc::MS_BIND), ("lib/3", "system/lib/4", "", libc::MS_BIND)];
    for (place, what, kind, flags) in all {
        let target = source.join(place).display().to_string();
        process::mount(own.place.join(what).to_str().unwrap(), &target, kind, flags, "").unwrap();
        let said = own.build(&from, &[]);
        process::unmount(&target, 0).unwrap();
        said.no(77, &format!("{target}: another file system is mounted there; unmount it first"));
        assert!(!own.dir().exists(), "{place}");
    }
    // That the directory is itself where something is mounted says nothing of what is in it.
    process::mount(source.to_str().unwrap(), beside.to_str().unwrap(), "", libc::MS_BIND, "").unwrap();
    let said = own.build(&format!("dir:{}", beside.display()), &[]);
    process::unmount(beside.to_str().unwrap(), 0).unwrap();
    said.well();
    assert_eq!(fs::read_to_string(own.file(1, "data/word")).unwrap(), "word");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_image_of_this_machine_costs_nothing_when_it_is_built_again() {
    let own = Own::new("host");
    let mut quickest = Duration::MAX;
    for _ in 0..2 {
        let begun = Instant::now();
        own.build("host", &[]).well();
        quickest = quickest.min(begun.elapsed());
    }
    assert!(quickest < Duration::from_secs(2), "{quickest:?}");
    let shown: Vec<serde_json::Value> =
        serde_json::from_str(&jailbase(["image", "show", &format!("{}@2", own.name), "--json"]).well()).unwrap();
    assert_eq!(shown[0]["copied_bytes"], 0, "{}", shown[0]);
    assert_eq!(User::with(&["--image", &own.name]).run(&["id", "-u"]).code(), 0);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_umask_of_whoever_builds_an_image_decides_none_of_its_modes() {
    let own = Own::new("umask");
    let source = own.place.join("system");
    system(&source, "word");
    let archive = own.place.join("system.tar");
    fs::write(&archive, run("tar", &["-c", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
    for from in [format!("dir:{}", source.display()), format!("tar:{}", archive.display())] {
        let mut all = Vec::new();
        for umask in ["022", "000", "077", "777"] {
            own.clear_image();
            let under = format!("umask {umask}; exec \"$0\" image build \"$1\" --from \"$2\"");
            let mut build = Command::new("/bin/sh");
            build.args(["-c", &under]).arg(program("jailbase")).args([&own.name, &from]).env_clear();
            assert!(build.output().unwrap().status.success(), "{umask}");
            // Everything that was made, the image's own directory and papers included.
            let list = run("find", &[own.dir().to_str().unwrap(), "-printf", "%P %y %m %U %G\\n"], b"");
            let mut list: Vec<String> = String::from_utf8(list).unwrap().lines().map(str::to_owned).collect();
            list.sort();
            all.push(list);
        }
        assert!(all[0].len() > 10 && all.iter().all(|list| *list == all[0]), "{from}: {all:?}");
    }
}
