//! Looking while things change, hide, or are meant to fool who looks.

use crate::common::user::User;
use crate::common::{STATE, image, log, program, seen, sweep};
use crate::{end, jailbase, json, of, on_a_machine_apart, session, sessions, well};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_calls_itself_by_escape_sequences_is_shown_by_plain_letters() {
    let user = User::new();
    // As its name and as its words: a clear screen, a title, a bracket and fields, another line, a turn of the writing direction.
    let hostile = r"import ctypes, os, time
ctypes.CDLL(None).prctl(15, b'\x1b[2J) R 1 1\n', 0, 0, 0)
if os.fork() == 0:
    os.execv('/bin/sleep', [b'\x1b]0;root\x07\n) S 1 (\xe2\x80\xae\xff', b'60'])
time.sleep(60)";
    let running = session(&user, &["/usr/bin/python3", "-I", "-c", hostile]);
    assert!(seen::within(Duration::from_secs(5), || of(&["stat"], &user)["processes"] == 3), "{}", of(&["stat"], &user));
    let named = || well(&["ps", &user.name]).contains("\\x1b]0;root\\x07");
    assert!(seen::within(Duration::from_secs(5), named));
    for words in [&["ps", &user.name][..], &["ps", &user.name, "--json"], &["stat"], &["kill", &user.name, "--dry-run"]] {
        let said = well(words);
        assert!(said.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{words:?}: {said:?}");
    }
    assert_eq!(well(&["ps", &user.name]).lines().count(), 4, "one line each");
    let said = json(&["ps", &user.name]);
    assert!(said[2]["command"].as_str().unwrap().starts_with("\\x1b]0;root\\x07\\n) S 1 (\\xe2\\x80\\xae\\xff 60"), "{said}");
    end(&user, vec![running]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_thousand_processes_are_all_counted_and_all_ended() {
    let user = User::with(&["--processes", "1200"]);
    let running = session(&user, &["/bin/sh", "-c", "i=0; while [ $i -lt 1000 ]; do sleep 300 & i=$((i+1)); done; wait"]);
    assert!(seen::within(Duration::from_secs(30), || of(&["stat"], &user)["processes"] == 1002), "{}", of(&["stat"], &user));
    assert_eq!(json(&["ps", &user.name]).as_array().unwrap().len(), 1002);
    end(&user, vec![running]);
    assert_eq!(sessions(&user), 0);
    assert!(seen::processes(user.uid).is_empty());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn jails_and_sessions_that_come_and_go_meanwhile_are_no_error() {
    let users = [User::new(), User::new(), User::new()];
    let _ours_alone = sweep::ours();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                drop(Command::new(program("reaper")).env_clear().output().unwrap());
            }
        });
        for user in &users {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    // A sweep may take the jail from under nobody: the call must go well too.
                    user.shell("(true; true) & true");
                }
            });
        }
        let looked = std::panic::catch_unwind(|| {
            for _ in 0..60 {
                let name = users[0].name.as_str();
                for words in
                    [&["ls"][..], &["stat"], &["ps", name], &["stat", name], &["explain", name], &["kill", name, "--dry-run"]]
                {
                    well(words);
                }
            }
        });
        over.store(true, Ordering::SeqCst);
        looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_procfs_hides_processes_root_sees_them_all() {
    let user = User::new();
    image::host();
    log::listen();
    // The file on which its holder is pinned is this machine's, which has one too.
    user.ensure();
    // A machine of its own, as far as processes and mounts go, with its own holder; its procfs hides what is not one's own.
    let script = format!(
        "set -e\nmount -o remount,hidepid=invisible /proc\ngrep -q 'proc /proc .*hidepid=' /proc/mounts\n\
         {trampoline} {user} -- sleep 60 & \n\
         for i in $(seq 200); do {jailbase} ls --json | grep -q '\"processes\": 2' && break; sleep 0.05; done\n\
         {jailbase} ls --json; echo; {jailbase} ps {user} --json; {jailbase} image ls; {jailbase} explain {user}\n\
         {jailbase} stat --json; echo; {jailbase} stat {user} --json; echo; {jailbase} du {user} --json; echo; {jailbase} enter {user} -- sh -c 'echo entered $$ by $(id -u)'\n\
         mount -t tmpfs none /var/log; echo 'Nov 22 05:10:05 www trampoline[77]: uid 33 runs logged as uid {uid}' >/var/log/auth.log\n\
         if [ -d /run/systemd ]; then mount -t tmpfs none /run/systemd; fi; {jailbase} log {user}\n\
         (sleep 1; echo q) | TERM=xterm script -qec 'stty rows 24 cols 100; {jailbase} top --interval 0.2' /dev/null |\n\
         tr -s ' ' | grep -q '{user} 1 2 ' && echo top shows it\n\
         {jailbase} kill {user} >&2; wait || true",
        trampoline = program("trampoline").display(),
        jailbase = program("jailbase").display(),
        user = user.name,
        uid = user.uid,
    );
    let done = on_a_machine_apart(&script);
    let (out, err) = (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert!(done.status.success() && err.contains("SIGTERM"), "{out}{err}");
    assert!(out.contains("\"sessions\": 1") && out.contains("\"command\": \"sleep 60\""), "{out}{err}");
    let entered = out.lines().any(|line| line.starts_with("entered ") && line.trim_end().ends_with(&format!(" by {}", user.uid)));
    assert!(entered && out.contains("uid 33 runs logged as uid "), "{out}{err}");
    assert!(out.contains("top shows it") && out.contains("\"private_bytes\""), "{out}{err}");
    assert!(out.matches("\"processes\": 2").count() >= 3, "ls, and stat twice: {out}");
    // Whoever is in a pid namespace of his own is told nothing of mount namespaces: that is said, and is no failure.
    let image = out.lines().find(|line| line.starts_with("host@")).unwrap_or_else(|| panic!("{out}{err}"));
    assert!(out.contains("which generation it shows cannot be told here"), "{out}");
    assert!(out.contains("\"image\": null") && image.contains(" ?  "), "{out}{err}");
}

/// This machine's procfs hides what is not one's own, as long as this value lives. From root it hides nothing.
struct Hiding(String);

impl Hiding {
    fn begin() -> Self {
        let was = Self::option().unwrap_or_else(|| "hidepid=off".into());
        Self::remount("hidepid=invisible");
        Self(was)
    }

    /// What procfs is told to hide, if anything.
    fn option() -> Option<String> {
        let table = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let proc = table.lines().rfind(|line| line.split(' ').nth(1) == Some("/proc")).unwrap();
        proc.split([',', ' ']).find(|option| option.starts_with("hidepid=")).map(str::to_owned)
    }

    fn remount(option: &str) {
        // Whoever's mount it is changed by, it is one file system.
        assert!(
            Command::new("mount").args(["-o", &format!("remount,{option}"), "/proc"]).status().unwrap().success(),
            "{option}"
        );
    }
}

impl Drop for Hiding {
    fn drop(&mut self) {
        Self::remount(&self.0);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_procfs_hides_processes_the_images_ages_and_figures_of_jails_are_the_same_as_elsewhere() {
    let (busy, idle) = (User::new(), User::new());
    let running = session(&busy, &["sleep", "60"]);
    idle.run(&["true"]).well();
    // Ages grow while one looks.
    let ages = |rows: &mut [Value; 2]| rows.each_mut().map(|row| row["age_seconds"].take().as_u64());
    let columns = || {
        let table = well(&["ls"]);
        let rows = table.lines().filter(|line| [&busy, &idle].iter().any(|user| line.starts_with(&format!("{} ", user.name))));
        rows.map(|row| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let both = |verb| [&busy, &idle].map(|user| of(&[verb], user));
    let look = || (both("ls"), both("stat"), json(&["stat", &busy.name]), columns());
    let begun = std::time::Instant::now();
    let (mut ls, stat, one, rows) = look();
    let usual = Hiding::option();
    let hiding = Hiding::begin();
    let is_hidden = Hiding::option().as_deref() == Some("hidepid=invisible");
    let (mut hidden_ls, hidden_stat, hidden_one, hidden_rows) = look();
    drop(hiding);
    assert_eq!((is_hidden, Hiding::option()), (true, usual));
    let slack = begun.elapsed().as_secs() + 1;
    for (age, hidden_age) in ages(&mut ls).into_iter().zip(ages(&mut hidden_ls)) {
        assert_eq!(age.is_some(), hidden_age.is_some());
        assert!(age <= hidden_age && hidden_age <= age.map(|age| age + slack), "{age:?} {hidden_age:?}");
    }
    assert_eq!((hidden_ls, hidden_stat, hidden_one), (ls, stat, one));
    assert_eq!((rows.len(), hidden_rows.len()), (2, 2));
    for (row, hidden_row) in rows.iter().zip(&hidden_rows) {
        // The image, and whether the age is known: in a pid namespace of its own a kernel tells neither.
        assert_eq!((&row[2], row[5] == "?"), (&hidden_row[2], hidden_row[5] == "?"), "{row:?} {hidden_row:?}");
    }
    end(&busy, vec![running]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_has_no_jail_is_said_to_have_none_and_who_has_no_live_one_has_nothing_to_show() {
    let user = User::new();
    let name = user.name.as_str();
    assert_eq!(well(&["ps", name]).lines().count(), 1);
    assert_eq!(well(&["kill", name]), format!("{name}: no session runs\n"));
    for verb in ["ps", "stat", "explain", "enter", "kill", "log", "du"] {
        let refused = jailbase(&[verb, "t29999x"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), said.contains("jailbase user add")), (Some(77), true), "{verb}: {said}");
        let wrong = jailbase(&[verb, "../x"]);
        assert_eq!(wrong.status.code(), Some(64), "{verb}");
    }
    for verb in ["ls", "stat", "top"] {
        let denied = Command::new("setpriv")
            .args(["--reuid", "33", "--regid", "33", "--clear-groups", "--"])
            .arg(program("jailbase"))
            .arg(verb)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(denied.status.code(), Some(77), "{verb}: {}", String::from_utf8_lossy(&denied.stderr));
    }
    assert!(std::path::Path::new(STATE).exists());
}

/// What is put among the images, and gone again with this value.
struct Stray(String);

impl Drop for Stray {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn something_odd_among_the_images_hinders_no_look_at_a_jail_and_no_end_of_one() {
    let image = image::Image::copy("t-see-odd");
    let (odd, usual) = (User::with(&["--image", &image.name]), User::new());
    let running = [session(&odd, &["sleep", "60"]), session(&usual, &["sleep", "60"])];
    let shown = |user: &User| of(&["ls"], user)["image"].as_str().map(|shown| shown.split('@').next().unwrap().to_owned());
    // In a pid namespace of its own a kernel tells of no jail what it shows.
    let tells = shown(&usual).is_some();
    let name = |name: &str| tells.then(|| name.to_owned());
    assert_eq!((shown(&odd), shown(&usual)), (name("t-see-odd"), name("host")));
    let file = Stray(format!("{STATE}/images/t-see-file"));
    std::fs::write(&file.0, "notes").unwrap();
    std::fs::set_permissions(&image.dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!((shown(&odd), shown(&usual)), (None, name("host")));
    for user in [&odd, &usual] {
        for words in [&["stat"][..], &["ps", &user.name], &["stat", &user.name], &["kill", &user.name, "--dry-run"]] {
            assert!(well(words).contains(&user.name) || words[0] != "stat" || words.len() > 1, "{words:?}");
        }
    }
    let lines = well(&["ls"]);
    let line = lines.lines().find(|line| line.starts_with(&format!("{} ", odd.name))).unwrap();
    assert_eq!(line.split_whitespace().nth(2), Some("?"), "{lines}");
    let [first, second] = running;
    end(&odd, vec![first]);
    end(&usual, vec![second]);
    // And where nothing at all can be told of images.
    std::fs::set_permissions(format!("{STATE}/images"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let done = ["ls", "stat"].map(|verb| jailbase(&[verb]).status.code());
    std::fs::set_permissions(format!("{STATE}/images"), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(done, [Some(0); 2]);
    std::fs::set_permissions(&image.dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(shown(&odd), name("t-see-odd"));
}
