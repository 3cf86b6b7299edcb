//! What is among the pins and is none: left alone, reported, and in nobody's way.

use crate::common::user::User;
use crate::common::{process, reaped, seen, sweep};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

/// Uids that no user of the tests has.
const FREE: [&str; 9] = ["59991", "59992", "59993", "59994", "59995", "59996", "59997", "59998", "59999"];

/// What is put among the pins for a test, and taken out of there again.
struct Strangers(Vec<String>);

impl Strangers {
    fn put(names: &[&str], how: impl FnOnce() -> std::io::Result<()>) -> Self {
        let put = Self(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(seen::in_holder(|| how().map(|()| 1)), 1, "cannot put {names:?}");
        put
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        seen::in_holder(|| {
            for path in self.0.iter().map(|name| format!("/pins/{name}")) {
                while process::unmount(&path, libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW).is_ok() {}
                drop(fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)));
            }
            Ok(1)
        });
    }
}

/// Sweeps three times and looks once; each must leave these names alone and say so in one line, and end well.
#[track_caller]
fn are_left_alone(names: &[&str]) {
    for words in [["--json", "-v"], ["--json", "--dry-run"], ["--json", "-v"], ["--json", "-v"]] {
        let swept = reaped::run(&words);
        assert_eq!(swept.code, 0, "{swept:?}");
        for name in names {
            assert_eq!(swept.outcome(name), "left-alone", "{name:?}: {swept:?}");
            let shown = name.as_bytes().escape_ascii().to_string();
            let says =
                |line: &str| line.starts_with(&format!("reaper: {shown}: ")) && line.contains("no pin of a jail, left alone");
            assert_eq!(swept.err.lines().filter(|line| says(line)).count(), 1, "{name:?}: {}", swept.err);
        }
        assert!(!swept.err.chars().any(|c| c.is_control() && c != '\n'), "{swept:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_empty_file_by_the_name_of_a_uid_that_no_policy_lets_in_is_left_alone() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    let names = ["1", "10", "100", "999", "60000"];
    let strangers = Strangers::put(&names, || names.iter().try_for_each(|name| fs::write(format!("/pins/{name}"), "")));
    are_left_alone(&names);
    drop(strangers);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_mounted_on_a_name_that_is_no_text_stops_no_sweep() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    let path = c"/pins/\xff\xfe";
    let put = || {
        fs::write(OsStr::from_bytes(path.to_bytes()), "")?;
        // SAFETY: C strings, and null where mount(2) allows it.
        let mounted = unsafe { libc::mount(path.as_ptr(), path.as_ptr(), std::ptr::null(), libc::MS_BIND, std::ptr::null()) };
        process::said(mounted).map(|_| ())
    };
    assert_eq!(seen::in_holder(|| put().map(|()| 1)), 1);
    let said: Vec<_> = [&["--json"][..], &["--json", "--dry-run"], &["--json"]].iter().map(|words| reaped::run(words)).collect();
    let taken = seen::in_holder(|| {
        // SAFETY: a C string and numbers.
        process::said(unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) })?;
        fs::remove_file(OsStr::from_bytes(path.to_bytes())).map(|()| 1)
    });
    assert_eq!(taken, 1);
    for (done, outcome) in said.iter().zip(["marked", "idle", "unmounted"]) {
        assert_eq!((done.code, done.outcome(user.uid).as_str()), (0, outcome), "{done:?}");
        assert_eq!(done.outcome("\\xff\\xfe"), "left-alone", "{done:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn strange_names_are_left_alone_and_the_jails_between_them_are_swept() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    let prefixes: Vec<String> = (1..5).map(|length| user.uid.to_string()[..length].to_owned()).collect();
    let mut names =
        vec!["a b", " ", "a\nb", "\\040", "2001 (deleted)", "02001", "-1", "0", "4294967295", "\u{202e}x", "x\u{1b}[2J", ".x"];
    names.extend(prefixes.iter().map(String::as_str));
    let put = || {
        for name in &names {
            fs::write(format!("/pins/{name}"), "somebody's")?;
        }
        Ok(())
    };
    let strangers = Strangers::put(&names, put);
    assert_eq!(reaped::run(&["--json"]).outcome(user.uid), "marked");
    are_left_alone(&names);
    assert!(!seen::is_pinned(user.uid), "the jail went meanwhile");
    user.run(&["true"]).well();
    let kept = seen::in_holder(|| {
        Ok(1 + u8::from(names.iter().all(|name| fs::read(format!("/pins/{name}")).unwrap() == b"somebody's")))
    });
    assert_eq!(kept, 2);
    drop(strangers);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_no_empty_file_is_left_alone_under_the_name_of_a_uid_too() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    let [directory, full, link, file, pipe, ..] = FREE;
    let put = || {
        fs::create_dir(format!("/pins/{directory}"))?;
        fs::create_dir(format!("/pins/{full}"))?;
        fs::write(format!("/pins/{full}/{}", user.uid), "")?;
        symlink(format!("/pins/{}", user.uid), format!("/pins/{link}"))?;
        fs::write(format!("/pins/{file}"), "x")?;
        process::fifo(&format!("/pins/{pipe}"))
    };
    let _strangers = Strangers::put(&[directory, full, link, file, pipe], put);
    are_left_alone(&[directory, full, link, file, pipe]);
}

/// In the holder: a tmpfs with a file in it, an empty file bound elsewhere, and a pin of a network namespace.
fn mount_strangers([tmpfs, file, net]: [&str; 3], covered: Option<&str>) -> std::io::Result<()> {
    let bind = |from: &str, to: &str| process::mount(from, to, "", libc::MS_BIND, "");
    let [tmpfs, file, net] = [tmpfs, file, net].map(|name| format!("/pins/{name}"));
    fs::create_dir(&tmpfs)?;
    process::mount("tmpfs", &tmpfs, "tmpfs", 0, "")?;
    fs::write(format!("{tmpfs}/data"), "precious")?;
    fs::write(format!("{tmpfs}/empty"), "")?;
    fs::write(&file, "")?;
    bind(&format!("{tmpfs}/empty"), &file)?;
    covered.map_or(Ok(()), |pin| bind(&format!("{tmpfs}/empty"), &format!("/pins/{pin}")))?;
    // The holder has no procfs of its own.
    fs::create_dir("/proc")?;
    process::mount("proc", "/proc", "proc", 0, "")?;
    fs::write(&net, "")?;
    let pinned = bind("/proc/self/ns/net", &net);
    process::unmount("/proc", 0)?;
    fs::remove_dir("/proc")?;
    pinned
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_an_administrator_mounted_on_the_name_of_a_uid_is_never_unmounted() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    let names = [FREE[5], FREE[6], FREE[7]];
    let _strangers = Strangers::put(&names, || mount_strangers(names, None));
    are_left_alone(&names);
    let kept = seen::in_holder(|| Ok(1 + u8::from(fs::read(format!("/pins/{}/data", names[0]))? == b"precious")));
    assert_eq!(kept, 2);
    assert!(!seen::is_pinned(user.uid), "the jail beside them went meanwhile");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_whose_pin_is_covered_by_a_mount_is_left_alone_until_that_is_gone() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.shell("echo here > /dev/shm/x");
    let names = [FREE[5], FREE[6], FREE[7]];
    let uid = user.uid.to_string();
    let strangers = Strangers::put(&names, || mount_strangers(names, Some(&uid)));
    are_left_alone(&[&uid]);
    let drained = reaped::run(&["--drain", &uid]);
    assert_eq!(drained.code, 125, "{drained:?}");
    assert!(drained.err.contains("what is in the place of its pin is no jail"), "{drained:?}");
    let uncover = || process::unmount(&format!("/pins/{uid}"), libc::UMOUNT_NOFOLLOW).map(|()| 1);
    assert_eq!(seen::in_holder(uncover), 1);
    drop(strangers);
    assert_eq!(user.shell("cat /dev/shm/x"), "here", "the jail below was left alone as well");
    reaped::run(&["--drain", &uid]).well();
    user.leaves_nothing();
}
