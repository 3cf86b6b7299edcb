//! Runs in a jail and says what it has: every line is `subject: what`. Then it waits for the end of its input.
#![allow(unsafe_code, clippy::indexing_slicing)]

#[path = "standing.rs"]
mod standing;

use standing::read;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;

/// Name, mode, owner and device of what lies in a directory.
fn listing(dir: &str, with_owner: bool) -> String {
    let Ok(entries) = fs::read_dir(dir) else { return "(cannot be read)".into() };
    let mut all: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(meta) = entry.path().symlink_metadata() else { return name };
            let owner = if with_owner { format!(" {}:{}", meta.uid(), meta.gid()) } else { String::new() };
            format!("{name} {:o} {:x}{owner}", meta.mode(), meta.rdev())
        })
        .collect();
    all.sort();
    all.join(", ")
}

/// The same without /proc, which may not be there: uids, gids, groups, capabilities, and what takes rights away.
fn asked() -> String {
    let (mut uids, mut gids, mut groups) = ([0; 3], [0; 3], [0; 64]);
    let (mut header, mut sets) = ([0x2008_0522u32, 0], [u32::MAX; 6]);
    // SAFETY: every pointer leads to room of the size the call is told or knows; the others are numbers.
    unsafe {
        let [a, b, c] = &mut uids;
        libc::getresuid(a, b, c);
        let [a, b, c] = &mut gids;
        libc::getresgid(a, b, c);
        let count = libc::getgroups(64, groups.as_mut_ptr());
        libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr());
        let bounding: Vec<i32> = (0..64).filter(|n| libc::prctl(libc::PR_CAPBSET_READ, *n, 0, 0, 0) == 1).collect();
        let (privileges, filter) =
            (libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0));
        format!("{uids:?} {gids:?} {count} {:?} {sets:?} {bounding:?} {privileges} {filter}", &groups[..1])
    }
}

fn main() {
    let mut said = String::new();
    said += &format!("asked: {}\n", asked());
    said += &standing::of("/proc/self");
    let mut say = |subject: &str, what: &str| said += &format!("{subject}: {what}\n");
    for name in ["hostname", "domainname"] {
        say(name, read(&format!("/proc/sys/kernel/{name}")).trim());
    }
    for line in read("/proc/keys").lines() {
        say("key", &line.split_whitespace().skip(7).collect::<Vec<_>>().join(" "));
    }
    say("loopback", if read("/proc/net/fib_trie").contains("127.0.0.1") { "up" } else { "down" });
    say(
        "processes",
        &fs::read_dir("/proc")
            .map_or(0, |all| {
                all.filter_map(Result::ok).filter(|e| e.file_name().to_string_lossy().parse::<u32>().is_ok()).count()
            })
            .to_string(),
    );
    for dir in ["/", "/dev", "/home", "/run"] {
        say(dir, &listing(dir, true));
    }
    for dir in ["/tmp", "/var/tmp", "/dev/shm", "/dev/pts", "/usr"] {
        say(dir, &fs::metadata(dir).map_or_else(|e| format!("({e})"), |m| format!("{:o} {}:{}", m.mode(), m.uid(), m.gid())));
    }
    let stays = fs::write("/usr/bin/mark-of-the-probe", "").is_err() && fs::write("/mark-of-the-probe", "").is_err();
    say("image", if stays { "cannot be written" } else { "CAN BE WRITTEN" });
    let home = std::env::var("HOME").unwrap_or_default();
    let writable = |dir: &str| {
        let mark = format!("{dir}/mark-of-the-probe");
        if fs::write(&mark, "").is_ok() && fs::remove_file(&mark).is_ok() { "written" } else { "cannot be written" }
    };
    for dir in [home.as_str(), "/tmp", "/dev/shm"] {
        say(&format!("{dir} can be"), writable(dir));
    }
    say("end", "of all that was looked at");
    std::io::stdout().write_all(said.as_bytes()).unwrap_or(());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap_or(0);
}
