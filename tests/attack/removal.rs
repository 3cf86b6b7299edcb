//! Root removes what a user filled: `jailbase user rm --purge`, while the user does what he can about it.

use crate::common::attacker::{Attacker, exchange, rounds};
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{STATE, process, program, seen};
use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn purge(user: &User) -> Output {
    Command::new(program("jailbase")).args(["user", "rm", &user.name, "--purge"]).output().unwrap()
}

fn purged(user: &User) {
    let done = purge(user);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!user.file("").exists());
}

/// Something of root's that must stay, and how it looks.
fn treasure(user: &User) -> (Scratch, String) {
    let place = Scratch::new(&user.name);
    fs::create_dir_all(place.0.join("deep/er")).unwrap();
    for name in ["file", "deep/file", "deep/er/file"] {
        fs::write(place.0.join(name), "kept").unwrap();
    }
    let look = look(&place.0);
    (place, look)
}

fn look(place: &Path) -> String {
    let done = Command::new("find").arg(place).args(["-printf", "%P %y %m %U %G %s %i %C@\\n"]).output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_purge_follows_no_link_and_empties_no_mount() {
    let user = User::new();
    let (kept, before) = treasure(&user);
    let tmp = user.file("tmp");
    fs::create_dir_all(tmp.join("a/b")).unwrap();
    for (name, to) in [("link", kept.0.to_str().unwrap()), ("a/up", ".."), ("a/b/root", "/"), ("a/loop", "loop"), ("etc", "/etc")]
    {
        symlink(to, tmp.join(name)).unwrap();
    }
    let inner = tmp.join("a/mounted");
    fs::create_dir(&inner).unwrap();
    process::mount(kept.0.to_str().unwrap(), inner.to_str().unwrap(), "", libc::MS_BIND, "").unwrap();
    let refused = purge(&user);
    let places = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let left: Vec<&str> = places.lines().filter(|l| l.contains(&format!("/jails/{}/", user.uid))).collect();
    let stays = look(&kept.0);
    // The tree may have been moved aside by then; the mount went with it.
    for line in &left {
        process::unmount(line.split(' ').nth(4).unwrap(), libc::MNT_DETACH).unwrap();
    }
    assert!(!refused.status.success() && left.len() == 1, "{refused:?}");
    assert_eq!(stays, before);
    // The same command finishes the work when the mount is gone.
    user.add(&[]);
    purged(&user);
    assert_eq!(look(&kept.0), before);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_deeper_than_any_stack_and_a_directory_of_many_files_are_counted_and_purged() {
    let user = User::new();
    // A machine apart has a holder of its own; the file on which it is pinned is this machine's.
    user.ensure();
    let (deep, many) = (100_000, rounds(4_000));
    let text = format!(
        "import os\nos.chdir('/tmp')\nfor n in range({many}): os.close(os.open('f%d' % n, os.O_CREAT))\nfor _ in range({deep}):\n os.mkdir('d' * 200)\n os.chdir('d' * 200)"
    );
    // A machine of its own, as far as processes and mounts go, whose users' tmps are in memory: on a disk such a tree takes minutes
    // to write, by whomever.
    let script = "set -e
mount -t tmpfs -o mode=$(stat -c %a $JAILS) none $JAILS
$JAILBASE -q user add $USER --uid $ID --gid $ID --home $HOME --shell /bin/sh
$TRAMPOLINE $USER -- /usr/bin/python3 -I -c \"$TEXT\"
date +%s.%N; $JAILBASE du $USER --json | tr -d '\\n'; echo
date +%s.%N; $JAILBASE -q user rm $USER --purge; date +%s.%N; ls -A $JAILS";
    let mut apart = Command::new("unshare");
    apart.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", script]).env_clear();
    apart
        .env("PATH", "/usr/sbin:/usr/bin:/bin")
        .env("JAILS", format!("{STATE}/jails"))
        .env("USER", &user.name)
        .env("ID", user.uid.to_string())
        .env("HOME", &user.home)
        .env("TEXT", text);
    let done = apart.env("JAILBASE", program("jailbase")).env("TRAMPOLINE", program("trampoline")).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert!(done.status.success() && err.is_empty(), "{out}{err}");
    let lines: Vec<&str> = out.lines().collect();
    let counted: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    let files = counted[0]["files"].as_u64().unwrap();
    assert!(files > u64::from(deep + many) && counted[0]["left_out"] == serde_json::json!([]), "{out}");
    let [begun, between, ended] = [0, 2, 3].map(|line: usize| lines[line].parse::<f64>().unwrap());
    println!("{deep} levels, {many} files: counted in {:.1} s, purged in {:.1} s", between - begun, ended - between);
    assert!(ended - begun < 20.0, "{out}");
    assert!(lines[4..].iter().all(|name| !name.contains(&user.uid.to_string())), "{out}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_that_its_owner_rebuilds_while_it_is_purged_leads_the_purge_nowhere() {
    let user = User::new();
    let (kept, before) = treasure(&user);
    let rounds = rounds(15);
    let name = |text: &str| CString::new(text).unwrap();
    let (mut removed, mut refused) = (0, 0);
    for round in 0..rounds {
        if !user.file("spec").exists() {
            user.add(&[]);
        }
        let tmp = user.file("tmp");
        for dir in ["d/deep/er", "e/deep/er", "z/z/z"] {
            fs::create_dir_all(tmp.join(dir)).unwrap();
        }
        for i in 0..200 {
            fs::write(tmp.join(format!("d/f{i}")), "").unwrap();
            fs::write(tmp.join(format!("e/deep/f{i}")), "").unwrap();
        }
        for (link, to) in [("to-kept", kept.0.clone()), ("to-deep", kept.0.join("deep"))] {
            drop(fs::remove_file(tmp.join(link)));
            symlink(to, tmp.join(link)).unwrap();
        }
        assert!(Command::new("chown").args(["-hR", &user.uid.to_string()]).arg(&tmp).status().unwrap().success());
        chown(&tmp, Some(user.uid), Some(user.uid)).unwrap();
        // A descriptor that was passed out of the jail: the names below it stay the attacker's, wherever the tree is moved.
        let open = process::open(tmp.to_str().unwrap(), libc::O_RDONLY | libc::O_DIRECTORY).unwrap();
        let pairs = [("d", "to-kept"), ("e/deep", "to-deep"), ("d/deep", "e/deep"), ("z/z", "to-kept"), ("to-deep", "to-kept")]
            .map(|(one, two)| (name(one), name(two)));
        let attacker = Attacker::start(user.uid, user.uid, move || {
            // SAFETY: a live descriptor.
            unsafe { libc::fchdir(open.as_raw_fd()) };
            for (one, two) in &pairs {
                drop(exchange(one, two));
            }
        });
        let done = purge(&user);
        drop(attacker);
        assert_eq!(look(&kept.0), before, "round {round}: {}", String::from_utf8_lossy(&done.stderr));
        if done.status.success() {
            removed += 1;
        } else {
            // It may say that somebody keeps filling it. When nobody does, the same command finishes the work.
            refused += 1;
            let again =
                Command::new(program("jailbase")).args(["user", "rm", &user.uid.to_string(), "--purge"]).output().unwrap();
            assert!(again.status.success(), "round {round}: {}", String::from_utf8_lossy(&again.stderr));
            assert_eq!(look(&kept.0), before, "round {round}, again");
        }
    }
    println!("{rounds} rounds, {removed} removed, {refused} given up, 0 led astray");
    if !user.file("spec").exists() {
        user.add(&[]);
    }
    purged(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_tree_that_grows_faster_than_it_is_purged_does_not_keep_the_purge_for_ever() {
    let user = User::new();
    // A descriptor that was passed out of the jail: whoever has it adds level to level, always ahead of the purge.
    let mut depth = process::open(user.file("tmp").to_str().unwrap(), libc::O_RDONLY | libc::O_DIRECTORY).unwrap();
    let mut left = 60_000;
    let attacker = Attacker::start(user.uid, user.uid, move || {
        if left == 0 {
            return std::thread::sleep(Duration::from_secs(1));
        }
        left -= 1;
        // SAFETY: a live descriptor and a C string.
        unsafe { libc::mkdirat(depth.as_raw_fd(), c"d".as_ptr(), 0o700) };
        if let Ok(deeper) = process::open_at(&depth, "d") {
            depth = deeper;
        }
    });
    // So far ahead that the purge does not come to the end while the other processors keep the attacker waiting.
    let ahead = user.file("tmp").join(["d"; 1900].join("/"));
    assert!(seen::within(Duration::from_secs(10), || ahead.exists()));
    let start = Instant::now();
    let done = purge(&user);
    let (said, took) = (String::from_utf8_lossy(&done.stderr).into_owned(), start.elapsed());
    drop(attacker);
    assert!(!done.status.success() && said.contains("somebody keeps filling it; end the user's processes"), "{took:?}: {said}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    // When nobody does, the same command finishes the work.
    let again = Command::new(program("jailbase")).args(["user", "rm", &user.uid.to_string(), "--purge"]).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    user.add(&[]);
    purged(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_purge_that_its_user_made_long_holds_up_neither_a_sweep_nor_another_user() {
    let (user, other) = (User::new(), User::without_jail());
    let _sweeps = crate::common::sweep::ours();
    for i in 0..300 {
        fs::write(user.file("tmp").join(format!("f{i}")), "").unwrap();
    }
    // Each file costs 20 ms, as on a slow disk.
    let program = program("jailbase").to_str().unwrap().to_owned();
    let mut slow = Command::new("/usr/bin/strace")
        .args(["-qq", "-o", "/dev/null", "-e", "trace=unlinkat", "-e", "inject=unlinkat:delay_enter=20000", &program])
        .args(["user", "rm", &user.name, "--purge"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(seen::within(Duration::from_secs(5), || !user.file("tmp").exists()), "the purge did not begin");
    let sweep = Command::new(crate::common::program("reaper")).arg("-v").env_clear().output().unwrap();
    other.add(&[]);
    other.run(&["true"]).well();
    let still = slow.try_wait().unwrap().is_none();
    assert!(slow.wait().unwrap().success());
    let said = String::from_utf8_lossy(&sweep.stderr).into_owned();
    assert!(said.contains("sweep: "), "{said}");
    assert!(still, "the purge was over before the others were done");
    assert!(!user.file("").exists());
}
