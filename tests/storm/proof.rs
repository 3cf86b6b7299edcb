//! The canary: a program in a home that says where and as what it ran.

use crate::call::{Call, Who};
use crate::common::user::User;
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::process::Command;

/// What one run of the canary said.
pub type Proof = BTreeMap<String, String>;

/// What is the same in every run in one user's jail, whoever called and however.
const FIXED: [&str; 23] = [
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "TracerPid",
    "SigPnd",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "user",
    "pid1",
    "session",
    "timers",
    "personality",
    "shadow",
    "root",
];

/// A user of the storm, and where the canary of this user's speaks.
pub struct Cage {
    pub who: Who,
    proof: File,
}

/// Puts the canary into a home that everybody can search, with a pipe that everybody can write: should it ever run outside of
/// the jail, nothing keeps it from saying so. A pipe, because a caller's limit on files cuts it short nowhere.
pub fn hatch(user: &User) -> Cage {
    let (canary, proof) = (user.in_home("canary"), user.in_home("proof"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/storm/canary.c");
    let done = Command::new("gcc").args(["-O1", "-Wall", "-Werror", "-static", "-o"]).arg(&canary).arg(source).status().unwrap();
    assert!(done.success());
    assert!(Command::new("mkfifo").args(["-m", "666"]).arg(&proof).status().unwrap().success());
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    chown(&proof, Some(user.uid), Some(user.uid)).unwrap();
    let who = Who { name: user.name.clone(), uid: user.uid, home: user.home.clone() };
    Cage { who, proof: File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&proof).unwrap() }
}

/// What was said since the last time, by all.
pub fn said(cages: &[Cage]) -> Vec<(u32, Proof)> {
    let pairs = |line: &str| {
        line.split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
            .collect()
    };
    let mut all = Vec::new();
    for cage in cages {
        let mut bytes = vec![0; 65_536];
        // Nothing said is EAGAIN.
        let length = (&cage.proof).read(&mut bytes).unwrap_or(0);
        all.extend(String::from_utf8_lossy(&bytes[..length]).lines().map(|line| (cage.who.uid, pairs(line))));
    }
    all
}

/// What is not as it must be in a run of the canary in this user's jail.
pub fn faults(proof: &Proof, uid: u32, call: &Call, usual: &Proof) -> Vec<String> {
    let get = |key: &str| proof.get(key).map_or("", String::as_str);
    let mut faults: Vec<String> = FIXED
        .iter()
        .filter(|key| get(key) != usual.get(**key).map_or("missing", String::as_str))
        .map(|key| format!("{key} is {:?}, usually {:?}", get(key), usual.get(*key)))
        .collect();
    let mut must = |good: bool, what: &str| {
        if !good {
            faults.push(format!("{what}: {proof:?}"));
        }
    };
    let four = format!("{uid} {uid} {uid} {uid}");
    must(get("Uid") == four && get("Gid") == four && get("Groups").is_empty(), "ids");
    must(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].iter().all(|set| get(set) == "0000000000000000"), "capabilities");
    must(get("NoNewPrivs") == "1" && get("Seccomp") == "2", "no_new_privs and the filter");
    for kind in ["mnt", "pid", "net", "ipc", "uts"] {
        let host = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        must(get(kind).starts_with(kind) && get(kind) != host.to_str().unwrap(), "a namespace of the host's");
    }
    must(get("fds").split(',').all(|fd| ["", "0", "1", "2"].contains(&fd)), "descriptors");
    must(limits(get("limits"), usual.get("limits").map_or("", String::as_str), call), "limits");
    must(get("nice").parse().is_ok_and(|nice: i32| (0..=call.nice).contains(&nice)), "nice");
    must(get("shadow") == "0" && get("pid1") == "1", "the host's files or processes");
    let listed = ["", "HOME", "USER", "LOGNAME", "SHELL", "PATH", "TERM", "LANG", "LANGUAGE", "LC_ALL"];
    let asked = |name: &str| call.words.iter().any(|word| word.to_string_lossy().contains(&format!("{name}=")));
    must(get("environ").split(',').all(|name| listed.contains(&name) || asked(name)), "variables");
    faults
}

/// Whether the limits are the usual ones. Where root may not raise a hard limit, as in a container, a lower one of the
/// caller's stays.
fn limits(found: &str, usual: &str, call: &Call) -> bool {
    let numbers = |text: &str| -> Vec<u64> { text.split([':', ',']).filter_map(|number| number.parse().ok()).collect() };
    let (found, usual) = (numbers(found), numbers(usual));
    let lowered = |at: usize| call.limits.iter().filter(move |(r, _)| *r as usize == at / 2).map(|(_, value)| *value).min();
    found.len() == 32
        && usual.len() == 32
        && found.iter().zip(&usual).enumerate().all(|(at, (found, usual))| {
            let stays = lowered(at).filter(|_| !crate::common::process::may_raise_limits());
            found == usual || stays.is_some_and(|lower| *found == lower.min(*usual))
        })
}
