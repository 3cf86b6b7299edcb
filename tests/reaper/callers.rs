//! Who runs the reaper, and with what about him.

use crate::common::user::{UIDS, User};
use crate::common::{RUN, STATE, WWW, executable, process, program, reaped, seen, sweep};
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// What somebody might leave in the environment to make a program talk, write or load.
const NOISE: [(&str, &str); 12] = [
    ("RUST_LOG", "trace"),
    ("RUST_LOG_STYLE", "always"),
    ("RUST_BACKTRACE", "full"),
    ("CLICOLOR_FORCE", "1"),
    ("TERM", "xterm-256color"),
    ("INVOCATION_ID", "0123456789abcdef0123456789abcdef"),
    ("JOURNAL_STREAM", "8:12345"),
    ("NOTIFY_SOCKET", "/run/none"),
    ("TZ", ":/nowhere"),
    ("LANG", "de_DE.UTF-8"),
    ("HOME", "/nowhere"),
    ("TMPDIR", "/nowhere"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_inherited_environment_changes_nothing_that_is_done_or_said() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    for words in [&[][..], &["-v"], &["--json"], &["--dry-run", "-v"]] {
        // Two sweeps each: one that marks, one that unmounts.
        let both = |command: &dyn Fn() -> Command| {
            user.ensure();
            [0; 2].map(|_| reaped::of(&command().args(words).output().unwrap()))
        };
        let plain = both(&reaped::command);
        let noisy = both(&|| {
            let mut command = reaped::command();
            command.envs(NOISE);
            command
        });
        for (plain, noisy) in plain.iter().zip(&noisy) {
            let untimed = |done: &reaped::Reaped| {
                let mut object = if done.out.is_empty() { serde_json::Value::Null } else { done.object() };
                object.as_object_mut().map(|object| object.remove("seconds"));
                (done.code, done.err.clone(), object)
            };
            assert_eq!(untimed(plain), untimed(noisy), "{words:?}");
        }
        assert!(words != ["-v"] || noisy[1].err.contains(&format!("{}: unmounted\n", user.uid)), "{noisy:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn in_the_journal_each_jail_that_changed_has_one_line_with_its_priority_and_no_other_has_one() {
    let (user, stranger) = (User::new(), User::without_jail());
    let _ours_alone = sweep::ours();
    user.ensure();
    let path = stranger.in_home("journal");
    let journal = |words: &[&str]| {
        let file = File::create(&path).unwrap();
        let meta = file.metadata().unwrap();
        let mut command = reaped::command();
        command.env("JOURNAL_STREAM", format!("{}:{}", meta.dev(), meta.ino())).args(words).stderr(file);
        let done = command.output().unwrap();
        // The jails of other tests change meanwhile.
        let others = |line: &&str| !UIDS.filter(|uid| *uid != user.uid).any(|uid| line.contains(&format!(">{uid}: ")));
        (
            done.status.code(),
            fs::read_to_string(&path).unwrap().lines().filter(others).map(|line| format!("{line}\n")).collect::<String>(),
        )
    };
    assert_eq!(journal(&[]), (Some(0), String::new()), "a mark is no change to write down");
    assert_eq!(journal(&[]), (Some(0), format!("<6>{}: unmounted\n", user.uid)));
    assert_eq!(journal(&[]), (Some(0), String::new()));
    user.ensure();
    let said = journal(&["-v"]).1;
    assert!(said.starts_with(&format!("<7>{}: marked\n<7>sweep: ", user.uid)), "{said}");
    let (code, said) = journal(&["--drain", &stranger.name]);
    assert!(code == Some(77) && said.starts_with("<3>") && said.lines().count() == 1, "{said}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nobody_but_root_sweeps_not_even_with_a_setuid_bit_on_the_reaper() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    assert_eq!(reaped::run(&["--json"]).outcome(user.uid), "marked");
    let copy = user.in_home("reaper");
    executable::copied(program("reaper"), &copy, (0, 0), 0o4755);
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    let precious = user.in_home("precious");
    fs::write(&precious, "root's").unwrap();
    fs::set_permissions(&precious, Permissions::from_mode(0o600)).unwrap();
    for (path, uid) in [(&copy, WWW), (&copy, user.uid), (&program("reaper"), WWW)] {
        for words in [
            &[][..],
            &["--dry-run"],
            &["--drain", &user.name],
            &["--drain", "--all"],
            &["--json"],
            &["--metrics", precious.to_str().unwrap()],
        ] {
            let done = reaped::of(&Command::new(path).env_clear().args(words).uid(uid).gid(uid).output().unwrap());
            assert_eq!(done.code, 77, "{words:?} by {uid}: {done:?}");
            let said = "reaper: refused: only root sweeps; run it as root, or let the timer trampoline-reaper.timer do it\n";
            assert_eq!(done.err, said, "{words:?} by {uid}");
            assert_eq!(fs::read_to_string(&precious).unwrap(), "root's", "{words:?} by {uid}");
        }
    }
    // Root of a user namespace is not root.
    let done = Command::new("unshare").args(["--user", "--map-root-user"]).arg(program("reaper")).env_clear().output().unwrap();
    let done = reaped::of(&done);
    assert!([77, 125].contains(&done.code), "{done:?}");
    assert_eq!(reaped::run(&["--json"]).outcome(user.uid), "unmounted", "none of them was a use or a sweep");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_a_setuid_bit_on_the_reaper_gave_is_given_up_before_a_word_is_written() {
    let user = User::new();
    let (copy, trace) = (user.in_home("reaper"), user.in_home("trace"));
    executable::copied(program("reaper"), &copy, (0, 0), 0o4755);
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    for (words, code) in
        [(&["-v"][..], 77), (&["--json"], 77), (&["--drain", &user.name], 77), (&["--nope"], 64), (&["--help"], 0), (&["-V"], 0)]
    {
        let mut command = Command::new("strace");
        command.args(["-u", "www-data", "-o"]).arg(&trace).arg(&copy).args(words).env_clear();
        let done = reaped::of(&command.output().unwrap());
        assert_eq!(done.code, code, "{words:?}: {done:?}");
        let calls = fs::read_to_string(&trace).unwrap();
        let at =
            |start: &str| calls.lines().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {calls}"));
        let given_up = at("setresuid(33, 33, 33)");
        assert!(at("setresuid(0, 0, 0)") < given_up && calls.lines().nth(given_up).unwrap().ends_with(" = 0"), "no bit: {calls}");
        assert!(at("setgroups(0, []") < given_up && at("setresgid(33, 33, 33)") < given_up, "{calls}");
        // Nothing but its own libraries was opened before that, and nothing written.
        let before: Vec<&str> = calls.lines().take(given_up).collect();
        assert!(
            !before.iter().any(|line| line.starts_with("write") || line.contains("O_WRONLY") || line.contains("O_CREAT")),
            "{calls}"
        );
        let written = calls.lines().skip(given_up).filter(|line| line.starts_with("write(")).count();
        assert!(written > 0 && !calls.lines().skip(given_up + 1).any(|line| line.starts_with("setresuid(0")), "{calls}");
    }
    // Who cannot give it up says nothing, for whoever reads would take it for root's.
    let mut command = Command::new("strace");
    command.args(["-u", "www-data", "-o"]).arg(&trace).args(["-e", "inject=setgroups:error=EPERM"]).arg(&copy).env_clear();
    let done = reaped::of(&command.output().unwrap());
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (77, "", ""));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn neither_a_limit_nor_an_alarm_that_was_inherited_ends_a_sweep() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    let said = user.in_home("said");
    user.ensure();
    for outcome in ["marked", "unmounted"] {
        let mut command = reaped::command();
        process::before_exec(&mut command, || {
            process::soft_limit(libc::RLIMIT_FSIZE, 0)?;
            process::soft_limit(libc::RLIMIT_CPU, 1)?;
            process::timer(libc::ITIMER_REAL, 20)
        });
        let file = File::create(&said).unwrap();
        let done = command.arg("-v").stderr(file).output().unwrap();
        let said = fs::read_to_string(&said).unwrap();
        assert!(done.status.success() && said.contains(&format!("{}: {outcome}\n", user.uid)), "{done:?}: {said}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reader_who_stopped_reading_holds_up_no_sweep_and_nobody_who_waits_for_one() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.ensure();
    let (unread, full) = std::io::pipe().unwrap();
    let start = Instant::now();
    let mut filler = Command::new("dd");
    filler.args(["if=/dev/zero", "bs=65536", "count=1", "status=none"]).stdout(full.try_clone().unwrap());
    assert!(filler.status().unwrap().success());
    let mut command = reaped::command();
    let done = command.arg("-v").stderr(full.try_clone().unwrap()).status().unwrap();
    assert!(done.success() && start.elapsed() < Duration::from_secs(20), "{done:?} after {:?}", start.elapsed());
    assert_eq!(sweeps.sweep(user.uid), "unmounted", "the sweep nobody heard of marked it");
    drop((full, unread));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_waits_for_a_reader_of_its_object_keeps_neither_the_turn_nor_a_bar() {
    let user = User::new();
    let sweeps = sweep::ours();
    for words in [&["--json"][..], &["--json", "--drain", &user.name]] {
        user.ensure();
        let (mut unread, full) = std::io::pipe().unwrap();
        let mut filler = Command::new("dd");
        filler.args(["if=/dev/zero", "bs=65536", "count=1", "status=none"]).stdout(full.try_clone().unwrap());
        assert!(filler.status().unwrap().success());
        let mut command = reaped::command();
        let mut waiting = command.args(words).stdout(full).spawn().unwrap();
        drop((command, filler));
        // It sleeps, and has nothing of ours open any more.
        let open = |pid: u32| {
            let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            links.filter_map(|link| fs::read_link(link.path()).ok()).map(|link| link.display().to_string()).collect::<Vec<_>>()
        };
        let is_ours = |link: &String| [STATE, RUN, "/pins", "mnt:["].iter().any(|ours| link.starts_with(ours));
        let pid = waiting.id();
        let writes = || {
            fs::read_to_string(format!("/proc/{pid}/syscall"))
                .unwrap_or_default()
                .starts_with(&format!("{} 0x1 ", libc::SYS_write))
        };
        assert!(seen::within(Duration::from_secs(10), writes), "{words:?} writes nothing");
        assert!(!open(pid).iter().any(is_ours), "{words:?}: {:?}", open(pid));
        let start = Instant::now();
        user.run(&["true"]).well();
        assert_eq!(sweeps.sweep(user.uid), "marked", "{words:?}: the entry used it, and this sweep is one");
        assert_eq!(sweeps.sweep(user.uid), "unmounted", "{words:?}");
        assert!(start.elapsed() < Duration::from_secs(10) && waiting.try_wait().unwrap().is_none(), "{words:?} waits");
        let mut said = Vec::new();
        unread.read_to_end(&mut said).unwrap();
        assert!(waiting.wait().unwrap().success());
        let object: serde_json::Value = serde_json::from_slice(&said[65536..]).unwrap();
        assert_eq!(object["result"], "complete", "{words:?}: {object}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reaper_in_a_namespace_of_its_own_sweeps_the_host_s_jails() {
    let user = User::new();
    let _ours_alone = sweep::ours();
    user.ensure();
    for outcome in ["marked", "unmounted"] {
        let mut command = reaped::command();
        process::before_exec(&mut command, || {
            process::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC)?;
            process::mount("", "/", "", libc::MS_REC | libc::MS_PRIVATE, "")?;
            // As ProtectSystem= and PrivateTmp= do: its own view is empty where it counts.
            process::mount("tmpfs", RUN, "tmpfs", libc::MS_RDONLY, "")?;
            process::mount("tmpfs", STATE, "tmpfs", libc::MS_RDONLY, "")
        });
        assert_eq!(reaped::of(&command.arg("--json").output().unwrap()).outcome(user.uid), outcome);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn wrong_words_are_told_from_a_failed_sweep() {
    for words in [
        &["--nope"][..],
        &["alice"],
        &["--dry-run", "--drain", "alice"],
        &["--dry-run", "--metrics", "/tmp/x.prom"],
        &["--drain", "alice", "--metrics", "/tmp/x.prom"],
        &["--metrics", "x.prom"],
        &["--metrics", "/tmp/../x.prom"],
        &["--metrics", "/"],
        &["--metrics", ""],
        &["--json=yes"],
    ] {
        let done = reaped::run(words);
        let is_one_line =
            done.err.starts_with("reaper: ") && done.err.ends_with("; see reaper --help\n") && done.err.lines().count() == 1;
        assert!(done.code == 64 && done.out.is_empty() && is_one_line, "{words:?}: {done:?}");
    }
    for words in ["--help", "--version", "-h", "-V"] {
        let done = reaped::run(&[words]);
        assert!(done.code == 0 && done.err.is_empty() && !done.out.is_empty(), "{done:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nobody_but_root_can_open_what_sweeps_makers_and_drains_lock() {
    let user = User::new();
    let _ours_alone = sweep::none();
    user.ensure();
    for dir in [format!("{STATE}/jails"), format!("{STATE}/jails/{}", user.uid), RUN.to_owned()] {
        for uid in [WWW, user.uid] {
            let refused = process::apart(|| {
                process::become_user(uid, uid)?;
                Ok(process::open(&dir, libc::O_RDONLY | libc::O_DIRECTORY).map_or_else(|e| process::errno(&e), |_| 0))
            });
            assert_eq!(i32::from(refused), libc::EACCES, "uid {uid}: {dir}");
        }
    }
}
