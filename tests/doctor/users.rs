//! Specs, names, homes and images, spoiled.

use crate::common::image::Image;
use crate::common::program;
use crate::common::user::User;
use crate::{Programs, STATE, doctor, in_world};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

/// A user is spoiled in some way: this check says so, and names the user by uid or name or path.
#[track_caller]
fn found(check: &str, level: &str, spoil: impl FnOnce(&User)) {
    let (user, programs) = (User::new(), Programs::new());
    user.spoil();
    spoil(&user);
    let said = doctor(&programs);
    let (found, what) = said.check(check);
    assert_eq!(found, level, "{what}");
    assert!(what.contains(&user.uid.to_string()), "{what}");
    assert_eq!(said.code, i32::from(level == "problem"), "{said:#?}");
}

fn mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn link(user: &User) -> String {
    format!("{STATE}/jails/by-name/{}", user.name)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_that_trampoline_would_not_believe_is_found() {
    found("specs", "problem", |user| fs::write(user.file("spec"), "format = 1\n").unwrap());
    found("specs", "problem", |user| chown(user.file("spec"), Some(33), None).unwrap());
    found("specs", "problem", |user| mode(user.file("spec"), 0o666));
    found("specs", "problem", |user| fs::hard_link(user.file("spec"), user.file("second")).unwrap());
    found("specs", "problem", |user| {
        fs::remove_file(user.file("spec")).unwrap();
        symlink("/etc/passwd", user.file("spec")).unwrap();
    });
    found("specs", "advice", |user| fs::remove_file(user.file("spec")).unwrap());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn files_of_a_jail_that_are_not_roots_alone_are_found() {
    found("jail-files", "problem", |user| mode(user.file("spec"), 0o644));
    found("jail-files", "problem", |user| mode(user.file(""), 0o711));
    found("jail-files", "problem", |user| mode(user.file("passwd"), 0o666));
    found("jail-files", "problem", |user| chown(user.file("group"), Some(33), None).unwrap());
    found("jail-files", "problem", |user| chown(user.file("tmp"), Some(33), None).unwrap());
    found("jail-files", "problem", |user| fs::remove_dir(user.file("tmp")).unwrap());
    found("jail-files", "problem", |user| {
        fs::remove_file(user.file("passwd")).unwrap();
        symlink("/etc/passwd", user.file("passwd")).unwrap();
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_name_that_leads_astray_and_a_spec_that_no_name_leads_to_are_found() {
    found("names", "problem", |user| fs::remove_file(link(user)).unwrap());
    found("names", "problem", |user| {
        fs::remove_file(link(user)).unwrap();
        symlink("/etc/passwd", link(user)).unwrap();
    });
    found("names", "problem", |user| {
        fs::remove_file(link(user)).unwrap();
        fs::write(link(user), user.uid.to_string()).unwrap();
    });
    let (user, other, programs) = (User::new(), User::new(), Programs::new());
    user.spoil();
    fs::remove_file(link(&user)).unwrap();
    symlink(other.uid.to_string(), link(&user)).unwrap();
    let said = doctor(&programs);
    let (level, what) = said.check("names");
    assert!(level == "problem" && what.contains(&format!("{} leads to the spec of {}", user.name, other.name)), "{what}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_is_gone_or_somebody_elses_is_found() {
    found("homes", "problem", |user| fs::rename(&user.home, format!("{}.gone", user.home)).unwrap());
    found("homes", "problem", |user| {
        fs::remove_dir(&user.home).unwrap();
        symlink("/root", &user.home).unwrap();
    });
    found("homes", "problem", |user| {
        fs::remove_dir(&user.home).unwrap();
        fs::write(&user.home, "").unwrap();
    });
    found("homes", "problem", |user| chown(&user.home, Some(33), None).unwrap());
    found("homes", "advice", |user| {
        chown(&user.home, Some(33), None).unwrap();
        mode(&user.home, 0o755);
    });
    found("homes", "advice", |user| mode(&user.home, 0o777));
    for left in fs::read_dir("/home").unwrap().map(|entry| entry.unwrap().path()) {
        if left.to_str().unwrap().ends_with(".gone") {
            fs::remove_dir(left).unwrap();
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_file_system_of_homes_on_which_setuid_or_devices_count_is_found() {
    let (user, programs) = (User::new(), Programs::new());
    for (flags, nosuid, nodev) in [
        ("suid,dev", "advice", "advice"),
        ("nosuid,dev", "ok", "advice"),
        ("suid,nodev", "advice", "ok"),
        ("nosuid,nodev", "ok", "ok"),
    ] {
        let said =
            in_world(&programs, &format!("mount --bind /home /home; mount -o remount,bind,{flags} /home; test -d {}", user.home));
        assert_eq!((said.check("homes-nosuid").0, said.check("homes-nodev").0), (nosuid, nodev), "{flags}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_account_that_changed_since_its_spec_was_written_is_found() {
    let (user, programs) = (User::with(&["--group", "29990"]), Programs::new());
    let known_as = |uid: u32, groups: &str| {
        let line = format!("{}:x:{uid}:{}::{}:/bin/sh", user.name, user.uid, user.home);
        in_world(&programs, &format!("echo '{line}' >>/etc/passwd; echo 'kept:x:{groups}' >>/etc/group"))
    };
    let said = known_as(4242, "29990:");
    let (level, what) = said.check("accounts");
    assert!(level == "advice" && what.contains("as uid 4242"), "{what}");
    let said = known_as(user.uid, "29990:");
    assert!(said.check("accounts").1.contains("gives group 29990"), "{said:#?}");
    assert_eq!(known_as(user.uid, &format!("29990:{}", user.name)).check("accounts").0, "ok");
    // An account that only the jail knows may be unknown here; its uid may not be somebody else's.
    assert_eq!(in_world(&programs, ":").check("accounts").0, "ok");
    let taken = format!("echo 'mallory:x:{}:100::/:/bin/sh' >>/etc/passwd", user.uid);
    let said = in_world(&programs, &taken);
    let (level, what) = said.check("accounts");
    assert!(
        level == "advice" && what.contains(&format!("uid {}, which {} has in the jail, is mallory's", user.uid, user.name)),
        "{what}"
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_spec_that_was_made_of_an_account_that_is_gone_is_found() {
    let (user, programs) = (User::new(), Programs::new());
    let jailbase = programs.path("jailbase");
    let spoil = format!(
        "echo '{0}:x:{1}:{1}::{2}:/bin/sh' >>/etc/passwd; {jailbase} -q user rm {0}; {jailbase} -q user add {0}
        others=$(grep -v '^{0}:' /etc/passwd); echo \"$others\" >/etc/passwd",
        user.name, user.uid, user.home
    );
    let said = in_world(&programs, &spoil);
    let (level, what) = said.check("accounts");
    assert!(level == "advice" && what.contains(&format!("the system has no account {} any more", user.name)), "{what}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_login_shell_that_leads_into_a_jail_and_whose_user_may_not_execute_trampoline_is_found() {
    let (user, programs) = (User::new(), Programs::new());
    let logs_in = |shell: &str, more: &str| {
        let line = format!("{}:x:{}:{}::{}:{shell}", user.name, user.uid, user.uid, user.home);
        let said = in_world(&programs, &format!("echo '{line}' >>/etc/passwd; {more}"));
        let (level, what) = said.check("login-shells");
        (level.to_owned(), what)
    };
    let trampoline = programs.path("trampoline");
    let (level, what) = logs_in("/usr/local/bin/jailsh", ":");
    let why = format!(
        "the login shell of {} is /usr/local/bin/jailsh, and they may not execute {trampoline} (mode 4750, group www-data): they \
         cannot log in",
        user.name
    );
    assert_eq!((level.as_str(), what.as_str()), ("problem", why.as_str()));
    // Under another name it is known by what it starts.
    let door = "printf '#!/bin/sh\\nexec /usr/local/bin/trampoline \"$(id -u)\" -- /bin/sh\\n' >/etc/door; chmod 755 /etc/door";
    let (level, what) = logs_in("/etc/door", door);
    assert!(level == "problem" && what.contains(" is /etc/door, "), "{what}");
    for (shell, more) in [
        ("/usr/local/bin/jailsh", format!("chmod 4755 {trampoline}")),
        ("/usr/local/bin/jailsh", format!("chmod 4750 {trampoline}; sed -i '/^www-data:/s/:[^:]*$/:{}/' /etc/group", user.name)),
        ("/bin/sh", ":".to_owned()),
        ("/no/such/shell", ":".to_owned()),
    ] {
        let (level, what) = logs_in(shell, &more);
        assert_eq!(level, "ok", "{shell} {more}: {what}");
    }
    // In the jail it leads nowhere.
    let set = Command::new(program("jailbase")).args(["user", "set", &user.name, "--shell", "/usr/local/bin/jailsh"]).output();
    let warned = String::from_utf8(set.unwrap().stderr).unwrap();
    assert!(warned.starts_with("jailbase: warning: /usr/local/bin/jailsh only leads into the jail, "), "{warned}");
    let (level, what) = logs_in("/bin/sh", ":");
    assert!(
        level == "advice" && what.contains(&format!("the shell of {} in the jail is /usr/local/bin/jailsh, ", user.name)),
        "{what}"
    );
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_from_which_no_jail_can_be_made_is_found() {
    type Spoil = fn(&Image);
    let spoils: [(&str, &str, Spoil); 6] = [
        ("t-doc-cur", "images", |image| fs::remove_file(image.dir.join("current")).unwrap()),
        ("t-doc-man", "images", |image| fs::write(image.generation().join("image"), "").unwrap()),
        ("t-doc-suid", "image-trees", |image| mode(image.tree().join("etc/hosts"), 0o4755)),
        ("t-doc-own", "image-trees", |image| chown(image.tree().join("etc/hosts"), Some(33), None).unwrap()),
        ("t-doc-top", "image-trees", |image| mode(image.tree(), 0o700)),
        ("t-doc-dir", "image-trees", |image| fs::remove_dir(image.tree().join("dev")).unwrap()),
    ];
    for (name, check, spoil) in spoils {
        let image = Image::copy(name);
        let (_user, programs) = (User::with(&["--image", name]), Programs::new());
        spoil(&image);
        let said = doctor(&programs);
        assert_eq!(said.problems(), [check], "{name}");
        assert!(said.check(check).1.contains(name), "{said:#?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_an_image_shows_and_the_host_lost_is_found() {
    let image = Image::copy("t-doc-lost");
    let (_user, programs) = (User::with(&["--image", &image.name]), Programs::new());
    fs::write(image.generation().join("image"), "format = 1\nhost = usr opt lib32\n").unwrap();
    let tree = image.tree().join("lib32");
    if tree.is_symlink() {
        fs::remove_file(&tree).unwrap();
    }
    if !tree.exists() {
        fs::create_dir(&tree).unwrap();
    }
    let said = doctor(&programs);
    if Path::new("/lib32").is_dir() && !Path::new("/lib32").is_symlink() {
        panic!("this machine has a /lib32 of its own: choose another name for this test");
    }
    assert_eq!(said.problems(), ["image-host-directories"], "{said:#?}");
}
