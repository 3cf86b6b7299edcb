//! Who adds, changes and removes users, and who drains their jails, while they are called.

use crate::callers::Dice;
use crate::common::program;
use crate::figures::{Event, Figures};
use crate::tenants::Tenant;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// How often a removal is tried before the administrator takes the next user: sessions may be there.
const TRIES: usize = 5;

/// Takes one user after the other away and brings them back, until the end; then all are there.
pub fn change_until(end: &AtomicBool, own: &[&Tenant], figures: &Figures) {
    let mut dice = Dice(u64::from(own[0].user().uid));
    while !end.load(Ordering::SeqCst) {
        let tenant = own[dice.below(own.len())];
        match (tenant.is_present(), dice.below(4)) {
            (false, _) => tenant.change(|| add(tenant, &mut dice, Event::Added, figures)),
            (true, 0) => tenant.change(|| add(tenant, &mut dice, Event::Updated, figures)),
            (true, _) => remove(tenant, &mut dice, figures),
        }
        // Long enough that callers meet users who are surely there, or surely not.
        sleep(Duration::from_millis(30));
    }
    for tenant in own.iter().filter(|tenant| !tenant.is_present()) {
        tenant.change(|| add(tenant, &mut dice, Event::Added, figures));
    }
}

fn jailbase(words: &[&str]) -> Output {
    Command::new(program("jailbase")).args(words).env_clear().output().unwrap()
}

/// With a host name by chance, so that the spec is often another one.
fn add(tenant: &Tenant, dice: &mut Dice, event: Event, figures: &Figures) -> bool {
    let (user, uid) = (tenant.user(), tenant.user().uid.to_string());
    let host = ["one", "other"][dice.below(2)];
    let words = ["user", "add", &user.name, "--uid", &uid, "--gid", &uid, "--home", &user.home, "--hostname", host];
    let done = jailbase(&words);
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    figures.add(event);
    true
}

fn remove(tenant: &Tenant, dice: &mut Dice, figures: &Figures) {
    let name = tenant.user().name.as_str();
    let words = if dice.below(2) == 0 { vec!["user", "rm", name, "--purge"] } else { vec!["user", "rm", name] };
    for _ in 0..TRIES {
        tenant.change(|| {
            let done = jailbase(&words);
            let said = String::from_utf8_lossy(&done.stderr);
            // It waits a while for programs to end, and says so.
            let mut lines = said.lines().filter(|line| !line.starts_with("jailbase: warning: waiting up to "));
            let last = lines.next().unwrap_or_default();
            assert_eq!(lines.next(), None, "{said}");
            if done.status.success() {
                assert_eq!(last, "");
                figures.add(Event::Removed);
                return false;
            }
            let why = "programs are running in the jail after ";
            assert_eq!(done.status.code(), Some(77), "{said}");
            assert!(last.starts_with(&format!("jailbase: cannot remove the user {name}: {why}")), "{said}");
            assert!(last.contains(" and people are let in again; end them with jailbase kill"), "{said}");
            figures.add(Event::NotRemoved);
            true
        });
        if !tenant.is_present() {
            return;
        }
        sleep(Duration::from_millis(5));
    }
}

/// Drains one jail after the other, and now and then all at once, until the end.
pub fn drain_until(end: &AtomicBool, all: &[Tenant], figures: &Figures) {
    let mut dice = Dice(u64::try_from(all.len()).unwrap());
    while !end.load(Ordering::SeqCst) {
        if dice.below(20) == 0 {
            drain(&["--all"], all, "", Event::DrainOfAll, figures);
        } else {
            let tenant = &all[dice.below(all.len())];
            let name = tenant.user().name.as_str();
            drain(&[name], std::slice::from_ref(tenant), name, Event::Drain, figures);
        }
        // Longer than a drain takes: otherwise callers would be promised nothing.
        sleep(Duration::from_millis(200));
    }
}

fn drain(whom: &[&str], those: &[Tenant], name: &str, event: Event, figures: &Figures) {
    those.iter().for_each(Tenant::begin);
    let mut reaper = Command::new(program("reaper"));
    let done = reaper.arg("--drain").args(whom).args(["--wait", "2"]).env_clear().output().unwrap();
    those.iter().for_each(Tenant::end);
    let said = String::from_utf8_lossy(&done.stderr);
    // It says for whom it waits.
    let lines: Vec<&str> = said.lines().filter(|line| !line.contains(": waiting for ")).collect();
    let not_drained = |line: &&str| line.contains(": not drained, and people are let in again; in use by ");
    let gone = [" is missing: this u", " has no jail, but files; jailbase user rm "];
    figures.add(match done.status.code() {
        Some(0) if lines.is_empty() => event,
        Some(75) if !lines.is_empty() && lines.iter().all(not_drained) => Event::NotDrained,
        // Somebody had just removed that user, or was at it.
        Some(77) if !name.is_empty() && gone.iter().any(|why| said.contains(why)) => Event::NothingToDrain,
        code => panic!("a drain of {whom:?}: {code:?}: {said}"),
    });
}
