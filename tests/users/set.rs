//! `user set`: what is named, nothing else, and nobody is disturbed.

use crate::common::image::Image;
use crate::common::user::User;
use crate::common::{seen, sweep};
use crate::jailbase;
use crate::world::World;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_session_goes_on_as_it_was_and_the_next_jail_has_the_new_shape() {
    let (user, image) = (User::with(&["--hostname", "old", "--open-files", "100"]), Image::copy("t-set-live"));
    let mut running = user
        .call(&["sh", "-c", "touch ready; while ! [ -e end ]; do sleep 0.05; done; uname -n; ulimit -n; echo x > /tmp/x"])
        .start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    let words =
        ["user", "set", &user.name, "--hostname", "new", "--image", &image.name, "--open-files", "50", "--network", "host"];
    let said = jailbase(words).well();
    let line = |key: &str| {
        said.lines().find(|line| line.starts_with(key)).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(line("hostname"), Some("hostname old new the next jail".into()));
    assert_eq!(line("open-files"), Some("open-files 100 50 the next call".into()));
    assert!(said.contains(&format!("reaper --drain {}", user.name)), "{said}");
    assert!(!running.has_ended());
    // Who comes now shares the jail that lives, and has the new limits.
    assert_eq!(user.shell("uname -n; ulimit -n"), "old\n50");
    fs::write(user.in_home("end"), "").unwrap();
    assert_eq!(running.end().well(), "old\n100");
    seen::take_down(user.uid);
    assert_eq!(
        user.shell("uname -n; ulimit -n; cat /tmp/x; ls /sys/class/net 2>/dev/null; cut -d: -f1 /proc/net/dev | wc -l")
            .lines()
            .next(),
        Some("new")
    );
    let page = jailbase(["user", "show", &user.name, "--json"]).json();
    let generation = page["live_generations"][0].as_str().unwrap();
    assert_eq!((page["live"].as_bool(), generation.split('@').next()), (Some(true), Some(image.name.as_str())));
    seen::take_down(user.uid);
    jailbase(["user", "set", &user.name, "--image", "host"]).well();
}

/// What a session sees of the network, in one line: which it is, and its interfaces.
const NETWORK: &str = "echo $(readlink /proc/self/ns/net) $(tail -n +3 /proc/net/dev | cut -d: -f1 | sort)";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_new_network_is_that_of_the_next_jail_and_a_session_keeps_the_one_it_has() {
    let host = std::process::Command::new("/bin/sh").args(["-c", NETWORK]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap().trim().to_owned();
    assert!(host.starts_with("net:[") && host.split(' ').any(|name| name == "lo"), "{host}");
    let alone = |seen: &str| seen != host && seen.starts_with("net:[") && seen.ends_with("] lo");
    for (was, is) in [("none", "host"), ("host", "none")] {
        let user = User::with(&["--network", was]);
        let _nobody = sweep::none();
        let of = |network: &str, seen: &str| if network == "host" { seen == host } else { alone(seen) };
        let line = format!("{NETWORK}; touch ready; while ! [ -e end ]; do sleep 0.05; done; {NETWORK}");
        let running = user.call(&["sh", "-c", &line]).start();
        assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
        let said = jailbase(["user", "set", &user.name, "--network", is]).well();
        let told = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(told.into_iter().any(|line| line == format!("network {was} {is} the next jail")), "{said}");
        // Who comes now shares the jail that lives.
        let now = user.shell(NETWORK);
        assert!(of(was, &now), "{was} to {is}: {now}");
        fs::write(user.in_home("end"), "").unwrap();
        assert_eq!(running.end().well(), format!("{now}\n{now}"), "{was} to {is}");
        seen::take_down(user.uid);
        let next = user.shell(NETWORK);
        assert!(of(is, &next), "{was} to {is}: {next}, and the host has {host}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn only_what_is_named_changes_and_the_jails_own_lists_follow() {
    let user = User::with(&["--group", "20031", "--cpu", "99"]);
    let spec = || fs::read_to_string(user.file("spec")).unwrap();
    let before = spec();
    jailbase(["user", "set", &user.name, "--group", "20033", "--group", "20032", "--shell", "/bin/bash"]).well();
    let expected = before.replace("groups = 20031", "groups = 20032 20033").replace("shell = /bin/sh", "shell = /bin/bash");
    assert_eq!(spec(), expected);
    assert_eq!(user.shell("id -G"), format!("{} 20032 20033", user.uid));
    assert_eq!(
        user.shell("grep ^t2 /etc/passwd | cut -d: -f7; cut -d: -f1 /etc/group | grep 2003"),
        "/bin/bash\ngroup-20032\ngroup-20033"
    );
    jailbase(["user", "set", &user.uid.to_string(), "--no-groups", "--memory", "2G"]).well();
    assert_eq!(
        spec(),
        expected.replace("groups = 20032 20033", "groups = none").replace("memory = 8589934592", "memory = 2147483648")
    );
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(user.file("spec")).unwrap());
    let first = inode();
    assert!(jailbase(["user", "set", &user.name, "--memory", "2G"]).well().ends_with(": already so\n"));
    assert_eq!(inode(), first, "what is already so is not written");
    jailbase(["user", "set", &user.name, "--memory", "3G"]).well();
    assert_ne!(inode(), first, "a spec is replaced, and never written into");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_describes_a_jail_anew_is_told_what_is_as_usual_again() {
    let user = User::with(&["--memory", "2G"]);
    let id = user.uid.to_string();
    let mut words = vec!["user", "add", &user.name, "--uid", &id, "--gid", &id, "--home", &user.home, "--shell", "/bin/sh"];
    let said = jailbase(words.clone()).well();
    let told = "updated: memory 2147483648 -> 8589934592";
    assert_eq!(said, format!("{} (uid {id}): {told}\n", user.name));
    words.extend(["--memory", "8G"]);
    assert!(jailbase(words).well().ends_with(": already so\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_no_jail_can_be_made_of_is_refused_and_the_spec_stays() {
    let user = User::new();
    let before = fs::read_to_string(user.file("spec")).unwrap();
    for (words, code, why) in [
        (&[][..], 64, "nothing is named"),
        (&["--image", "t-none"], 77, "there is no image t-none; make it with"),
        (&["--cpu", "0"], 77, "is not between 1 and the compiled ceiling"),
        (&["--cpu", "0"], 77, "; ask for more"),
        (&["--open-files", "15"], 77, "--open-files 15 is less than 16, and no program starts with that; ask for more"),
        (&["--processes", "3"], 77, "is less than 4, "),
        (&["--memory", "1M"], 77, "is less than 16777216, "),
        (&["--memory", "1T"], 77, "is not between 1 and the compiled ceiling"),
        (&["--home", "/home/nobody-has-this"], 77, "does not exist"),
        (&["--home", "/root"], 77, "is a place that homes are in"),
        (&["--root", "overlay"], 64, "not there yet; readonly is the only kind"),
        (&["--root", "x"], 64, "readonly is the only kind"),
        (&["--network", "bridge"], 64, "invalid value"),
        (&["--account"], 77, "no such account"),
    ] {
        jailbase(["user", "set", &user.name].iter().chain(words)).no(code, why);
    }
    jailbase(["user", "set", "t-nobody", "--cpu", "1"]).no(77, "this user has no jail");
    jailbase(["user", "set", "0", "--cpu", "1"]).no(64, "neither a user name nor a uid");
    assert_eq!(fs::read_to_string(user.file("spec")).unwrap(), before);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_two_who_set_different_things_at_once_nobody_loses_his() {
    let user = User::new();
    let set = |key: &str, value: &str| jailbase(["user", "set", &user.name, key, value]);
    std::thread::scope(|scope| {
        for (key, from) in [("--cpu", 10), ("--open-files", 100), ("--processes", 200)] {
            scope.spawn(move || {
                for value in from..from + 15 {
                    // Refused if the spec changed between the look and the lock; never written over.
                    while set(key, &value.to_string()).code != 0 {}
                }
            });
        }
    });
    let spec = fs::read_to_string(user.file("spec")).unwrap();
    for line in ["cpu = 24\n", "open-files = 114\n", "processes = 214\n"] {
        assert!(spec.contains(line), "{line} is not in {spec}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_longest_file_is_another_from_the_next_call_on_and_the_only_kind_of_root_is_so_already() {
    let user = User::new();
    let spec = || fs::read_to_string(user.file("spec")).unwrap();
    let before = spec();
    assert!(before.contains("\nroot = readonly\n"), "{before}");
    assert!(jailbase(["user", "set", &user.name, "--root", "readonly"]).well().ends_with(": already so\n"));
    assert_eq!(spec(), before);
    user.ensure();
    let said = jailbase(["user", "set", &user.name, "--file-size", "1M", "--root", "readonly"]).well();
    let told: Vec<Vec<&str>> = said.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert!(
        told.len() == 1 && told[0][0] == "file-size" && told[0][2] == "1048576" && told[0][3..] == ["the", "next", "call"],
        "{said}"
    );
    let line = |text: &str| text.lines().find(|line| line.starts_with("file-size")).map(str::to_owned);
    assert_eq!((line(&spec()), spec().lines().count()), (Some("file-size = 1048576".into()), before.lines().count()));
    let write = |count: u32| user.run(&["/bin/sh", "-c", &format!("head -c {count} /dev/zero > ~/file")]).code();
    assert_eq!(write(1 << 20), 0);
    assert_ne!(write((1 << 20) + 1), 0, "it is longer than a file may be");
    assert_eq!(fs::metadata(user.in_home("file")).unwrap().len(), 1 << 20);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_is_gone_or_another_that_is_not_there_yet_is_made_when_that_is_asked_for() {
    let world = World::new("set-home");
    world.accounts(&[("ann", 2001, 2001)]);
    world.jailbase("user add ann --create-home").well();
    let home = world.dir.join("home/ann");
    fs::remove_dir(&home).unwrap();
    assert_eq!(world.jailbase("user set ann --create-home --dry-run").well(), "ann (uid 2001): the home would be made\n");
    assert!(!home.exists());
    assert_eq!(world.jailbase("user set ann --create-home").well(), "ann (uid 2001): the home was made\n");
    let meta = fs::metadata(&home).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (2001, 2001, 0o700));
    assert_eq!(world.jailbase("user set ann --create-home").well(), "ann (uid 2001): already so\n");
    world.jailbase("user set ann --home /home/other").no(77, "does not exist; make it, or say --create-home");
    let said = world.jailbase("user set ann --home /home/other --create-home").well();
    let told: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(told[2], ["home", "/home/ann", "/home/other", "the", "next", "jail"], "{said}");
    assert_eq!(told[3].join(" "), "the home was made");
    assert_eq!(fs::metadata(world.dir.join("home/other")).unwrap().uid(), 2001);
    // It is jailbase's own, and may go with the jail; the one before is nobody's but the user's now.
    world.jailbase("user rm ann --purge --remove-home").well();
    assert!(!world.dir.join("home/other").exists() && home.exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_gives_a_jail_the_uid_of_somebody_else_is_warned() {
    let world = World::new("set-uid");
    world.accounts(&[("ann", 2001, 2001)]);
    let said = world.jailbase("user add bob --uid 2001 --gid 2001 --home /home/bob --create-home --shell /bin/sh");
    assert!(
        said.err.starts_with("jailbase: warning: uid 2001, which bob has in the jail, is ann's on this machine: "),
        "{}",
        said.err
    );
    assert_eq!((said.code, said.out.as_str()), (0, "bob (uid 2001): added\n"));
    world.jailbase("user rm bob --purge").well();
    let said = world.jailbase("user add ann --create-home");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}
