//! Races: somebody changes what trampoline is about to look at, over and over, while it looks. Each runs a fixed number of
//! rounds and says how many; `JAIL_ROUNDS` multiplies it.

use crate::common::attacker::{Attacker, exchange, rounds};
use crate::common::call::Done;
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{WWW, process, seen};
use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown, symlink};

fn c(path: impl AsRef<std::path::Path>) -> CString {
    CString::new(path.as_ref().to_str().unwrap()).unwrap()
}

/// A directory that only root reaches, and in it one called `home` that the user owns: whoever follows the user's link there
/// with root's rights finds nothing wrong with the owner.
fn trap(user: &User) -> Scratch {
    let trap = Scratch::new(&user.name);
    fs::create_dir(trap.0.join("home")).unwrap();
    fs::write(trap.0.join("home/secret"), "x").unwrap();
    chown(trap.0.join("home"), Some(user.uid), Some(user.uid)).unwrap();
    trap
}

/// A user whose home lies two levels below what the user owns: `/home/NAME/a/home`, with a file `mine` in it.
fn user_with_a_deep_home() -> User {
    let user = User::new();
    for dir in ["a", "a/home"] {
        fs::create_dir(user.in_home(dir)).unwrap();
        chown(user.in_home(dir), Some(user.uid), Some(user.uid)).unwrap();
    }
    fs::write(user.in_home("a/home/mine"), "").unwrap();
    user.set("home", &format!("{}/a/home", user.home));
    user
}

