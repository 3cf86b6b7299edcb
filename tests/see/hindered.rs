//! What hinders an entry, each with what to do about it; and trampoline lets nobody in either.

use crate::common::call::Call;
use crate::common::image::Image;
use crate::common::user::User;
use crate::common::{STATE, WWW};
use crate::json;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

/// What would be refused is this alone, and whoever calls by this word does not come in.
#[track_caller]
fn hinders(word: &str, expected: &[&str]) {
    let page = json(&["explain", word]);
    let refused: Vec<&str> = page["refused"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(expected.iter().all(|part| refused[0].contains(part)) && refused[0].contains("; "), "{expected:?}: {refused:?}");
    let done = Call::new([word, "--", "true"]).by(WWW, WWW).run();
    assert!([77, 125].contains(&done.code()), "{expected:?}: it came in: {}", done.err);
}

/// A file that is somewhere else until this value goes.
struct Away(std::path::PathBuf);

impl Away {
    fn put(path: std::path::PathBuf) -> Self {
        fs::rename(&path, path.with_extension("away")).unwrap();
        Self(path)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        fs::rename(self.0.with_extension("away"), &self.0).unwrap();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_file_beside_the_spec_that_is_missing_or_a_strangers_is_named_with_what_mends_it() {
    let user = User::new();
    let name = user.name.as_str();
    user.spoil();
    let again = format!("jailbase user add {name}, with the options it was added with, mends that");
    for file in ["passwd", "group", "tmp"] {
        let path = user.file(file).display().to_string();
        let _away = Away::put(user.file(file));
        hinders(name, &[&path, "No such file", &again]);
    }
    chown(user.file("tmp"), Some(0), Some(0)).unwrap();
    hinders(name, &["tmp is not owned by the user; chown it"]);
    chown(user.file("tmp"), Some(user.uid), Some(user.uid)).unwrap();
    // What is said to mend it does.
    fs::remove_file(user.file("passwd")).unwrap();
    fs::remove_dir(user.file("tmp")).unwrap();
    user.add(&[]);
    assert_eq!(user.run(&["id", "-un"]).well(), name);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_name_that_leads_to_another_or_to_nobody_hinders_whoever_calls_by_it() {
    let (user, other) = (User::new(), User::new());
    let (name, uid) = (user.name.as_str(), user.uid.to_string());
    let link = format!("{STATE}/jails/by-name/{name}");
    let again = format!("jailbase user add {name}, with the options it was added with, mends that");
    let refused = || json(&["explain", &uid])["refused"].clone();
    fs::remove_file(&link).unwrap();
    symlink(other.uid.to_string(), &link).unwrap();
    let said = format!("the name {name} stands for uid {}, and only by the uid is this one let in; {again}", other.uid);
    assert_eq!(refused(), serde_json::json!([said]));
    assert_eq!(Call::new([name, "--", "true"]).run().code(), 77);
    assert_eq!(Call::new([&uid, "--", "id", "-un"]).run().well(), name);
    fs::remove_file(&link).unwrap();
    assert_eq!(
        refused(),
        serde_json::json!([format!("by-name/{name} is missing: this user has no jail; see jailbase user add")])
    );
    assert_eq!(Call::new([name, "--", "true"]).run().code(), 77);
    user.add(&[]);
    assert_eq!(refused(), serde_json::json!([]));
    assert_eq!(user.run(&["id", "-un"]).well(), name);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_or_a_home_that_is_not_there_is_named_with_what_to_take_instead() {
    let image = Image::copy("seehindered");
    let user = User::with(&["--image", &image.name]);
    let name = user.name.as_str();
    {
        let _away = Away::put(image.dir.clone());
        let other = format!("jailbase image ls lists what there is, jailbase user set {name} --image takes another");
        hinders(name, &[&image.name, &other]);
    }
    for place in ["proc", "dev"] {
        let _away = Away::put(image.tree().join(place));
        let anew = format!("build it anew with jailbase image build {}", image.name);
        hinders(name, &[&format!("the image {} has no place for /{place}: ", image.name), &anew]);
    }
    {
        let _away = Away::put(user.home.clone().into());
        hinders(name, &["the home ", &format!("make it, or give another with jailbase user set {name} --home")]);
    }
    assert_eq!(user.run(&["id", "-un"]).well(), name);
    // Last, for it is the session that fails: its jail is up by then.
    let top = |mode| fs::set_permissions(image.tree(), fs::Permissions::from_mode(mode)).unwrap();
    top(0o700);
    hinders(name, &["is closed to everybody but root", &format!("jailbase image update {}", image.name)]);
}

/// The files of a jail for a uid that the tests' policy does not name.
struct Outside(String);

impl Drop for Outside {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
        drop(fs::remove_file(format!("{STATE}/jails/by-name/outside")));
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_uid_that_the_policy_lets_nobody_enter_is_told_with_the_two_ways_out() {
    let user = User::new();
    let outside = Outside(format!("{STATE}/jails/60001"));
    let copied = std::process::Command::new("cp").arg("-a").arg(user.file("")).arg(&outside.0).status().unwrap();
    assert!(copied.success());
    let spec = fs::read_to_string(user.file("spec")).unwrap();
    let spec = spec
        .replace(&format!("uid = {}\n", user.uid), "uid = 60001\n")
        .replace(&format!("name = {}\n", user.name), "name = outside\n");
    fs::write(format!("{}/spec", outside.0), spec).unwrap();
    symlink("60001", format!("{STATE}/jails/by-name/outside")).unwrap();
    chown(format!("{}/tmp", outside.0), Some(60001), Some(60001)).unwrap();
    chown(&user.home, Some(60001), Some(60001)).unwrap();
    let ways = "give the user another uid, or change policy.toml and rebuild";
    hinders("outside", &["the compiled policy lets nobody enter the jail of uid 60001 (see trampoline --policy)", ways]);
    chown(&user.home, Some(user.uid), Some(user.uid)).unwrap();
}
