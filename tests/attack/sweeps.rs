//! The reaper among names that are no pins, pins that look alike, other reapers and entries.

use crate::common::attacker::rounds;
use crate::common::call::Call;
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{STATE, executable, process, program, seen, sweep};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

/// A session of the user's that lasts until it is told to end.
fn session(user: &User) -> crate::common::call::Running {
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    running
}

/// A sweep, which must be complete; all that it said, each line between line ends.
fn reaper() -> String {
    let done = Command::new(program("reaper")).arg("-v").env_clear().output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    format!("\n{said}")
}

fn ended(running: crate::common::call::Running) {
    running.signal(libc::SIGTERM);
    running.end();
}

fn path(name: &[u8]) -> std::path::PathBuf {
    std::path::Path::new("/pins").join(OsStr::from_bytes(name))
}

/// Names among the pins that the tests put there, gone with this value whatever they are.
struct Strangers(Vec<Vec<u8>>);

impl Drop for Strangers {
    fn drop(&mut self) {
        seen::in_holder(|| {
            for path in self.0.iter().map(|name| path(name)) {
                if let Some(path) = path.to_str() {
                    drop(process::unmount(path, libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW));
                }
                drop(fs::remove_file(&path));
                drop(fs::remove_dir(&path));
            }
            Ok(0)
        });
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_no_pin_of_a_jail_is_left_as_it_is_and_leads_to_no_other() {
    let (user, idle) = (User::new(), User::new());
    let _sweeps = sweep::ours();
    let running = session(&user);
    idle.ensure();
    let (pin, other) = (user.uid.to_string(), idle.uid.to_string());
    // Numbers of users without a jail, and names that a careless reader takes for a number.
    let free: Vec<User> = (0..5).map(|_| User::without_jail()).collect();
    let number = |i: usize| free[i].uid.to_string();
    let odd: Vec<Vec<u8>> = [
        format!("{pin} (deleted)"),
        format!("0{pin}"),
        format!(" {pin}"),
        format!("{pin} "),
        format!("{pin}\n"),
        format!("{pin}\\040"),
        format!("-{pin}"),
        format!("{pin}.old"),
        "0".into(),
        "4294967295".into(),
        "4294967296".into(),
        "a b\tc".into(),
        ".hidden".into(),
    ]
    .map(String::into_bytes)
    .into_iter()
    .chain([b"\xff\xfe".to_vec()])
    .collect();
    let all = Strangers([0, 1, 2, 3].map(|i| number(i).into_bytes()).into_iter().chain(odd.iter().cloned()).collect());
    let made = seen::in_holder(|| {
        symlink(&pin, path(number(0).as_bytes()))?;
        symlink("/", path(number(1).as_bytes()))?;
        fs::create_dir(path(number(2).as_bytes()))?;
        fs::write(path(number(3).as_bytes()), "text")?;
        for name in &odd {
            symlink(&other, path(name))?;
        }
        Ok(1)
    });
    assert_eq!(made, 1);
    for _ in 0..3 {
        let said = reaper();
        assert!(said.contains(&format!("\n{pin}: in use\n")), "{said}");
        assert!(said.contains(&format!("{} left alone\n", 4 + odd.len())), "{said}");
        for i in 0..4 {
            assert!(said.contains(&format!("{}: no pin of a jail, left alone", number(i))), "{i}: {said}");
        }
    }
    // The idle one went by its own name; nothing else did.
    assert!(!seen::is_pinned(idle.uid) && seen::is_pinned(user.uid));
    let there = seen::in_holder(|| Ok(u8::from(all.0.iter().all(|name| fs::symlink_metadata(path(name)).is_ok())) + 1));
    assert_eq!(there, 2, "something that is no pin went");
    ended(running);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_pin_whose_number_is_the_beginning_of_another_s_is_another_pin() {
    let user = User::new();
    let sweeps = sweep::ours();
    let running = session(&user);
    let whole = user.uid.to_string();
    let prefixes: Vec<&str> = (1..whole.len()).map(|end| &whole[..end]).collect();
    let _all = Strangers(prefixes.iter().map(|name| name.as_bytes().to_vec()).collect());
    let space = process::open("/proc/self/ns/uts", libc::O_RDONLY).unwrap();
    let made = seen::in_holder(|| {
        for name in &prefixes {
            fs::write(format!("/pins/{name}"), "")?;
            process::hang(&space, &format!("/pins/{name}"))?;
        }
        Ok(1)
    });
    assert_eq!(made, 1);
    assert!(prefixes.iter().all(|name| seen::is_pinned(name.parse().unwrap())));
    // They are no pins of jails either, and so they stay; what matters is that nobody takes one for the other.
    for _ in 0..3 {
        assert_eq!(sweeps.sweep(user.uid), "in use");
    }
    assert!(prefixes.iter().all(|name| seen::is_pinned(name.parse().unwrap())), "what is foreign went");
    assert!(seen::is_pinned(user.uid));
    ended(running);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nobody_but_root_sweeps_not_even_by_a_setuid_bit_that_was_set_by_mistake() {
    let user = User::new();
    let place = Scratch::new(&user.name);
    let copy = place.0.join("reaper");
    executable::copied(program("reaper"), &copy, (0, 0), 0o4755);
    fs::set_permissions(&place.0, Permissions::from_mode(0o755)).unwrap();
    // What the caller may name for root to write.
    let shadow = place.0.join("shadow");
    fs::write(&shadow, "root's").unwrap();
    fs::set_permissions(&shadow, Permissions::from_mode(0o600)).unwrap();
    let sweeps = sweep::ours();
    user.ensure();
    for reaper in [program("reaper"), copy] {
        for caller in [33, user.uid, 65_534] {
            for words in [&["-v"][..], &["-v"], &["-v", "--metrics", shadow.to_str().unwrap()]] {
                let done = Call::of(&reaper, words).by(caller, caller).run();
                assert_eq!((done.code(), done.text().as_str()), (77, ""));
                assert_eq!(fs::read_to_string(&shadow).unwrap(), "root's");
                assert!(done.err.contains("only root sweeps"), "{}", done.err);
            }
        }
    }
    assert_eq!(sweeps.sweep(user.uid), "marked", "somebody marked it before");
    assert!(seen::is_pinned(user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_two_sweeps_at_once_one_leaves_the_work_to_the_other_and_a_dead_one_holds_nobody_up() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.ensure();
    let held = process::flock(&format!("{STATE}/jails"));
    let start = std::time::Instant::now();
    assert!(reaper().contains("nothing done"));
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(held);
    assert_eq!(sweeps.sweep(user.uid), "marked", "the sweep that did nothing marked it");
    // Killed at any instant, it leaves nothing that the next would have to wait for or to mend.
    let rounds = rounds(20);
    for round in 0..rounds {
        user.ensure();
        let mut child = Command::new(program("reaper")).env_clear().spawn().unwrap();
        std::thread::sleep(Duration::from_micros(u64::from(round % 20) * 50));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = sweeps.sweep(user.uid);
        assert!(["marked", "unmounted", "not mentioned", "empty place removed"].contains(&said.as_str()), "{said}");
    }
    // All at once.
    let running = session(&user);
    for _ in 0..5 {
        let all: Vec<_> = (0..4).map(|_| Command::new(program("reaper")).env_clear().spawn().unwrap()).collect();
        all.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    }
    assert!(seen::is_pinned(user.uid));
    ended(running);
    println!("{rounds} killed sweeps, 20 at once by four");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn entries_of_many_users_and_sweeps_without_pause_lose_no_call_and_nothing_in_tmp() {
    let users: Vec<User> = (0..4).map(|_| User::new()).collect();
    let _sweeps = sweep::ours();
    let (end, rounds) = (std::sync::atomic::AtomicBool::new(false), rounds(40));
    let (mut sweeps, mut fresh) = (0, 0);
    std::thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            let mut count = 0;
            while !end.load(std::sync::atomic::Ordering::SeqCst) {
                assert!(Command::new(program("reaper")).env_clear().status().unwrap().success());
                count += 1;
            }
            count
        });
        let loops: Vec<_> = users
            .iter()
            .map(|user| {
                scope.spawn(move || {
                    let mut jails = std::collections::BTreeSet::new();
                    for round in 1..=rounds {
                        let text = user.shell("readlink /proc/self/ns/ipc; echo x >> /tmp/kept; wc -l < /tmp/kept; ls -A /proc/1/root 2>/dev/null | wc -l; ls / | wc -l");
                        let lines: Vec<&str> = text.lines().collect();
                        assert_eq!(lines[1], round.to_string(), "tmp lost something");
                        assert!(lines[3].parse::<u32>().unwrap() > 5, "not a whole jail: {text}");
                        jails.insert(lines[0].to_owned());
                    }
                    jails.len()
                })
            })
            .collect();
        fresh = loops.into_iter().map(|l| l.join().unwrap()).sum();
        end.store(true, std::sync::atomic::Ordering::SeqCst);
        sweeps = sweeper.join().unwrap();
    });
    println!("{} entries of 4 users, {fresh} jails or more, {sweeps} sweeps", 4 * rounds);
}
