//! `user sync` with a directory: what it says is what the jails are, and its silence is no answer.

use crate::directory::{Directory, FIRST, GROUP, PRIMARY, shell};
use std::time::Instant;

/// What became of each, without those of whom there is nothing to say.
fn told(rows: &[(String, String)], besides: &str) -> Vec<(String, String)> {
    rows.iter().filter(|(_, what)| what != besides).cloned().collect()
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn three_hundred_members_of_a_group_in_ldap_get_the_jails_that_it_describes() {
    let people = 300;
    let directory = Directory::new("ldap", people + 1, people);
    let world = &directory.world;
    let timed = |words: &str, what: &str| {
        let start = Instant::now();
        let (code, rows) = world.sync(words);
        println!(
            "sync of {people} members in LDAP, {what}, slapd and nslcd started for it: {:.2} s",
            start.elapsed().as_secs_f64()
        );
        assert_eq!((code, rows.len(), told(&rows, what)), (0, 300, Vec::new()));
    };
    timed("--group pupils --create-home", "added");
    timed("--group pupils --remove", "already-so");
    for number in 0..people {
        let spec = world.spec(FIRST + number);
        let groups = if number % 3 == 0 { format!("{} {}", GROUP.1, GROUP.1 + 1) } else { GROUP.1.to_string() };
        for line in [
            format!("name = p{number}"),
            format!("uid = {}", FIRST + number),
            format!("gid = {PRIMARY}"),
            format!("groups = {groups}"),
            format!("home = /home/p{number}"),
            format!("shell = {}", shell(number)),
        ] {
            assert!(spec.lines().any(|found| found == line), "{line} is not in\n{spec}");
        }
    }
    let inside = world.shell("trampoline p6 -- /bin/sh -c 'id; pwd; echo $SHELL; grep ^p6: /etc/passwd'").well();
    let id = "uid=28006(p6) gid=28800(people) groups=28800(people),28900(pupils),28901(chess)";
    assert_eq!(inside, format!("{id}\n/home/p6\n/bin/bash\np6:x:28006:28800:Pupil 6:/home/p6:/bin/bash\n"));

    directory.change(&[("delete", "p7"), ("add", "p300")]);
    let would = world.jailbase("user sync --group pupils --create-home --remove --dry-run").well();
    assert!(would.ends_with("pupils: 1 added, 299 already so, 1 removed; nothing was done\n"), "{would}");
    let (code, rows) = world.sync("--group pupils --create-home");
    assert_eq!((code, told(&rows, "already-so")), (0, pairs(&[("p300", "added"), ("p7", "stays")])));
    let (code, rows) = world.sync("--group pupils --remove");
    assert_eq!((code, rows.len(), told(&rows, "already-so")), (0, 301, pairs(&[("p7", "removed")])));
    assert!(world.spec(FIRST + 7).is_empty() && world.dir.join("home/p7").exists());
    assert!(world.spec(FIRST + 300).contains("home = /home/p300\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_does_not_answer_takes_nobodys_jail() {
    let directory = Directory::new("silent", 10, 8);
    let world = &directory.world;
    assert_eq!(world.sync("--group pupils --create-home").1.len(), 8);
    let before = world.digest_of("state/jails");
    let silences = [
        "gone /run/slapd.pid",
        "gone /run/nslcd/nslcd.pid",
        "gone /run/slapd.pid; gone /run/nslcd/nslcd.pid; rm -r /run/nslcd",
        // It takes what it is asked, and says nothing.
        "kill -STOP $(cat /run/slapd.pid)",
    ];
    for silence in silences {
        for words in ["", "--remove", "--remove --remove-all", "--remove --remove-all --dry-run"] {
            let said = world.shell(&format!("{silence}; exec jailbase user sync --group pupils {words}"));
            said.no(125, "cannot look up the group pupils: the name services of /etc/nsswitch.conf did not answer");
            assert_eq!(world.digest_of("state/jails"), before, "{silence}; {words}");
        }
        let said = world.shell(&format!("{silence}; exec jailbase user add p9 --create-home"));
        said.no(125, "see whether the directory is up, and the daemon that asks it, then try again");
    }
    // One that answers and has lost everything is believed only by who says so.
    let empty = world
        .shell("change <<END\ndn: cn=pupils,dc=check\nchangetype: delete\nEND\nexec jailbase user sync --group pupils --remove");
    empty.no(77, "there is no group pupils");
    assert_eq!(world.digest_of("state/jails"), before);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_goes_away_between_two_questions_takes_nobodys_jail_or_groups() {
    let directory = Directory::new("leaving", 0, 0);
    let world = &directory.world;
    // The accounts are this machine's, so these are known whatever becomes of the directory; the group is not.
    world.accounts(&[("ann", 28_001, GROUP.1), ("bob", 28_002, 28_002), ("eve", 28_003, 28_003)]);
    world.groups(&[("bob", 28_002, ""), ("eve", 28_003, "")]);
    directory.change(&[("add", "bob"), ("add", "eve")]);
    assert_eq!(world.sync("--group pupils --create-home").1.len(), 3);
    let leaving =
        format!("{}; exec jailbase user sync --group pupils --remove --json", directory.goes_when_accounts_are_listed());
    let all = pairs(&[("ann", "already-so"), ("bob", "already-so"), ("eve", "already-so")]);
    for (lists, how) in [("nobody lists them", "nss_getgrent_skipmembers yes\n"), ("the members are listed", "")] {
        directory.asked_with(how);
        assert_eq!(world.sync("--group pupils --remove"), (0, all.clone()), "{lists}");
        let before = world.digest_of("state/jails");
        let said = world.shell(&leaving);
        let users = said.json()["users"].clone();
        let rows = users.as_array().unwrap();
        let failed =
            |row: &&serde_json::Value| row["what"] == "failed" && row["why"].as_str().unwrap().contains("did not answer");
        assert_eq!((said.code, rows.iter().filter(failed).count()), (125, 3), "{lists}: {users}");
        assert_eq!(world.digest_of("state/jails"), before, "{lists}");
    }
    // Who left while it was there to say so has left.
    directory.change(&[("delete", "bob")]);
    assert_eq!(
        world.sync("--group pupils --remove").1,
        pairs(&[("ann", "already-so"), ("bob", "removed"), ("eve", "already-so")])
    );
}
