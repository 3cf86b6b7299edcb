//! A user's jail is taken away, and with it the name that leads there.

use crate::common::user::User;
use crate::common::{STATE, program};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

fn link(name: &str) -> PathBuf {
    PathBuf::from(format!("{STATE}/jails/by-name/{name}"))
}

fn remove(user: &User) {
    let done = Command::new(program("jailbase")).args(["user", "rm", &user.uid.to_string(), "--purge"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_removal_looks_at_one_name_however_many_users_there_are() {
    let users: Vec<User> = (0..12).map(|_| User::new()).collect();
    let trace = users[0].in_home("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-e", "trace=readlinkat,readlink", "-o"]).arg(&trace);
    let done = traced.arg(program("jailbase")).args(["user", "rm", &users[0].name, "--purge"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let looks = fs::read_to_string(&trace).unwrap().lines().filter(|line| line.contains("t2")).count();
    // One to learn the uid, one to learn whose link it is that is to go.
    assert_eq!(looks, 2);
    assert!(!link(&users[0].name).is_symlink() && users[1..].iter().all(|user| link(&user.name).is_symlink()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_removal_takes_the_names_that_an_interrupted_one_left() {
    let user = User::new();
    // As the first step of a removal leaves it; then the uid gets a jail under another name.
    fs::rename(user.file("spec"), user.file(".spec.removed")).unwrap();
    let (uid, other) = (user.uid.to_string(), format!("{}.other", user.name));
    let add = ["user", "add", &other, "--uid", &uid, "--gid", &uid, "--home", &user.home];
    let done = Command::new(program("jailbase")).args(add).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    remove(&user);
    assert!(!link(&user.name).is_symlink() && !link(&other).is_symlink());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_name_that_leads_to_a_jail_of_another_name_is_free() {
    let (user, other) = (User::new(), User::without_jail());
    symlink(user.uid.to_string(), link(&other.name)).unwrap();
    other.add(&[]);
    assert_eq!(fs::read_link(link(&other.name)).unwrap().to_str(), Some(other.uid.to_string().as_str()));
    assert_eq!(user.shell("id -u"), user.uid.to_string());
}
