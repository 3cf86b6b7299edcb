//! What lives and what it uses.

use crate::common::user::User;
use crate::common::{STATE, process, seen, sweep};
use crate::{end, inits, jailbase, json, of, session, sessions, well};
use serde_json::Value;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_live_jail_is_listed_with_what_it_shows_and_what_runs_in_it() {
    let user = User::new();
    assert_eq!(of(&["ls"], &user), Value::Null, "no jail, no line");
    user.ensure();
    let row = of(&["ls"], &user);
    let current = std::fs::read_link(format!("{STATE}/images/host/current")).unwrap();
    assert_eq!((&row["user"], &row["image"]), (&user.name.as_str().into(), &format!("host@{}", current.display()).into()));
    assert_eq!((&row["sessions"], &row["idle"]), (&0.into(), &true.into()), "{row}");
    assert!(row["age_seconds"].as_u64().is_some_and(|age| age < 60), "{row}");

    let first = session(&user, &["sleep", "60"]);
    let second = session(&user, &["sh", "-c", "sleep 60 & sleep 60; true"]);
    let row = of(&["ls"], &user);
    assert_eq!((&row["sessions"], &row["idle"], &row["marked"]), (&2.into(), &false.into(), &false.into()), "{row}");
    assert!(seen::within(Duration::from_secs(5), || of(&["ls"], &user)["processes"] == 6), "{}", of(&["ls"], &user));
    let table = well(&["ls"]);
    let line = table.lines().find(|line| line.starts_with(&format!("{} ", user.name))).unwrap();
    assert!(table.starts_with("USER") && line.ends_with("no    no"), "{table}");
    end(&user, vec![first, second]);
    assert_eq!((sessions(&user), &of(&["ls"], &user)["idle"]), (0, &true.into()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_sessions_use_is_added_up_for_the_jail_and_told_of_each() {
    let user = User::new();
    // A process that works, holds memory, writes to a disk and leaves some in shared memory.
    let work = "import os, threading, time\nkept = bytearray(50_000_000)\nkept[::4096] = b'x' * len(kept[::4096])\n\
                open('/dev/shm/left', 'wb').write(b'x' * 1_000_000)\n\
                f = open(os.path.expanduser('~/written'), 'wb'); f.write(os.urandom(2_000_000)); f.flush(); os.fsync(f.fileno())\n\
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n\
                end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\ntime.sleep(60)";
    let running = session(&user, &["/usr/bin/python3", "-I", "-c", work]);
    let busy = || of(&["stat"], &user)["user_ticks"].as_u64().zip(of(&["stat"], &user)["system_ticks"].as_u64());
    let worked = || busy().is_some_and(|(user, system)| user + system >= 28);
    assert!(seen::within(Duration::from_secs(10), worked), "{}", of(&["stat"], &user));
    let jail = of(&["stat"], &user);
    let number = |row: &Value, key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key}: {row}"));
    assert_eq!((number(&jail, "sessions"), number(&jail, "processes"), number(&jail, "tasks")), (1, 2, 3), "{jail}");
    assert!((50_000_000..150_000_000).contains(&number(&jail, "resident_bytes")), "{jail}");
    assert!(number(&jail, "virtual_bytes") > number(&jail, "resident_bytes"), "{jail}");
    assert_eq!(number(&jail, "shared_bytes"), 1_003_520, "a million bytes, in whole pages");
    assert!(number(&jail, "written_bytes") >= 2_000_000, "{jail}");
    let each = json(&["stat", &user.name]);
    assert_eq!((each.as_array().unwrap().len(), number(&each[0], "tasks")), (1, 3));
    assert!(number(&each[0], "user_ticks") + number(&each[0], "system_ticks") >= 28, "{each}");
    end(&user, vec![running]);
    assert_eq!(json(&["stat", &user.name]), Value::Array(Vec::new()));
    assert_eq!(of(&["stat"], &user)["shared_bytes"], 1_003_520, "shared memory stays with the jail");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_processes_of_a_jail_are_those_of_its_sessions_and_nobody_elses() {
    let user = User::new();
    let running = session(&user, &["sleep", "61"]);
    // The same user on the host, and in a pid namespace that is no session: neither is in the jail.
    let (uid, name) = (user.uid.to_string(), user.name.as_str());
    let setpriv = ["setpriv", "--reuid", &uid, "--regid", &uid, "--clear-groups", "--"];
    let outside = [&setpriv[..], &["sleep", "62"]].concat();
    let apart = [&["unshare", "--pid", "--fork", "--kill-child", "--"][..], &setpriv, &["sleep", "63"]].concat();
    let mut others: Vec<_> =
        [outside, apart].iter().map(|words| std::process::Command::new(words[0]).args(&words[1..]).spawn().unwrap()).collect();
    let all = || seen::processes(user.uid).into_iter().filter(|(_, command)| command == "sleep").count();
    assert!(seen::within(Duration::from_secs(5), || all() == 3));
    let said = json(&["ps", name]);
    let commands: Vec<&str> = said.as_array().unwrap().iter().map(|row| row["command"].as_str().unwrap()).collect();
    assert_eq!((commands.len(), commands[1]), (2, "sleep 61"), "{said}");
    assert_eq!((&said[0]["inside"], &said[1]["inside"]), (&1.into(), &2.into()));
    assert_eq!(said[1]["session"], inits(&user)[0]);
    assert_eq!(sessions(&user), 1);
    end(&user, vec![running]);
    for (pid, _) in seen::processes(user.uid) {
        process::kill(pid, libc::SIGKILL);
    }
    others.iter_mut().for_each(|other| other.wait().map(drop).unwrap());
    assert_eq!(well(&["ps", name]).lines().count(), 1, "the head alone");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_hundred_looks_leave_an_idle_jail_its_mark() {
    let user = User::new();
    let sweeps = sweep::ours();
    user.ensure();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    let (name, kinds) = (user.name.as_str(), 12);
    for turn in 0..100 {
        match turn % kinds {
            0 => drop(well(&["ls"])),
            1 => drop(well(&["stat"])),
            2 => drop(well(&["stat", name])),
            3 => drop(well(&["ps", name])),
            4 => drop(well(&["explain", name])),
            5 => drop(well(&["kill", name])),
            6 => drop(well(&["explain", name, "--", "id"])),
            7 => drop(well(&["du"])),
            8 => drop(well(&["user", "ls"])),
            9 => drop(well(&["user", "show", name])),
            // Where there is no system log that is said; the jail is looked at or not all the same.
            10 => drop(jailbase(&["log", name])),
            _ => drop(well(&["du", name])),
        }
    }
    for _ in 0..100 {
        well(&["ls", "--json"]);
        well(&["stat", "--json"]);
    }
    assert_eq!(sweeps.sweep(user.uid), "unmounted", "a look undid the mark");
    assert_eq!(of(&["ls"], &user), Value::Null);
}

/// What `ls` says of the mark of a jail: for programs whether and since when, and its column for people.
fn mark(user: &User) -> (Value, Option<u64>, String) {
    let (row, table) = (of(&["ls"], user), well(&["ls"]));
    let line = table.lines().find(|line| line.starts_with(&format!("{} ", user.name))).unwrap();
    let column = line.rsplit("  ").next().unwrap().trim().to_owned();
    (row["marked"].clone(), row["marked_seconds_ago"].as_u64(), column)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whom_the_last_sweep_marked_is_told_with_its_time_and_of_a_used_or_new_jail_that_it_has_no_mark() {
    let (user, late) = (User::new(), User::new());
    let sweeps = sweep::ours();
    user.ensure();
    assert_eq!(sweeps.sweep(user.uid), "marked");
    late.ensure();
    let no = (Value::Bool(false), None, "no".to_owned());
    let (marked, since, column) = mark(&user);
    assert!(marked == true && since.is_some_and(|seconds| seconds < 60) && column.ends_with("s ago"), "{column}");
    assert_eq!(mark(&late), no, "made since");
    let running = session(&user, &["sleep", "60"]);
    assert_eq!(mark(&user), no, "in use");
    assert_eq!(sweeps.sweep(user.uid), "in use");
    end(&user, vec![running]);
    assert_eq!(mark(&user), no, "the last sweep found it in use");
    assert_eq!(mark(&late).0, true);
    // Taken down and made again, it is another jail.
    seen::take_down(late.uid);
    std::thread::sleep(Duration::from_millis(1100));
    late.ensure();
    assert_eq!(mark(&late), no);
    // Without a note, or with a spoilt one, nobody knows; and nobody decides by it.
    assert_eq!(sweeps.sweep(user.uid), "marked");
    for spoilt in [Some("no uid\n"), Some("4294967295\n"), None] {
        let done = seen::in_holder(|| {
            spoilt.map_or_else(|| std::fs::remove_file("/marked"), |text| std::fs::write("/marked", text)).map(|()| 1)
        });
        assert_eq!(done, 1);
        assert_eq!(mark(&user), (Value::Null, None, "?".to_owned()), "{spoilt:?}");
    }
    // Nor does it hinder a sweep, or tell it anything.
    assert_eq!(seen::in_holder(|| std::fs::create_dir("/marked").map(|()| 1)), 1);
    assert_eq!(sweeps.sweep(user.uid), "unmounted");
    assert_eq!(seen::in_holder(|| std::fs::remove_dir("/marked").map(|()| 1)), 1);
    // A clock that was ten years off when the sweep ended, in either direction.
    for (years, marked) in [(-10_i64, false), (10, true)] {
        user.ensure();
        assert_eq!(sweeps.sweep(user.uid), "marked");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let then = std::time::UNIX_EPOCH + Duration::from_secs(now.as_secs().saturating_add_signed(years * 31_557_600));
        let note = || std::fs::File::options().write(true).open("/marked")?.set_modified(then).map(|()| 1);
        assert_eq!(seen::in_holder(note), 1);
        assert_eq!(mark(&user).0, marked, "{years}");
        assert_eq!(sweeps.sweep(user.uid), "unmounted", "{years}");
    }
}
