//! `user rm`: who is in may finish, nobody else comes in, and no home goes that is not ours to remove.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{STATE, WWW, process, program, seen};
use crate::world::World;
use crate::{Said, jailbase};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_removal_waits_for_whom_it_finds_and_lets_nobody_else_in() {
    let user = User::new();
    let running = user.call(&["sh", "-c", "touch ready; while ! [ -e end ]; do sleep 0.05; done; echo finished"]).start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    let mut command = Command::new(program("jailbase"));
    command.args(["user", "rm", &user.name, "--purge", "--wait", "30"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut removal = command.spawn().unwrap();
    let refused = || user.call(&["true"]).by(WWW, WWW).run().err.contains("not now: this jail is being drained");
    assert!(seen::within(Duration::from_secs(5), refused), "people are let in");
    assert!(removal.try_wait().unwrap().is_none(), "it did not wait");
    fs::write(user.in_home("end"), "").unwrap();
    assert_eq!(running.end().well(), "finished");
    let said = Said::of(&removal.wait_with_output().unwrap());
    let gone = format!("{} (uid {}): removed, with {} and all in it\n", user.name, user.uid, user.file("tmp").display());
    assert_eq!((said.code, said.out), (0, gone), "{}", said.err);
    assert!(!user.file("").exists() && user.in_home("ready").exists());
    user.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_removal_that_waited_long_enough_changes_nothing() {
    let user = User::new();
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    let before = fs::read_to_string(user.file("spec")).unwrap();
    jailbase(["user", "rm", &user.name, "--purge", "--wait", "0"]).no(77, "give them longer with --wait");
    assert_eq!(fs::read_to_string(user.file("spec")).unwrap(), before);
    assert_eq!(Call::new(["--ensure", &user.name]).run().well(), "");
    running.signal(libc::SIGTERM);
    running.end();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_goes_only_if_jailbase_made_it_and_somebody_says_so() {
    let world = World::new("homes");
    world.accounts(&[("ann", 2001, 2001), ("bob", 2002, 2002)]);
    world.groups(&[("ann", 2001, ""), ("bob", 2002, "")]);
    let home = |name: &str| world.dir.join("home").join(name);
    fs::create_dir(home("bob")).unwrap();
    std::os::unix::fs::chown(home("bob"), Some(2002), Some(2002)).unwrap();
    for name in ["ann", "bob"] {
        world.jailbase(&format!("user add {name} --create-home")).well();
        fs::write(home(name).join("work"), "years of it").unwrap();
    }
    let before = world.digest();
    world.jailbase("user rm bob --purge --remove-home").no(77, "there is no record that jailbase made the home");
    assert_eq!(world.digest(), before, "refused, and something was done");
    world.jailbase("user rm bob --purge").well();
    world.jailbase("user rm ann --purge").well();
    assert!(home("ann").join("work").exists() && home("bob").join("work").exists());
    // Given a jail again, the home is one that is there: nobody knows any more who made it.
    world.jailbase("user add ann --create-home").well();
    world.jailbase("user rm ann --remove-home").no(77, "there is no record that jailbase made the home");
    world.jailbase("user rm ann --purge").well();
    fs::remove_dir_all(home("ann")).unwrap();
    world.jailbase("user add ann --create-home").well();
    // The record outlives a new description, and a home that was put in the place of the old one is not the one we made.
    world.jailbase("user add ann --cpu 5").well();
    fs::rename(home("ann"), home("kept")).unwrap();
    fs::create_dir(home("ann")).unwrap();
    std::os::unix::fs::chown(home("ann"), Some(2001), Some(2001)).unwrap();
    world.jailbase("user rm ann --remove-home").no(77, "is not the home that jailbase made any more");
    fs::remove_dir(home("ann")).unwrap();
    fs::rename(home("kept"), home("ann")).unwrap();
    fs::write(home("ann").join("work"), "a test's").unwrap();
    let said = world.jailbase("user rm ann --purge --remove-home").well();
    assert!(said.ends_with("jails/2001/tmp and /home/ann and all in it\n"), "{said}");
    let left: Vec<_> = fs::read_dir(world.dir.join("home")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["bob"]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_somebody_made_again_in_its_place_is_his_whatever_inode_it_has() {
    let world = World::new("homes-again");
    world.accounts(&[("ann", 2001, 2001)]);
    world.jailbase("user add ann --create-home").well();
    let home = world.dir.join("home/ann");
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&home).unwrap());
    let first = inode();
    fs::remove_dir(&home).unwrap();
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(2001), Some(2001)).unwrap();
    fs::write(home.join("work"), "years of it").unwrap();
    println!("the same inode: {}", inode() == first);
    world.jailbase("user rm ann --remove-home").no(77, "is not the home that jailbase made any more");
    assert!(home.join("work").exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn homes_beside_one_another_go_at_once_and_each_is_gone() {
    let world = World::new("at-once");
    let names = ["ann", "bob", "eve"];
    let uids = [2001, 2002, 2003];
    world.accounts(&std::array::from_fn::<_, 3, _>(|at| (names[at], uids[at], uids[at])));
    world.groups(&std::array::from_fn::<_, 3, _>(|at| (names[at], uids[at], "")));
    for _ in 0..5 {
        for name in names {
            world.jailbase(&format!("user add {name} --create-home")).well();
            for dir in 0..40 {
                let dir = world.dir.join(format!("home/{name}/{dir}"));
                fs::create_dir(&dir).unwrap();
                (0..10).for_each(|file| fs::write(dir.join(file.to_string()), "").unwrap());
            }
        }
        let each = names.map(|name| format!("jailbase user rm {name} --purge --remove-home & {name}=$!\n"));
        let waits = names.map(|name| format!("wait ${name}\n"));
        world.shell(&(each.concat() + &waits.concat())).well();
        assert_eq!(fs::read_dir(world.dir.join("home")).unwrap().count(), 0);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_a_removed_user_kept_is_no_fault_to_du() {
    let world = World::new("kept");
    world.accounts(&[("ann", 2001, 2001), ("bob", 2002, 2002)]);
    world.groups(&[("ann", 2001, ""), ("bob", 2002, "")]);
    for name in ["ann", "bob"] {
        world.jailbase(&format!("user add {name} --create-home")).well();
    }
    world.jailbase("user rm ann").well();
    let said = world.jailbase("du");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("bob") && !said.out.contains("ann"), "{}", said.out);
    assert!(
        said.err.contains("uid 2001 is left out: no jail, but files; jailbase user rm 2001 --purge removes them"),
        "{}",
        said.err
    );
    world.jailbase("user rm 2001 --purge").well();
    world.jailbase("du").well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_waits_for_one_jail_s_lock_holds_up_no_other_jail() {
    let (purged, other) = (User::new(), User::new());
    // As a purge has it that takes its time.
    let held = process::flock(&format!("{STATE}/jails/{}", purged.uid));
    let words = ["user", "set", &purged.name, "--cpu", "7"];
    let mut waiting = Command::new(program("jailbase")).args(words).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    jailbase(["user", "set", &other.name, "--cpu", "5"]).well();
    assert!(start.elapsed() < Duration::from_secs(3), "another's jail was waited for: {:?}", start.elapsed());
    assert!(waiting.try_wait().unwrap().is_none(), "nobody was waiting");
    drop(held);
    assert!(waiting.wait().unwrap().success());
    assert!(fs::read_to_string(purged.file("spec")).unwrap().contains("cpu = 7\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_an_interrupted_purge_left_is_purged_while_others_have_their_lock() {
    let user = User::new();
    fs::create_dir(user.file(".purge")).unwrap();
    fs::write(user.file(".purge/left"), "").unwrap();
    let trace = user.in_home("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-y", "-e", "trace=flock,close,unlinkat", "-o"]).arg(&trace);
    let done = traced.arg(program("jailbase")).args(["user", "rm", &user.name]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let trace = fs::read_to_string(&trace).unwrap();
    let of_all = format!("</{}/jails>", STATE.trim_start_matches('/'));
    let (mut held, mut was_held) = (None, false);
    for line in trace.lines() {
        let number = |call: &str| line.split_once(call)?.1.split_once(&of_all).map(|(number, _)| number.to_owned());
        held = number(" flock(").or(held).filter(|held| number(" close(").as_ref() != Some(held));
        was_held |= held.is_some();
        if line.contains("\"left\"") {
            assert!(was_held, "nobody took the lock of all jails: {trace}");
            assert_eq!(held, None, "{line}: with the lock of all jails held\n{trace}");
            return;
        }
    }
    panic!("it was not purged: {trace}");
}
