//! Who calls: web servers and cron, in short and in long sessions. Each entry leaves a numbered record in the home, and
//! the caller writes into a diary what was promised.

use crate::common::call::{Call, Done, Running};
use crate::common::{STATE, WWW};
use crate::figures::{Event, Figures};
use crate::tenants::{Tenant, Told};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// What one caller has to show for the visits, by user.
#[derive(Default)]
pub struct Diary {
    /// The records that must be in the home.
    records: BTreeMap<usize, Vec<String>>,
    /// Those of programs that were killed, which may be there.
    doubtful: BTreeMap<usize, Vec<String>>,
    /// When a session was surely in the jail, in hundredths of a second, and which jail that was.
    stays: BTreeMap<usize, Vec<Stay>>,
}

#[derive(Clone)]
struct Stay {
    from: u64,
    to: u64,
    jail: String,
}

/// How many long sessions of one user are started at once.
const AT_ONCE: usize = 3;

/// What a call is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Short,
    Long,
    Ensure,
    /// Short, and killed at some moment of it.
    Killed,
}

/// The record, and whether this is the first program in a new jail: its /dev/shm is empty.
const SHORT: &str =
    "echo RECORD >> $HOME/record || exit 9; set -C; { true > /dev/shm/made; } 2>/dev/null && echo first || echo next";
/// The same, and from when to when it was in which jail.
const LONG: &str =
    "; read from rest < /proc/uptime; readlink /proc/self/ns/ipc; sleep 0.06; read to rest < /proc/uptime; echo $from $to";

/// Visits every user in every round, twice at a time: the first entry may find no jail, the second mostly does.
pub fn visit(number: usize, rounds: usize, tenants: &[Tenant], end: &AtomicBool, figures: &Figures) -> Diary {
    // Even callers are root, as cron is, and are told why they are refused; odd ones are web servers.
    let uid = if number.is_multiple_of(2) { 0 } else { WWW };
    let mut caller = Caller { uid, dice: Dice(u64::try_from(number).unwrap() + 1), diary: Diary::default(), figures };
    for round in 0..rounds {
        // In every other round all go the same way, and meet at the same doors.
        let order = match round % 2 {
            0 => caller.dice.order(tenants.len()),
            _ => Dice(u64::try_from(round).unwrap()).order(tenants.len()),
        };
        for at in order {
            if end.load(Ordering::SeqCst) {
                return caller.diary;
            }
            for turn in 0..2 {
                caller.call(&tenants[at], at, &format!("{number}.{round}.{turn}"));
            }
        }
    }
    caller.diary
}

struct Caller<'a> {
    uid: u32,
    dice: Dice,
    diary: Diary,
    figures: &'a Figures,
}

impl Caller<'_> {
    fn call(&mut self, tenant: &Tenant, at: usize, record: &str) {
        let (kind, calls) = match self.dice.below(20) {
            0 | 1 => (Kind::Ensure, 1),
            2 => (Kind::Killed, 1),
            3 => (Kind::Long, AT_ONCE),
            _ => (Kind::Short, 1),
        };
        let before = tenant.look();
        let calls: Vec<_> = (0..calls).map(|n| self.start(tenant, kind, format!("{record}.{n}"))).collect();
        if kind == Kind::Killed {
            sleep(Duration::from_micros(self.dice.below(5000).try_into().unwrap()));
        }
        for (record, running) in calls {
            if kind == Kind::Killed {
                running.signal(libc::SIGKILL);
                drop(running.end());
                self.diary.doubtful.entry(at).or_default().push(record);
                self.figures.add(Event::Killed);
                continue;
            }
            let done = running.end();
            self.figures.longest_call(done.took);
            self.judge(tenant, Tenant::told(before, tenant.look()), &done, kind, at, record);
        }
    }

    fn start(&self, tenant: &Tenant, kind: Kind, record: String) -> (String, Running) {
        let name = tenant.user().name.as_str();
        let script = if kind == Kind::Long { format!("{SHORT}{LONG}") } else { SHORT.to_owned() }.replace("RECORD", &record);
        let call = match kind {
            Kind::Ensure => Call::new(["--ensure", name]),
            _ => Call::new([name, "--", "/bin/sh", "-c", &script]),
        };
        (record, call.by(self.uid, self.uid).start())
    }

    fn judge(&mut self, tenant: &Tenant, told: Told, done: &Done, kind: Kind, at: usize, record: String) {
        let name = &tenant.user().name;
        if done.code() != 0 {
            assert_ne!(told, Told::Served, "{name} was promised to uid {}: {} {}", self.uid, done.code(), done.err);
            return self.figures.add(refusal(tenant, self.uid, done));
        }
        assert_ne!(told, Told::Refused, "{name} has no jail, and a program ran: {}", done.text());
        let text = done.well();
        if kind == Kind::Ensure {
            assert_eq!(text, "");
            return self.figures.add(Event::Ensured);
        }
        self.note(kind, &text, at, record);
    }

    fn note(&mut self, kind: Kind, text: &str, at: usize, record: String) {
        let mut lines = text.lines();
        self.figures.add(match lines.next() {
            Some("first") => Event::First,
            Some("next") => Event::Next,
            other => panic!("the program said {other:?}"),
        });
        self.diary.records.entry(at).or_default().push(record);
        if kind == Kind::Long {
            let jail = lines.next().unwrap().to_owned();
            let times: Vec<u64> = lines.next().unwrap().split(' ').map(|time| time.replace('.', "").parse().unwrap()).collect();
            self.diary.stays.entry(at).or_default().push(Stay { from: times[0], to: times[1], jail });
        }
    }
}

