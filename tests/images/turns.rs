//! Two commands that want the same image at once, and an image and a user that come and go at once.

use super::{Own, Said, jailbase};
use crate::common::user::User;
use crate::common::{process, program, seen};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_waits_for_another_that_changes_the_image_is_told_for_whom_and_goes_on_when_that_has_ended() {
    let (own, source, from) = Own::of_words("turns", &["one", "two"]);
    let name = own.name.as_str();
    for (at, words) in [
        &["build", name, "--from", &from][..],
        &["update", name],
        &["gc", name, "--keep", "100"],
        &["rollback", name],
        &["edit", name, "--", "/bin/say", "as", "edited"],
    ]
    .iter()
    .enumerate()
    {
        fs::write(source.join("data/word"), format!("new {at}")).unwrap();
        let mut edit = Command::new(program("jailbase"));
        edit.args(["image", "-q", "edit", name, "--", "/bin/say", "as", "held", "600"]).stdin(Stdio::null());
        let mut edit = edit.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let runs = || super::killed::running_in(&own).iter().any(|line| line.starts_with("/bin/say as held"));
        assert!(seen::within(Duration::from_secs(20), runs));
        let mut second = Command::new(program("jailbase"));
        second.arg("image").args(*words).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut second = second.spawn().unwrap();
        let mut said = String::new();
        let mut err = BufReader::new(second.stderr.take().unwrap());
        err.read_line(&mut said).unwrap();
        let expected = format!(
            "jailbase: warning: waiting for another command that changes {name} (pid {}, jailbase image edit)\n",
            edit.id()
        );
        assert_eq!(said, expected, "{words:?}");
        std::thread::sleep(Duration::from_millis(300));
        assert!(second.try_wait().unwrap().is_none(), "{words:?} did not wait");
        process::kill(edit.id(), libc::SIGTERM);
        edit.wait().unwrap();
        let said = Said::of(&second.wait_with_output().unwrap());
        assert_eq!(said.code, 0, "{words:?}: {}", said.out);
        assert_eq!(err.lines().map_while(Result::ok).collect::<Vec<_>>(), Vec::<String>::new(), "{words:?}: said once");
    }
    // Who only looks, or says what would be done, waits for nobody.
    let _locked = process::flock(own.dir().to_str().unwrap());
    for words in [&["ls"][..], &["show", name], &["verify", name], &["update", name, "--dry-run"], &["gc", name, "--dry-run"]] {
        let said = jailbase(["image"].iter().chain(words));
        assert!(!said.err.contains("waiting"), "{words:?}: {}", said.err);
    }
}

/// Who is held up with the lock of all jails holds up the others too: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Runs jailbase so that one of its system calls begins so many seconds later; `meanwhile` is run in that time.
fn held((call, seconds): (&str, u32), words: &[&str], meanwhile: impl FnOnce() -> Said) -> (Said, Said) {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:delay_enter={seconds}000000:when=1")]).arg(program("jailbase")).args(words);
    let first = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Long enough for all that comes before the call, on a busy machine too.
    std::thread::sleep(Duration::from_millis(1500));
    let second = meanwhile();
    (Said::of(&first.wait_with_output().unwrap()), second)
}

/// Nobody has an image that is not there: either there is the image, or the user's spec names another.
#[track_caller]
fn agree(own: &Own, user: &User, first: &Said, second: &Said) {
    let names = fs::read_to_string(user.file("spec")).unwrap_or_default().contains(&format!("image = {}\n", own.name));
    let is_there = own.dir().join("current").is_symlink();
    assert!(is_there || !names, "{}: {}; {}: {}", first.code, first.err, second.code, second.err);
}

/// The words that give a user a jail of an image.
fn added<'a>(user: &'a User, uid: &'a str, own: &'a Own) -> Vec<&'a str> {
    let account = ["user", "add", &user.name, "--uid", uid, "--gid", uid, "--home", &user.home, "--shell", "/bin/sh"];
    account.into_iter().chain(["--image", &own.name]).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_who_is_given_an_image_that_goes_meanwhile_does_not_get_it() {
    let _alone = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let user = User::without_jail();
    let uid = user.uid.to_string();
    let none = |own: &Own| format!("there is no image {}; make it with", own.name);
    {
        let (own, ..) = Own::of_words("turns-add", &["one"]);
        // Its image is judged, and it is about to take the first lock.
        let (first, second) = held(("flock", 8), &added(&user, &uid, &own), || jailbase(["image", "rm", &own.name]));
        agree(&own, &user, &first, &second);
        second.well();
        first.no(77, &none(&own));
        assert!(!user.file("spec").exists());
    }
    user.add(&[]);
    let (own, ..) = Own::of_words("turns-set", &["one"]);
    let set = ["user", "set", &user.name, "--image", &own.name];
    let (first, second) = held(("flock", 8), &set, || jailbase(["image", "rm", &own.name]));
    agree(&own, &user, &first, &second);
    second.well();
    first.no(77, &none(&own));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_that_is_about_to_go_is_given_to_nobody_any_more() {
    let _alone = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let user = User::without_jail();
    let uid = user.uid.to_string();
    let (own, ..) = Own::of_words("turns-rm", &["one"]);
    // It has looked whose specs name it, and is about to take it out of service.
    let (first, second) = held(("unlinkat", 3), &["image", "rm", &own.name], || jailbase(added(&user, &uid, &own)));
    agree(&own, &user, &first, &second);
    first.well();
    second.no(77, &format!("there is no image {}; make it with", own.name));
    assert!(!own.dir().exists() && !user.file("spec").exists());
}
