//! The kill sweep of jailbase: a command that was killed at whatever call can be given again, or undone by its inverse, and
//! nothing half made is left or can be entered meanwhile.

use super::alone::new_calls;
use super::remains::{self, Left};
use super::start::Order;
use super::trace::keep_to;
use crate::common::user::User;
use crate::common::{image, kernels, program};
use std::path::Path;
use std::process::{Command, Output};

/// A jailbase command, given by root.
fn order(words: &[&str]) -> Order {
    Order::new(program("jailbase"), words)
}

fn given(words: &[&str]) -> Output {
    Command::new(program("jailbase")).args(words).output().unwrap()
}

#[track_caller]
fn done(words: &[&str], what: &str) {
    let done = given(words);
    assert!(done.status.success(), "{words:?} after {what}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Done, or refused because there is nothing to be done.
#[track_caller]
fn done_or_nothing(words: &[&str], what: &str) {
    let mut done = given(words);
    let mut said = String::from_utf8_lossy(&done.stderr).into_owned();
    // Killed when the home had gone and all that was known of it: what is left goes as it says. Homes are looked at by who asks.
    if let [rest @ .., "--remove-home"] = words
        && said.ends_with("leave --remove-home out\n")
    {
        done = given(rest);
        said = String::from_utf8_lossy(&done.stderr).into_owned();
    }
    assert!(
        done.status.success() || (done.status.code() == Some(77) && said.contains("is missing: ")),
        "{words:?} after {what}: {said}"
    );
}

/// One user, and the commands about him.
struct Subject {
    user: User,
    uid: String,
    /// Whether jailbase makes the home, and removes it.
    homeless: bool,
}

impl Subject {
    fn new() -> Self {
        let user = User::without_jail();
        Self { uid: user.uid.to_string(), user, homeless: false }
    }

    fn homeless() -> Self {
        let subject = Self { homeless: true, ..Self::new() };
        std::fs::remove_dir(&subject.user.home).unwrap();
        subject
    }

    fn add<'a>(&'a self, limit: &'a str) -> Vec<&'a str> {
        let User { name, home, .. } = &self.user;
        let uid = self.uid.as_str();
        let mut words = vec!["user", "add", name, "--uid", uid, "--gid", uid, "--home", home, "--shell", "/bin/sh"];
        words.extend(self.homeless.then_some("--create-home"));
        words.extend(["--open-files", limit]);
        words
    }

    fn remove(&self) -> Vec<&str> {
        let mut words = vec!["user", "rm", &self.uid, "--purge"];
        words.extend(self.homeless.then_some("--remove-home"));
        words
    }

    /// What there is of him but the home.
    fn left(&self) -> Vec<String> {
        let mut all = remains::on_host(self.user.uid, &self.user.home);
        all.retain(|line| line.contains(&self.uid));
        all.extend((remains::of_jail(self.user.uid) != Left::Nothing).then(|| "a pin".to_owned()));
        // And where a home is emptied, or waits for its name.
        let beside = [format!("/home/.purge.{}", self.user.name), format!("/home/.{}.jailbase", self.user.name)];
        let homes = beside.into_iter().chain([self.user.home.clone()]);
        all.extend(homes.filter(|path| self.homeless && Path::new(path).exists()));
        all
    }

    /// Entries under the name and the uid are whole, with one of these limits, or refused.
    #[track_caller]
    fn enters_whole_or_not(&self, limits: &[&str], what: &str) -> [bool; 2] {
        [&self.user.name, &self.uid].map(|who| {
            let script = "ulimit -n; cat /etc/passwd";
            let entry = Command::new(program("trampoline")).args([who, "--", "sh", "-c", script]).output().unwrap();
            let (said, err) = (String::from_utf8_lossy(&entry.stdout), String::from_utf8_lossy(&entry.stderr));
            if entry.status.code() == Some(77) && said.is_empty() && err.starts_with("trampoline: refused: ") {
                return false;
            }
            assert_eq!((entry.status.code(), &*err), (Some(0), ""), "{what}: {said}");
            let (limit, passwd) = said.split_once('\n').unwrap();
            assert!(limits.contains(&limit), "{what}: {said}");
            assert!(passwd.contains(&format!("{}:x:{}:", self.user.name, self.uid)), "{what}: {said}");
            true
        })
    }
}

/// Calls by which jailbase changes something.
const CHANGES: [&str; 6] = ["fchmod", "mkdirat", "renameat", "renameat2", "symlinkat", "unlinkat"];

/// A command, what there is before it, and what is said to jailbase after it was killed.
struct Case<'a> {
    name: &'a str,
    before: &'a dyn Fn(),
    command: Vec<&'a str>,
    /// Limits that an entry may have after a kill.
    limits: &'a [&'a str],
    after: [Vec<&'a str>; 2],
}

/// Points, kills, and how many of them were survived; a failure ends the test.
type Count = [usize; 3];

fn sweep(subject: &Subject, case: &Case<'_>, known: &mut Vec<Vec<&'static str>>) -> Count {
    let order = order(&case.command);
    (case.before)();
    let (points, mut kills, mut survived, mut changed) = (new_calls(&order, known), 0, 0, false);
    for point in &points {
        // Before the first change there is nothing to be undone.
        for after in &case.after[..if changed { 2 } else { 1 }] {
            (case.before)();
            let what = format!("{} killed at call {}, {}; then {}", case.name, point.nth, point.name, after[1]);
            point.kill(&what);
            kills += 1;
            subject.enters_whole_or_not(case.limits, &what);
            if after[1] == "rm" {
                done_or_nothing(after, &what);
            } else {
                done(after, &what);
                let limit = *after.last().unwrap();
                assert_eq!(subject.enters_whole_or_not(&[limit], &what), [true; 2], "{what}");
                done(&subject.remove(), &what);
            }
            assert_eq!(subject.enters_whole_or_not(&[], &what), [false; 2], "{what}");
            assert_eq!(subject.left(), [subject.user.home.clone()][..0], "{what}: something is left");
            survived += 1;
        }
        changed |= CHANGES.contains(&point.name);
    }
    [points.len(), kills, survived]
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_command_about_a_user_that_was_killed_at_whatever_call_can_be_given_again_or_undone() {
    keep_to(0);
    image::host();
    let subject = Subject::new();
    let nothing = || done_or_nothing(&subject.remove(), "nothing");
    let jail = || {
        done(&subject.add("99"), "nothing");
        // With something in it, as a tmp has.
        subject.user.shell("mkdir -p /tmp/a/b/c; echo x > /tmp/a/b/d; ln -sfn / /tmp/a/e");
    };
    let plain_remove = vec!["user", "rm", subject.uid.as_str()];
    let cases = [
        Case {
            name: "user add",
            before: &nothing,
            command: subject.add("99"),
            limits: &["99"],
            after: [subject.add("99"), subject.remove()],
        },
        Case {
            name: "user add anew",
            before: &jail,
            command: subject.add("88"),
            limits: &["99", "88"],
            after: [subject.add("88"), subject.remove()],
        },
        Case {
            name: "user set",
            before: &jail,
            command: vec!["user", "set", subject.uid.as_str(), "--open-files", "88"],
            limits: &["99", "88"],
            after: [vec!["user", "set", subject.uid.as_str(), "--open-files", "88"], subject.remove()],
        },
        Case {
            name: "user rm",
            before: &jail,
            command: plain_remove,
            limits: &["99"],
            after: [subject.remove(), subject.add("99")],
        },
        Case {
            name: "user rm --purge",
            before: &jail,
            command: subject.remove(),
            limits: &["99"],
            after: [subject.remove(), subject.add("99")],
        },
    ];
    let homeless = Subject::homeless();
    let home = || {
        done(&homeless.add("99"), "nothing");
        homeless.user.shell("mkdir -p ~/a/b/c; echo x > ~/a/b/d; ln -sfn / ~/a/e");
    };
    let neither = || done_or_nothing(&homeless.remove(), "nothing");
    let with_new_home = Case {
        name: "user add --create-home",
        before: &neither,
        command: homeless.add("99"),
        limits: &["99"],
        after: [homeless.add("99"), homeless.remove()],
    };
    let with_home = Case {
        name: "user rm --purge --remove-home",
        before: &home,
        command: homeless.remove(),
        limits: &["99"],
        after: [homeless.remove(), homeless.add("99")],
    };
    let (mut known, mut sum, kernels) = (Vec::new(), Count::default(), kernels::now());
    for (subject, case) in cases.iter().map(|case| (&subject, case)).chain([(&homeless, &with_new_home), (&homeless, &with_home)])
    {
        let count = sweep(subject, case, &mut known);
        println!("killed in {}: {} points, {} kills", case.name, count[0], count[1]);
        sum.iter_mut().zip(count).for_each(|(sum, count)| *sum += count);
    }
    kernels.have_nothing_new(&[subject.user.uid, homeless.user.uid]);
    let [points, kills, survived] = sum;
    println!("kill sweep of jailbase user: {points} points, {kills} kills, {survived} survived, failed = {}", kills - survived);
}
