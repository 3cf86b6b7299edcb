//! `user show`: everything of the spec, and where it came from.

use crate::common::user::User;
use crate::jailbase;
use crate::world::World;
use std::fs;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn each_value_is_shown_with_its_origin_and_the_jail_with_its_state() {
    let user = User::with(&["--hostname", "none", "--cpu", "99"]);
    let page = jailbase(["user", "show", &user.name, "--json"]).json();
    assert_eq!((page["uid"].as_u64(), page["cpu"].as_u64(), page["hostname"].is_null()), (Some(user.uid.into()), Some(99), true));
    assert_eq!(
        (page["from"]["cpu"].as_str(), page["from"]["image"].as_str(), page["live"].as_bool()),
        (Some("chosen"), Some("usual"), Some(false))
    );
    user.ensure();
    let text = jailbase(["user", "show", &user.uid.to_string()]).well();
    for line in ["cpu         99", "lives        yes, of host@", "given by     user add", "state        ok"] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    // A jail from before there were records has none, and is shown all the same.
    fs::remove_file(user.file("about")).unwrap();
    let text = jailbase(["user", "show", &user.name]).well();
    assert!(text.contains("given by     unknown"), "{text}");
    jailbase(["user", "show", "t-nobody"]).no(77, "this user has no jail; see jailbase user add");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_list_has_a_line_for_each_user_with_what_his_jail_is_made_of() {
    let user = User::with(&["--network", "host", "--filter", "dev"]);
    let line = |all: &str| all.lines().find(|line| line.starts_with(&format!("{} ", user.name))).map(str::to_owned);
    let text = jailbase(["user", "ls"]).well();
    let row = line(&text).unwrap_or_else(|| panic!("{} is not in\n{text}", user.name));
    let words: Vec<&str> = row.split_whitespace().collect();
    let uid = user.uid.to_string();
    assert_eq!(words, [&user.name, uid.as_str(), "host", "host", "dev", &user.home, "ok"], "{text}");
    let all = jailbase(["user", "ls", "--json"]).json();
    let one = all.as_array().unwrap().iter().find(|one| one["name"].as_str() == Some(&user.name)).unwrap();
    assert_eq!((one["uid"].as_u64(), one["filter"].as_str()), (Some(user.uid.into()), Some("dev")), "{one}");
    // What trampoline will refuse does not pass for well here.
    fs::set_permissions(user.file("spec"), std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let said = jailbase(["user", "ls"]);
    assert!(!said.out.lines().any(|line| line.contains(&user.name) && line.ends_with(" ok")), "{}{}", said.out, said.err);
    fs::set_permissions(user.file("spec"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    jailbase(["user", "rm", &user.name]).well();
    assert_eq!(line(&jailbase(["user", "ls"]).well()), None);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_record_that_cannot_be_read_is_said_and_in_nobodys_way() {
    let user = User::new();
    fs::write(user.file("about"), "{").unwrap();
    let said = jailbase(["user", "show", &user.name]);
    assert!(said.code == 0 && said.err.contains("about") && said.err.contains("add the user again"), "{}", said.err);
    assert_eq!(user.shell("id -u"), user.uid.to_string());
    user.add(&[]);
    jailbase(["user", "show", &user.name]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_came_from_the_account_says_so_and_can_be_had_again() {
    let world = World::new("account");
    world.accounts(&[("ann", 2001, 2001)]);
    world.groups(&[("ann", 2001, ""), ("staff", 3000, "ann")]);
    world.jailbase("user add ann --create-home --shell /bin/sh").well();
    let text = world.jailbase("user show ann").well();
    for line in
        ["groups      3000 (staff)  the account", "shell       /bin/sh       chosen", "home made    by jailbase: /home/ann"]
    {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    world.groups(&[("ann", 2001, ""), ("others", 3001, "ann")]);
    world.jailbase("user set ann --account").well();
    let text = world.jailbase("user show ann").well();
    assert!(
        text.contains("groups      3001 (others)  the account") && text.contains("shell       /bin/bash      the account"),
        "{text}"
    );
}