/// Makes the jail anew in each round while two names change places. Every entry shows the user's own home or fails; and the
/// host's mount table stays as it was.
fn swapped(what: &str, usual: u32, user: &User, one: &str, two: &str) {
    // Of ours; other tests mount as well.
    let own = |line: &String| line.contains(&user.name) || line.contains(&format!("/{}/", user.uid));
    let mounts = || seen::mounts().into_iter().filter(own).collect::<Vec<_>>();
    let before = mounts();
    let (one, two) = (c(user.in_home(one)), c(user.in_home(two)));
    let (mut entered, mut refused) = (0, 0);
    let attacker = Attacker::start(user.uid, user.uid, || drop(exchange(&one, &two)));
    let rounds = rounds(usual);
    for round in 0..rounds {
        seen::take_down(user.uid);
        let done = user.run(&["ls", "-A"]);
        if done.status.success() {
            assert_eq!(done.text(), "mine", "round {round}: somebody else's directory is the home");
            entered += 1;
        } else {
            let said = done.failed(125);
            let why = [
                "a symbolic link is on the way",
                "Not a directory",
                "No such file",
                "does not exist",
                "Permission denied",
                "owns it",
            ];
            assert!(why.iter().any(|w| said.contains(w)), "round {round}: {said}");
            refused += 1;
        }
        assert_eq!(mounts(), before, "round {round}");
    }
    drop(attacker);
    println!("{what}: {rounds} rounds, {entered} entered, {refused} refused, 0 led astray");
    assert!(entered > 0 && refused > 0, "{what}: {entered} entered and {refused} refused: the race was not run");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_on_the_way_to_the_home_that_turns_into_a_link_and_back_leads_nowhere_else() {
    let user = user_with_a_deep_home();
    let trap = trap(&user);
    symlink(&trap.0, user.in_home("link")).unwrap();
    swapped("a component on the way", 100, &user, "a", "link");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_turns_into_a_link_and_back_leads_nowhere_else() {
    let user = user_with_a_deep_home();
    let trap = trap(&user);
    symlink(trap.0.join("home"), user.in_home("link")).unwrap();
    swapped("the home itself", 100, &user, "a/home", "link");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_turns_into_a_file_and_back_is_a_home_or_a_failure() {
    let user = user_with_a_deep_home();
    fs::write(user.in_home("file"), "").unwrap();
    chown(user.in_home("file"), Some(user.uid), None).unwrap();
    swapped("a file in the place of the home", 60, &user, "a/home", "file");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_a_stranger_swaps_for_a_directory_of_his_own_is_never_shown() {
    // The directory above belongs to nobody in particular: a stranger may rename what is in it.
    let (user, stranger) = (User::new(), User::without_jail());
    let above = user.in_home("above");
    fs::DirBuilder::new().mode(0o777).create(&above).unwrap();
    fs::set_permissions(&above, Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    for (dir, owner, file) in [("home", user.uid, "mine"), ("other", stranger.uid, "bait")] {
        fs::create_dir(above.join(dir)).unwrap();
        fs::write(above.join(dir).join(file), "").unwrap();
        chown(above.join(dir), Some(owner), Some(owner)).unwrap();
        fs::set_permissions(above.join(dir), Permissions::from_mode(0o777)).unwrap();
    }
    user.set("home", &format!("{}/above/home", user.home));
    let (one, two) = (c(above.join("home")), c(above.join("other")));
    let attacker = Attacker::start(stranger.uid, stranger.uid, || drop(exchange(&one, &two)));
    let (mut entered, mut refused) = (0, 0);
    let rounds = rounds(60);
    for _ in 0..rounds {
        seen::take_down(user.uid);
        let done = user.run(&["ls", "-A"]);
        if done.status.success() {
            assert_eq!(done.text(), "mine", "the stranger's directory is the home");
            entered += 1;
        } else {
            assert!(done.failed(125).contains(&format!("uid {} owns it", stranger.uid)), "{}", done.err);
            refused += 1;
        }
    }
    drop(attacker);
    println!("a stranger's directory in the place of the home: {rounds} rounds, {entered} entered, {refused} refused");
    assert!(entered > 0 && refused > 0, "the race was not run");
}

/// What a program says of where it is.
fn is_at_home(user: &User, done: &Done) {
    assert_eq!(done.well(), format!("{0}\n{0}", user.home));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_caller_s_directory_stays_outside_while_it_is_swapped_removed_and_made_again() {
    let user = User::new();
    let place = User::without_jail();
    chown(&place.home, Some(WWW), Some(WWW)).unwrap();
    let (dir, link, made) = (place.in_home("dir"), place.in_home("link"), place.in_home("made"));
    fs::create_dir(&dir).unwrap();
    fs::create_dir(place.in_home("kept")).unwrap();
    symlink("/root", &link).unwrap();
    let (one, two, gone) = (c(&dir), c(&link), made.clone());
    let attacker = Attacker::start(WWW, WWW, move || {
        drop(exchange(&one, &two));
        drop(fs::remove_dir(&gone));
        drop(fs::create_dir(&gone));
    });
    let rounds = rounds(60);
    for round in 0..rounds {
        if round % 2 == 0 {
            seen::take_down(user.uid);
        }
        let at = [dir.clone(), made.clone(), place.in_home("kept")][round as usize % 3].clone();
        let done = user
            .call(&["python3", "-I", "-c", "import os; print(os.getcwd()); print(os.readlink('/proc/self/cwd'))"])
            .after(move || {
                // Whether it is there just now is a matter of luck; if not, the directory stays `/`.
                drop(std::env::set_current_dir(&at));
                Ok(())
            })
            .run();
        is_at_home(&user, &done);
    }
    drop(attacker);
    println!("the caller's directory: {rounds} rounds");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_in_a_directory_that_is_gone_or_that_only_root_reaches_starts_a_program_at_home() {
    let user = User::new();
    let hidden = Scratch::new(&user.name);
    for dir in ["gone", "hidden"] {
        let at = hidden.0.join(dir);
        for _cold_then_warm in 0..2 {
            fs::create_dir(&at).unwrap();
            let (inside, gone) = (at.clone(), dir == "gone");
            let done = user
                .call(&["python3", "-I", "-c", "import os; print(os.getcwd()); print(os.readlink('/proc/self/cwd'))"])
                .by(0, 0)
                .after(move || {
                    std::env::set_current_dir(&inside)?;
                    if gone {
                        fs::remove_dir(&inside)?;
                    }
                    process::become_user(WWW, WWW)
                })
                .run();
            is_at_home(&user, &done);
            drop(fs::remove_dir(&at));
        }
        seen::take_down(user.uid);
    }
}

/// A look of a process of the same uid, outside of the jail, at everything of that uid which is trampoline still: its
/// descriptors, its memory, its root. Says what was reached.
const THIEF: &str = "
import os, sys
uid, out = int(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
own, looks = os.getpid(), 0
while True:
    for pid in os.listdir('/proc'):
        if not pid.isdigit() or int(pid) == own:
            continue
        try:
            if os.stat('/proc/' + pid).st_uid not in (uid, 0) or open('/proc/%s/comm' % pid).read() != 'trampoline\\n':
                continue
        except OSError:
            continue
        looks += 1
        if looks in (1, 10, 100, 1000, 10000):
            os.write(out, b'looked %d\\n' % looks)
        for what in ('fd', 'root', 'cwd', 'exe', 'mem', 'environ', 'ns/mnt', 'map_files'):
            try:
                path = '/proc/%s/%s' % (pid, what)
                got = os.listdir(path) if what in ('fd', 'map_files') else os.open(path, os.O_RDONLY) if what in ('mem', 'environ') else os.readlink(path)
                if open('/proc/%s/comm' % pid).read() == 'trampoline\\n':
                    os.write(out, b'reached %s %s\\n' % (what.encode(), repr(got).encode()))
            except OSError:
                pass
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_process_of_the_user_s_outside_cannot_look_into_an_entry_at_any_moment() {
    let user = User::new();
    let out = user.in_home("seen").to_str().unwrap().to_owned();
    let uid = user.uid.to_string();
    let mut thief = std::process::Command::new("/usr/bin/python3");
    thief.args(["-I", "-c", THIEF, &uid, &out]).env_clear().current_dir("/");
    let as_user = user.uid;
    process::before_exec(&mut thief, move || process::become_user(as_user, as_user));
    let mut thief = thief.spawn().unwrap();
    let rounds = rounds(60);
    for round in 0..rounds {
        if round % 2 == 0 {
            seen::take_down(user.uid);
        }
        user.run(&["true"]).well();
    }
    thief.kill().unwrap();
    thief.wait().unwrap();
    let text = fs::read_to_string(&out).unwrap_or_default();
    let looks = text.lines().rfind(|line| line.starts_with("looked ")).unwrap_or("looked 0 times").to_owned();
    let reached: Vec<&str> = text.lines().filter(|line| line.starts_with("reached ")).collect();
    assert!(reached.is_empty(), "{reached:?}");
    println!("a thief of the same uid: {rounds} entries, {looks} or more");
    assert!(text.contains("looked 1\n"), "the thief never saw an entry");
}
