//! What `stat` says that sessions use, value by value, beside what procfs says of the same processes.

use crate::common::seen;
use crate::common::user::User;
use crate::{end, inits, json, of, session, well};
use serde_json::{Value, json as value};
use std::fs;
use std::time::Duration;

/// What procfs says of some processes, added up by field of `stat` as proc(5) counts them, and of `io` by name.
struct Proc(Vec<u32>);

impl Proc {
    fn sum(&self, fields: &[usize]) -> u64 {
        let of = |pid: &u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let rest: Vec<u64> =
                text.rsplit_once(") ").unwrap().1.split(' ').map(|word| word.trim().parse().unwrap_or(0)).collect();
            fields.iter().map(|field| rest[field - 3]).sum::<u64>()
        };
        self.0.iter().map(of).sum()
    }

    fn io(&self, key: &str) -> u64 {
        let of = |pid: &u32| -> u64 {
            let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
            text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).unwrap().parse().unwrap()
        };
        self.0.iter().map(of).sum()
    }

    /// All of it, as `stat --json` has it of so many sessions.
    fn used(&self, sessions: usize) -> Value {
        value!({
            "sessions": sessions, "processes": self.0.len(), "tasks": self.sum(&[20]), "user_ticks": self.sum(&[14, 16]),
            "system_ticks": self.sum(&[15, 17]), "resident_bytes": self.sum(&[24]) * 4096, "virtual_bytes": self.sum(&[23]),
            "shared_bytes": 0, "read_bytes": self.io("read_bytes"), "written_bytes": self.io("write_bytes"),
        })
    }
}

/// All processes of a session that sleeps: its process 1 and whom that has.
fn family(init: u32) -> Proc {
    let mut all = vec![init];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        all.extend(seen::children(pid));
        at += 1;
    }
    Proc(all)
}

fn with(mut used: Value, more: &[(&str, Value)]) -> Value {
    let object = used.as_object_mut().unwrap();
    object.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    used
}

/// The cells of a line.
fn cells(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

/// Bytes and hundredths of a second as the tables have them: three digits that mean something.
fn bytes(count: &Value) -> String {
    let (mut count, mut unit) = (count.as_f64().unwrap(), 0);
    let bytes = count < 1024.0;
    while count >= 1024.0 {
        (count, unit) = (count / 1024.0, unit + 1);
    }
    let unit = ["B", "KiB", "MiB", "GiB"][unit];
    if bytes || count >= 100.0 {
        format!("{} {unit}", count.trunc())
    } else {
        format!("{:.1} {unit}", (count * 10.0).trunc() / 10.0)
    }
}

fn ticks(count: &Value) -> String {
    let count = count.as_u64().unwrap();
    format!("{}:{:02}.{:02}", count / 6000, count / 100 % 60, count % 100)
}

/// The cells of a row behind its name and its sessions.
fn row(used: &Value) -> Vec<String> {
    let numbers = ["processes", "tasks"].map(|key| used[key].to_string());
    let times = ["user_ticks", "system_ticks"].map(|key| ticks(&used[key]));
    let sizes = ["resident_bytes", "virtual_bytes", "shared_bytes", "read_bytes", "written_bytes"].map(|key| bytes(&used[key]));
    numbers.into_iter().chain(times).chain(sizes).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_sessions_use_is_what_procfs_says_of_their_processes_added_up() {
    let user = User::new();
    let name = user.name.as_str();
    let work = "dd if=/dev/zero of=written bs=1M count=3 conv=fsync 2>/dev/null; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; \
                touch ready-$1; sleep 60 & exec sleep 60";
    let running = ["a", "b"].map(|word| session(&user, &["sh", "-c", work, "sh", word]));
    let ready = || user.in_home("ready-a").exists() && user.in_home("ready-b").exists();
    let asleep = || seen::processes(user.uid).iter().filter(|(_, command)| command == "sleep").count() == 4;
    assert!(seen::within(Duration::from_secs(10), || ready() && asleep()));
    let each: Vec<(u32, Value)> = inits(&user).into_iter().map(|init| (init, family(init).used(1))).collect();
    let all = Proc(each.iter().flat_map(|(init, _)| family(*init).0).collect()).used(2);
    assert_eq!((each.len(), &all["processes"], all["written_bytes"].as_u64() >= Some(6 << 20)), (2, &value!(6), true), "{all}");

    let who = [("user", value!(name)), ("uid", value!(user.uid))];
    assert_eq!(of(&["stat"], &user), with(all.clone(), &who));
    let expected = each.iter().map(|(init, used)| with(with(used.clone(), &who), &[("session", value!(init))]));
    assert_eq!(json(&["stat", name]), Value::Array(expected.collect()));

    let table = well(&["stat"]);
    let head = ["USER", "SESSION", "PROCESSES", "TASKS", "UTIME", "STIME", "RSS", "VSZ", "SHM", "READ", "WRITTEN"];
    assert_eq!(cells(table.lines().next().unwrap()), head);
    let line = table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    assert_eq!(cells(line), [vec![name.to_owned(), "(2)".to_owned()], row(&all)].concat(), "{table}");
    let lines: Vec<Vec<String>> = well(&["stat", name]).lines().skip(1).map(cells).collect();
    let expected = each.iter().map(|(init, used)| [vec![name.to_owned(), init.to_string()], row(used)].concat());
    assert_eq!(lines, expected.collect::<Vec<_>>());
    end(&user, running.into());
}
