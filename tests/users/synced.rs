//! `user sync`: a group's members have jails as their accounts are, and who left has none.

use crate::common::screen::Screen;
use crate::common::seen;
use crate::world::World;
use std::fs;
use std::time::{Duration, Instant};

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect()
}

/// Three members: two that the group lists, and one whose primary group it is.
fn school(name: &str) -> World {
    let world = World::new(name);
    world.accounts(&[("ann", 2001, 2001), ("bob", 2002, 2002), ("eve", 2003, 3000), ("zoe", 2004, 2004)]);
    world.groups(&[("ann", 2001, ""), ("bob", 2002, ""), ("pupils", 3000, "ann,bob"), ("zoe", 2004, "")]);
    world
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn members_get_jails_and_a_second_sync_finds_nothing_to_do() {
    let world = school("members");
    let all = |what| pairs(&[("ann", what), ("bob", what), ("eve", what)]);
    assert_eq!(world.sync("--group pupils --create-home --cpu 50"), (0, all("added")));
    assert!(world.spec(2001).contains("groups = 3000\n") && world.spec(2003).contains("gid = 3000\ngroups = none\n"));
    assert!(world.spec(2002).contains("cpu = 50\n") && world.spec(2004).is_empty());
    let before = world.digest();
    assert_eq!(world.sync("--group pupils"), (0, all("already-so")));
    assert_eq!(world.sync("--group pupils --remove"), (0, all("already-so")));
    assert_eq!(world.digest(), before, "a second sync wrote something");
    assert_eq!(world.jailbase("user sync --group pupils").well(), "pupils: 3 already so\n");
    assert_eq!(world.jailbase("-q user sync --group pupils").well(), "");
    let done = world.shell("trampoline eve -- /bin/sh -c 'id -un; id -gn'");
    assert_eq!(done.well(), "eve\npupils\n");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_an_account_says_is_followed_and_what_somebody_chose_is_kept() {
    let world = school("facts");
    fs::write(world.dir.join("home/.keep"), "").unwrap();
    world.jailbase("user add bob --create-home --shell /bin/sh --image host --open-files 77").well();
    world.sync("--group pupils --create-home");
    world.jailbase("user set eve --hostname special").well();
    // Another primary group, another group, another home, another shell.
    let passwd = fs::read_to_string(world.dir.join("passwd")).unwrap();
    let passwd = passwd.replace("ann:x:2001:2001:The ann:/home/ann:/bin/bash", "ann:x:2001:2009:The ann:/home/annie:/bin/dash");
    let passwd = passwd.replace("bob:x:2002:2002:The bob:/home/bob:/bin/bash", "bob:x:2002:2002:The bob:/home/bob:/bin/dash");
    fs::write(world.dir.join("passwd"), passwd).unwrap();
    world.groups(&[("pupils", 3000, "ann,bob"), ("extra", 3001, "ann,bob")]);
    let said = world.jailbase("user sync --group pupils --create-home");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let line = |name: &str| {
        said.out.lines().find(|line| line.starts_with(name)).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let ann = "ann 2001 updated gid 2001 -> 2009, groups 3000 -> 3000 3001, home /home/ann -> /home/annie, shell /bin/bash -> /bin/dash";
    assert_eq!(line("ann"), ann, "{}", said.out);
    assert_eq!(line("bob"), "bob 2002 updated groups 3000 -> 3000 3001", "the shell was chosen");
    assert_eq!(line("pupils"), "pupils: 2 updated, 1 already so");
    assert!(world.spec(2003).contains("hostname = special\n") && world.spec(2002).contains("open-files = 77\n"));
    // What is named is named for all.
    world.sync("--group pupils --hostname all --shell /bin/sh");
    assert!([2001, 2002, 2003].iter().all(|uid| world.spec(*uid).contains("hostname = all\n")));
    assert!(fs::read_to_string(world.dir.join("state/jails/2001/passwd")).unwrap().contains(":/home/annie:/bin/sh\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_lives_is_said_to_keep_its_shape() {
    let world = school("living");
    world.sync("--group pupils --create-home");
    let said =
        |words: &str| world.shell(&format!("trampoline --ensure ann; exec jailbase user sync --group pupils {words}")).well();
    let line =
        "a jail that lives keeps its shape until it is unmounted; reaper --drain USER does it when its programs have ended\n";
    let of = |said: &str, name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    for words in ["--hostname other --dry-run", "--hostname other"] {
        let said = said(words);
        assert!(said.ends_with(line) && of(&said, "ann").ends_with("hostname jail -> other; the jail lives"), "{words}: {said}");
        assert!(of(&said, "bob").ends_with("hostname jail -> other"), "{words}: {said}");
    }
    let rows =
        world.shell("trampoline --ensure ann; exec jailbase user sync --group pupils --network host --json").json()["users"]
            .clone();
    let marked: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["name"].as_str().unwrap(), row["keeps_shape"].as_bool())).collect();
    assert_eq!(marked, [("ann", Some(true)), ("bob", None), ("eve", None)]);
    // What counts for the next call, and a sync after which no jail lives, are told as ever.
    let limits = said("--cpu 7");
    assert!(!limits.contains("lives"), "{limits}");
    let none = world.jailbase("user sync --group pupils --hostname third").well();
    assert!(!none.contains("lives") && none.contains("other -> third"), "{none}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_left_keeps_the_jail_until_remove_is_said_and_then_everything_but_his_files_goes() {
    let world = school("left");
    world.jailbase("user add zoe --create-home").well();
    world.groups(&[("pupils", 3000, "ann,bob,zoe"), ("club", 3001, "bob")]);
    world.sync("--group pupils --create-home");
    world.sync("--group club");
    fs::write(world.dir.join("home/ann/work"), "x").unwrap();
    world.groups(&[("pupils", 3000, ""), ("club", 3001, "bob")]);
    let stay = pairs(&[("ann", "stays"), ("bob", "stays"), ("eve", "already-so"), ("zoe", "stays")]);
    assert_eq!(world.sync("--group pupils"), (0, stay));
    let dry = world.digest();
    let left = pairs(&[("ann", "removed"), ("bob", "stays"), ("eve", "already-so"), ("zoe", "stays")]);
    assert_eq!(world.sync("--group pupils --remove --dry-run"), (0, left.clone()));
    assert_eq!(world.digest(), dry);
    assert_eq!(world.sync("--group pupils --remove"), (0, left));
    assert_eq!(world.spec(2001), "");
    assert!(world.dir.join("home/ann/work").exists() && world.dir.join("state/jails/2001/tmp").exists());
    // In another group still, and given by name: both have a jail.
    assert!(!world.spec(2002).is_empty() && !world.spec(2004).is_empty());
    assert_eq!(world.sync("--group pupils --remove"), (0, pairs(&[("eve", "already-so")])));
    // Back again.
    world.groups(&[("pupils", 3000, "ann"), ("club", 3001, "bob")]);
    assert_eq!(world.sync("--group pupils --remove"), (0, pairs(&[("ann", "added"), ("eve", "already-so")])));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_group_that_is_gone_or_empty_takes_nobodys_jail_unless_that_is_said() {
    let world = school("empty");
    world.accounts(&[("ann", 2001, 2001), ("bob", 2002, 2002)]);
    world.sync("--group pupils --create-home");
    world.groups(&[("pupils", 3000, "")]);
    let digest = |world: &World| {
        ["2001", "2002"].map(|uid| fs::read_to_string(world.dir.join("state/jails").join(uid).join("about")).unwrap())
    };
    let records = digest(&world);
    world.jailbase("user sync --group pupils --remove").no(77, "2 jails would be taken away; if that is meant, say --remove-all");
    world.groups(&[("others", 3001, "")]);
    world.jailbase("user sync --group pupils --remove").no(77, "there is no group pupils");
    world.jailbase("user sync --group pupils").no(77, "getent group pupils");
    // The accounts cannot be listed: no answer is no empty answer.
    world.groups(&[("pupils", 3000, "ann")]);
    let broken = "mount --bind /bin/false /usr/bin/getent; exec jailbase user sync --group pupils --remove --remove-all";
    world.shell(broken).no(125, "getent passwd");
    assert_eq!(digest(&world), records);
    world.groups(&[("pupils", 3000, "ann,bob")]);
    world.accounts(&[("ann", 2001, 2001), ("bob", 2002, 2002)]);
    world.jailbase("user sync --group pupils --remove").well();
    world.groups(&[("others", 3001, "")]);
    let gone = pairs(&[("ann", "removed"), ("bob", "removed")]);
    assert_eq!(world.sync("--group pupils --remove --remove-all"), (0, gone));
    assert!(world.spec(2001).is_empty() && world.spec(2002).is_empty());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_member_whom_no_list_shows_is_found_by_his_own_account() {
    let world = school("unlisted");
    world.sync("--group pupils --create-home");
    // As a directory that lists neither accounts nor members: eve's primary group is all there is.
    world.groups(&[("pupils", 3000, "")]);
    world.accounts(&[("eve", 2003, 3000)]);
    let silent = "printf '#!/bin/sh\\nexit 3\\n' > /tmp/getent-silent; chmod 755 /tmp/getent-silent; mount --bind /tmp/getent-silent /usr/bin/getent";
    let line = format!("mount -t tmpfs none /tmp; {silent}; exec jailbase user sync --group pupils --remove --json");
    let said = world.shell(&line);
    assert!(said.err.contains("list no accounts"), "{}", said.err);
    let rows = said.json()["users"].clone();
    let eve = rows.as_array().unwrap().iter().find(|row| row["name"] == "eve").unwrap().clone();
    assert_eq!((eve["what"].as_str(), world.spec(2003).is_empty()), (Some("already-so"), false), "{rows}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn one_who_cannot_be_brought_in_line_stops_nobody_else() {
    let world = school("failing");
    world.accounts(&[("ann", 2001, 2001), ("bob", 500, 2002), ("eve", 2003, 3000), ("max", 2006, 2006)]);
    world.groups(&[("pupils", 3000, "ann,bob,ghost,max,0day")]);
    for name in ["ann", "eve"] {
        let home = world.dir.join("home").join(name);
        fs::create_dir(&home).unwrap();
        let uid = if name == "ann" { 2001 } else { 2003 };
        std::os::unix::fs::chown(&home, Some(uid), Some(uid)).unwrap();
    }
    let said = world.jailbase("user sync --group pupils");
    assert_eq!((said.code, said.err.as_str()), (77, ""), "{}", said.out);
    for (name, word) in
        [("0day", "no jail can have"), ("bob", "lets nobody enter"), ("ghost", "no such account"), ("max", "--create-home")]
    {
        let line = said.out.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(line.contains("failed") && line.contains(word), "{name}: {}", said.out);
    }
    assert!(said.out.ends_with("pupils: 2 added, 4 failed\n"), "{}", said.out);
    assert!(!world.spec(2001).is_empty() && !world.spec(2003).is_empty());
    // Quiet, the failures are still said.
    let said = world.jailbase("-q user sync --group pupils");
    assert_eq!((said.code, said.out.as_str(), said.err.lines().count()), (77, "", 4), "{}", said.err);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_account_with_another_uid_gets_another_jail_when_remove_is_said() {
    let world = school("moved");
    world.sync("--group pupils --create-home --cpu 51");
    world.accounts(&[("ann", 2011, 2001), ("bob", 2002, 2002), ("eve", 2003, 3000)]);
    std::os::unix::fs::chown(world.dir.join("home/ann"), Some(2011), Some(2001)).unwrap();
    let said = world.jailbase("user sync --group pupils");
    assert!(said.code == 77 && said.out.contains("uid is 2011 now, and the jail is uid 2001's"), "{}", said.out);
    let said = world.jailbase("user sync --group pupils --remove");
    assert!(said.code == 0 && said.out.contains("the uid was 2001"), "{}{}", said.out, said.err);
    assert!(world.spec(2001).is_empty() && world.spec(2011).contains("cpu = 51\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_leaves_while_a_program_of_his_runs_may_finish() {
    let world = school("drained");
    world.sync("--group pupils --create-home");
    world.groups(&[("pupils", 3000, "bob")]);
    let line = "trampoline ann -- /bin/sh -c 'sleep 2; echo finished > done' & \n\
                sleep 0.5; jailbase user sync --group pupils --remove --wait 0 --json > /home/first || echo code $?\n\
                jailbase user sync --group pupils --remove; cat /home/ann/done; wait";
    let said = world.shell(line);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(fs::read_to_string(world.dir.join("home/first")).unwrap().contains("give them longer with --wait"));
    assert!(said.out.starts_with("code 77\n") && said.out.ends_with("finished\n"), "{}", said.out);
    assert!(said.err.contains("waiting up to 60 s for programs to end in the jail of uid 2001"), "{}", said.err);
    assert!(world.spec(2001).is_empty());
}

/// So many members of the group `many`; their names.
fn crowd(world: &World, count: u32) -> Vec<String> {
    let names: Vec<(String, u32)> = (0..count).map(|n| (format!("m{n}"), 4000 + n)).collect();
    let accounts: Vec<(&str, u32, u32)> = names.iter().map(|(name, uid)| (name.as_str(), *uid, *uid)).collect();
    world.accounts(&accounts);
    let listed: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
    world.groups(&[("many", 3000, &listed.join(","))]);
    listed
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sync_at_a_terminal_shows_how_far_it_is_and_then_what_was_done() {
    let world = World::new("shown");
    crowd(&world, 400);
    for (columns, words) in [(40_u32, "--create-home"), (80, "--cpu 60")] {
        let line = world.line(&format!("jailbase user sync --group many {words} | tail -n 1; exec sleep 60"));
        let screen = Screen::new(columns, &line);
        let (mut bars, mut last) = (Vec::new(), String::new());
        let done = seen::within(Duration::from_secs(60), || {
            last = screen.text();
            bars.extend(last.lines().find(|line| line.contains("/400 ")).map(str::to_owned));
            last.contains("many: ")
        });
        bars.dedup();
        println!("{columns} columns: {bars:?}");
        assert!(done && !last.contains("/400") && !bars.is_empty(), "{bars:?}\n{last}");
        for bar in &bars {
            let bar = bar.trim_end();
            assert!(
                bar.starts_with("many ") && bar.contains("/s ") && bar.ends_with(['s', 'm', 'h']) && !bar.ends_with("/s"),
                "{bar}"
            );
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sync_that_was_killed_is_finished_by_the_next() {
    let world = World::new("killed");
    crowd(&world, 100);
    let mut seen = Vec::new();
    for seconds in ["0.02", "0.05", "0.1", "0.2"] {
        let line = format!(
            "timeout -s KILL {seconds} jailbase user sync --group many --create-home --cpu 9 >/dev/null || true; jailbase user ls --json"
        );
        let said = world.shell(&line);
        let there = said.json();
        let all = there.as_array().unwrap();
        // Who was in the middle has files and no jail, or no name yet; whoever has a spec has a whole one.
        let odd: Vec<_> = all.iter().filter(|row| row["state"] != "ok").collect();
        assert!(odd.len() <= 1, "{seconds}: {odd:?}");
        seen.push(all.len());
    }
    println!("killed with so many users there: {seen:?}");
    assert_eq!(world.sync("--group many --create-home --cpu 9").0, 0);
    let all = world.jailbase("user ls --json").json();
    assert_eq!(all.as_array().unwrap().iter().filter(|row| row["state"] == "ok").count(), 100, "{all}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn three_hundred_members_are_brought_in_line_in_seconds() {
    let world = World::new("many");
    let listed = crowd(&world, 300);
    let timed = |words: &str, what: &str, count: usize| {
        let start = Instant::now();
        let (code, rows) = world.sync(words);
        let took = start.elapsed();
        assert_eq!((code, rows.iter().filter(|(_, done)| done == what).count()), (0, count));
        println!("sync of 300 members, {count} {what}: {:.2} s", took.as_secs_f64());
        took.as_secs_f64()
    };
    let added = timed("--group many --create-home", "added", 300);
    let same = timed("--group many --remove", "already-so", 300);
    let updated = timed("--group many --cpu 60", "updated", 300);
    world.groups(&[("many", 3000, &listed[..10].join(","))]);
    let removed = timed("--group many --remove", "removed", 290);
    assert!(added < 60.0 && updated < 60.0 && removed < 60.0, "added {added}, updated {updated}, removed {removed}");
    assert!(same < 3.0, "nothing to do took {same} s");
}
