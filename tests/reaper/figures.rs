//! The file for Prometheus: whole or not at all, and never more important than the sweep.

use crate::common::user::User;
use crate::common::{STATE, WWW, process, program, reaped, seen, sweep};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One figure of a file.
#[track_caller]
fn figure(path: &Path, name: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("trampoline_{name} ")));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// The names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A directory of a test's own, beside a user's home, where only root writes.
struct Shelf(std::path::PathBuf);

impl Shelf {
    fn of(user: &User) -> Self {
        let path = std::path::PathBuf::from(format!("{}.shelf", user.home));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        drop(process::unmount(self.0.to_str().unwrap(), libc::MNT_DETACH));
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_figures_are_those_of_the_sweep_and_everybody_may_read_them() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    user.ensure();
    let file = shelf.file("trampoline.prom");
    let path = Path::new(&file);
    for outcome in ["marked", "unmounted"] {
        let mut command = reaped::command();
        process::before_exec(&mut command, || {
            process::umask(0o077);
            Ok(())
        });
        let swept = reaped::of(&command.args(["--json", "--metrics", &file]).output().unwrap());
        swept.well();
        let totals = swept.object()["totals"].clone();
        for (name, total) in [
            ("jails_live", "live"),
            ("jails_marked", "marked"),
            ("jails_leased", "in_use"),
            ("jails_unmounted", "unmounted"),
            ("jails_failed", "failed"),
            ("storage_returned_bytes", "storage_returned"),
        ] {
            assert_eq!(figure(path, name), totals[total].as_f64().unwrap(), "{name}: {totals}");
        }
        // Others' jails may be among them, each by its name.
        assert_eq!(swept.outcome(user.uid), outcome, "{swept:?}");
        let jails = swept.object()["jails"].as_array().unwrap().clone();
        for word in ["marked", "unmounted"] {
            let those = jails.iter().filter(|jail| jail["outcome"] == word).count();
            assert_eq!(figure(path, &format!("jails_{word}")), those as f64, "{swept:?}");
        }
        assert_eq!(figure(path, "sweep_success"), 1.0);
        assert!((0.0..60.0).contains(&figure(path, "sweep_seconds")));
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(names(&shelf.0), ["trampoline.prom"]);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_went_with_a_jail_that_was_unmounted_is_counted_with_that_sweep_and_no_other() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let file = shelf.file("trampoline.prom");
    let sweep = || {
        let swept = reaped::run(&["--json", "--metrics", &file]);
        let returned = swept.object()["totals"]["storage_returned"].as_u64();
        assert_eq!(returned.map(|bytes| bytes as f64), Some(figure(Path::new(&file), "storage_returned_bytes")), "{swept:?}");
        (swept.outcome(user.uid), returned.unwrap())
    };
    let marked = ("marked".to_owned(), 0);
    let write = |bytes: u32| user.shell(&format!("head -c {bytes} /dev/zero > /dev/shm/kept"));
    write(3_000_000);
    assert_eq!(sweep(), marked);
    // Somebody comes back, and what there was is what he leaves behind.
    write(1_000_000);
    assert_eq!(sweep(), marked);
    assert_eq!(sweep(), ("unmounted".to_owned(), 1_003_520), "in whole pages");
    user.ensure();
    assert_eq!([sweep(), sweep()], [marked, ("unmounted".to_owned(), 0)]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_no_pin_and_what_is_being_made_have_figures_of_their_own() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let (file, stranger, place) = (shelf.file("trampoline.prom"), "/pins/no pin of anybody", format!("/pins/{}", user.uid));
    user.ensure();
    seen::take_down(user.uid);
    let put = |paths: &[&str]| seen::in_holder(|| paths.iter().try_for_each(|path| fs::write(path, "")).map(|()| 1));
    let take = |path: &str| seen::in_holder(|| fs::remove_file(path).map(|()| 1));
    assert_eq!(put(&[stranger, &place]), 1);
    // Who makes a jail has its lock, and then its place, and then its pin.
    let making = process::flock(&format!("{STATE}/jails/{}", user.uid));
    for (held, outcome) in [(Some(making), "in-making"), (None, "cleared")] {
        let swept = reaped::run(&["--json", "--metrics", &file]);
        assert_eq!(swept.outcome(user.uid), outcome, "{swept:?}");
        let totals = swept.object()["totals"].clone();
        for (name, total) in [("jails_in_making", "in_making"), ("names_left_alone", "left_alone")] {
            assert_eq!(figure(Path::new(&file), name), totals[total].as_f64().unwrap(), "{name}: {totals}");
        }
        assert!(totals["in_making"].as_u64() >= Some(u64::from(held.is_some())), "{totals}");
        assert!(totals["left_alone"].as_u64() >= Some(1), "{totals}");
        drop(held);
    }
    assert_eq!(take(stranger), 1);
    user.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reader_finds_the_old_file_or_the_new_one_and_never_half_of_one() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let file = shelf.file("x.prom");
    reaped::run(&["--metrics", &file]).well();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !over.load(Ordering::SeqCst) {
                let text = fs::read_to_string(&file).unwrap();
                assert!(text.ends_with('\n') && text.contains("trampoline_storage_returned_bytes 0\n"), "{text}");
                looks += 1;
            }
            looks
        });
        (0..30).for_each(|_| reaped::run(&["--metrics", &file]).well());
        over.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 30);
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_two_reapers_that_write_the_same_file_each_writes_all_of_it() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let file = shelf.file("x.prom");
    user.ensure();
    // The first is held up before the new file has its name, the second before it has anything in it.
    let held_up = |call: &str, delay: &str| {
        let mut command = Command::new("strace");
        command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={call}:{delay}")]);
        command.arg(program("reaper")).args(["--metrics", &file]).stderr(Stdio::piped()).spawn().unwrap()
    };
    // The note of marks has its name before the figures have theirs.
    let first = held_up("renameat", "delay_enter=600000:when=2");
    assert!(seen::within(Duration::from_secs(5), || Path::new(&shelf.file(".x.prom.new")).exists()));
    let second = held_up("fchmod", "delay_enter=300000");
    let (mut looks, mut children) = (0, [first, second]);
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        if let Ok(text) = fs::read_to_string(&file) {
            assert!(text.contains("trampoline_storage_returned_bytes 0\n"), "{text:?}");
            looks += 1;
        }
    }
    for child in children {
        let done = reaped::of(&child.wait_with_output().unwrap());
        done.well();
    }
    assert!(looks > 0);
    assert_eq!(names(&shelf.0), ["x.prom"]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn between_a_sweep_and_its_figures_no_other_sweeps() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    user.ensure();
    // Held up where it opens the directory of its figures, its sweep done.
    let mut command = Command::new("strace");
    command.args(["-qq", "-o", "/dev/null", "-P", shelf.0.to_str().unwrap(), "-e", "inject=openat2,openat:delay_enter=4000000"]);
    command.arg(program("reaper")).args(["-v", "--metrics", &shelf.file("x.prom")]);
    let mut first = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(first.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("sweep: ") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "no end of a sweep was said");
    }
    let second = reaped::run(&["--json"]);
    assert_eq!((second.code, second.object()["result"].as_str()), (0, Some("left")), "{second:?}");
    assert!(first.wait().unwrap().success());
    assert_eq!(names(&shelf.0), ["x.prom"]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_locks_the_directory_that_everybody_may_open_keeps_no_figures_from_it() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let dir = shelf.0.to_str().unwrap().to_owned();
    let mut locking = Command::new("flock");
    process::before_exec(locking.args([dir.as_str(), "sleep", "60"]), || process::become_user(WWW, WWW));
    let mut locking = locking.spawn().unwrap();
    assert!(seen::within(Duration::from_secs(5), || {
        let tried = Command::new("flock").args(["--nonblock", &dir, "true"]).status().unwrap();
        !tried.success()
    }));
    reaped::run(&["--metrics", &shelf.file("x.prom")]).well();
    assert_eq!(names(&shelf.0), ["x.prom"]);
    // flock(1) waits for what it started, which has the lock as well.
    seen::children(locking.id()).into_iter().for_each(|child| process::kill(child, libc::SIGKILL));
    locking.wait().unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_link_in_the_place_of_the_file_or_of_what_is_written_first_is_replaced_and_never_followed() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let precious = user.in_home("precious");
    fs::write(&precious, "precious").unwrap();
    for name in ["x.prom", ".x.prom.new"] {
        symlink(&precious, shelf.file(name)).unwrap();
    }
    reaped::run(&["--metrics", &shelf.file("x.prom")]).well();
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
    assert_eq!(names(&shelf.0), ["x.prom"]);
    let meta = fs::symlink_metadata(shelf.file("x.prom")).unwrap();
    assert!(meta.is_file() && meta.nlink() == 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_file_that_cannot_be_written_fails_the_run_and_not_the_sweep() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    symlink(&shelf.0, shelf.file("link")).unwrap();
    fs::create_dir(shelf.file("taken.prom")).unwrap();
    process::fifo(&shelf.file("pipe.prom")).unwrap();
    let null = shelf.file("null");
    assert!(Command::new("mknod").args([&null, "c", "1", "3"]).status().unwrap().success());
    fs::create_dir(shelf.file("full")).unwrap();
    let full = shelf.file("full");
    process::mount("tmpfs", &full, "tmpfs", 0, "size=8k").unwrap();
    fs::write(format!("{full}/x.prom"), "old").unwrap();
    // Whatever is free is taken; what is there of the file is not.
    drop(fs::write(format!("{full}/filler"), vec![0; 1 << 20]));

    let before = names(&shelf.0);
    for (name, why) in [
        ("missing/x.prom", "(ENOENT); see that it is there and spelled right\n"),
        ("link/x.prom", "a symbolic link is on the way"),
        ("taken.prom", "something else than a file has that name"),
        ("pipe.prom", "something else than a file has that name"),
        ("null", "something else than a file has that name"),
        ("full/x.prom", "make room first"),
    ] {
        user.ensure();
        for outcome in ["marked", "unmounted"] {
            let swept = reaped::run(&["--json", "--metrics", &shelf.file(name)]);
            assert_eq!((swept.code, swept.outcome(user.uid).as_str()), (125, outcome), "{name}: {swept:?}");
            assert!(swept.err.contains(why) && swept.err.lines().count() == 1, "{name}: {swept:?}");
            assert_eq!(swept.object()["result"], "complete", "{name}");
        }
    }
    assert_eq!(fs::read_to_string(format!("{full}/x.prom")).unwrap(), "old");
    assert_eq!(names(Path::new(&full)), ["filler", "x.prom"], "nothing half made is left");
    assert_eq!(names(&shelf.0), before);
    assert!(fs::metadata(&null).unwrap().file_type().is_char_device() && fs::read(&null).unwrap().is_empty());
    fs::remove_file(format!("{full}/filler")).unwrap();
    reaped::run(&["--metrics", &format!("{full}/x.prom")]).well();
    assert_eq!(figure(Path::new(&format!("{full}/x.prom")), "sweep_success"), 1.0);
    process::unmount(&full, 0).unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_failed_shows_and_a_sweep_that_found_another_at_work_leaves_the_file_to_that() {
    let user = User::new();
    let shelf = Shelf::of(&user);
    let _ours_alone = sweep::ours();
    let file = shelf.file("x.prom");
    let state = crate::common::STATE;
    let lock = process::flock(&format!("{state}/jails"));
    assert_eq!(reaped::run(&["--metrics", &file]).code, 0);
    drop(lock);
    assert_eq!(names(&shelf.0), [""; 0]);

    user.ensure();
    let (dir, aside) = (format!("{state}/jails/{}", user.uid), format!("{state}/jails/.aside-{}", user.uid));
    fs::rename(&dir, &aside).unwrap();
    symlink(&aside, &dir).unwrap();
    let codes = [0; 2].map(|_| reaped::run(&["--metrics", &file]).code);
    fs::remove_file(&dir).unwrap();
    fs::rename(&aside, &dir).unwrap();
    assert_eq!(codes, [0, 125]);
    assert_eq!((figure(Path::new(&file), "jails_failed"), figure(Path::new(&file), "sweep_success")), (1.0, 0.0));
}
