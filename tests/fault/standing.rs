//! What a process stands with, by what `/proc` shows of it, to itself or to another: every line is `subject: what`.

use std::fs;

/// What of `status` says who somebody is and what he may.
const STATUS: [&str; 19] = [
    "Umask",
    "Tgid",
    "PPid",
    "TracerPid",
    "Uid",
    "Gid",
    "Groups",
    "NSpid",
    "NSpgid",
    "NSsid",
    "SigPnd",
    "ShdPnd",
    "SigBlk",
    "SigIgn",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
    "Threads",
    "Cpus_allowed_list",
];

/// What a reading says, or why there is none.
pub fn read(path: &str) -> String {
    fs::read(path).map_or_else(|e| format!("({e})"), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn link(path: &str) -> String {
    fs::read_link(path).map_or_else(|e| format!("({e})"), |to| to.display().to_string())
}

/// The words of a file in which each ends with a zero.
fn words(path: &str) -> Vec<String> {
    read(path).split_terminator('\0').map(str::to_owned).collect()
}

/// All of it. `process` is its directory in /proc.
pub fn of(process: &str) -> String {
    let mut said = String::new();
    let mut say = |subject: &str, what: &str| said += &format!("{subject}: {what}\n");
    let file = |name: &str| format!("{process}/{name}");
    for line in read(&file("status")).lines() {
        if let Some((key, value)) = line.split_once(':')
            && (STATUS.contains(&key) || key.starts_with("Cap"))
        {
            say(key, value.trim());
        }
    }
    // Neither the ids of mounts nor the numbers of devices mean anything.
    for line in read(&file("mountinfo")).lines() {
        say("mount", line.splitn(4, ' ').nth(3).unwrap_or(line));
    }
    for kind in ["mnt", "pid", "ipc", "uts", "net", "user", "cgroup", "time"] {
        say(&format!("namespace {kind}"), &link(&file(&format!("ns/{kind}"))));
    }
    say("directory", &link(&file("cwd")));
    say("root", &link(&file("root")));
    let open: Vec<String> = (0..128).filter(|n| fs::read_link(file(&format!("fd/{n}"))).is_ok()).map(|n| n.to_string()).collect();
    say("open", &open.join(" "));
    for line in read(&file("limits")).lines().skip(1) {
        say("limit", &line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    say("personality", read(&file("personality")).trim());
    let stat = read(&file("stat"));
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    for (name, at) in
        [("parent", 1), ("group", 2), ("session", 3), ("terminal", 4), ("nice", 16), ("realtime", 37), ("policy", 38)]
    {
        say(name, fields.get(at).copied().unwrap_or("(absent)"));
    }
    let mut environment = words(&file("environ"));
    environment.sort();
    say("environment", &environment.join(" "));
    say("words", &words(&file("cmdline")).join(" "));
    said
}