/// A refusal: one plain line, of those that somebody may get whose user is being added, changed or removed.
fn refusal(tenant: &Tenant, uid: u32, done: &Done) -> Event {
    let (name, dir) = (&tenant.user().name, format!("{STATE}/jails/{}", tenant.user().uid));
    if done.code() == 125 {
        let line = format!("cannot make the jail of {name}: its spec was changed meanwhile; try again");
        assert_eq!(done.failed(125), line);
        return Event::ChangedMeanwhile;
    }
    let line = done.failed(77);
    if line == "not now: this jail is being drained; try again later" {
        return Event::Drained;
    }
    let allowed = if uid == 0 {
        vec![
            format!("refused: by-name/{name} is missing: this user has no jail; see jailbase user add"),
            format!("refused: {dir} is missing: this uid has no jail; see jailbase user add"),
            format!("refused: {dir}/spec is missing: see jailbase user add"),
        ]
    } else {
        vec!["refused (the system log has the reason)".to_owned()]
    };
    assert!(allowed.iter().any(|one| one == line), "uid {uid} read {line:?}");
    Event::Refused
}

/// Every record is in its home as often as it was written there, which is once; how many there are.
#[track_caller]
pub fn found(diaries: &[Diary], tenants: &[Tenant]) -> usize {
    let (mut wrong, mut right) = (Vec::new(), 0);
    for (at, tenant) in tenants.iter().enumerate() {
        let text = std::fs::read_to_string(tenant.user().in_home("record")).unwrap_or_default();
        let mut found: HashMap<&str, usize> = HashMap::new();
        text.lines().for_each(|line| *found.entry(line).or_default() += 1);
        for record in diaries.iter().flat_map(|diary| diary.records.get(&at).into_iter().flatten()) {
            match found.remove(record.as_str()) {
                Some(1) => right += 1,
                times => wrong.push(format!("{record} in the home of {}: {times:?}", tenant.user().name)),
            }
        }
        for record in diaries.iter().flat_map(|diary| diary.doubtful.get(&at).into_iter().flatten()) {
            right += found.remove(record.as_str()).inspect(|times| assert_eq!(*times, 1, "{record}")).unwrap_or(0);
        }
        wrong.extend(found.keys().map(|record| format!("{record} in the home of {}, of nobody", tenant.user().name)));
    }
    assert!(wrong.is_empty(), "{} writes are lost or strange: {wrong:?}", wrong.len());
    right
}

/// Sessions of one user that were there at the same time were in the same jail; how many pairs were compared.
pub fn simultaneous(diaries: &[Diary]) -> usize {
    let mut all: BTreeMap<usize, Vec<&Stay>> = BTreeMap::new();
    for (at, stays) in diaries.iter().flat_map(|diary| &diary.stays) {
        all.entry(*at).or_default().extend(stays);
    }
    let mut compared = 0;
    for (at, mut stays) in all {
        stays.sort_by_key(|stay| stay.from);
        for (n, one) in stays.iter().enumerate() {
            // The clock that both read stands still for a hundredth of a second.
            for other in stays[n + 1..].iter().take_while(|other| other.from + 1 < one.to) {
                compared += 1;
                assert_eq!(one.jail, other.jail, "user {at} had two jails at {}", other.from);
            }
        }
    }
    compared
}

/// Numbers that look random and are the same in every run (xorshift).
pub struct Dice(pub u64);

impl Dice {
    fn order(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        (1..length).rev().for_each(|at| order.swap(at, self.below(at + 1)));
        order
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(end).unwrap()).unwrap()
    }
}
