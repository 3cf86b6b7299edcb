//! What can be seen from the host: mounts, pins, processes.

use super::{RUN, process};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

/// Waits until something is so; says whether it came to be.
pub fn within(patience: Duration, mut so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if so() {
            return true;
        }
        if start.elapsed() > patience {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The lines of the host's mount table that are ours: at most one is allowed to be there.
pub fn mounts() -> Vec<String> {
    let table = fs::read_to_string("/proc/1/mountinfo").unwrap();
    table.lines().filter(|line| line.contains("trampoline-check") || line.contains("/home/t2")).map(str::to_owned).collect()
}

/// How many lines the host's mount table has.
pub fn mount_count() -> usize {
    fs::read_to_string("/proc/1/mountinfo").unwrap().lines().count()
}

/// Does something in the holder, in a process of its own; 0 if there is no holder.
pub fn in_holder(what: impl FnOnce() -> std::io::Result<u8>) -> u8 {
    process::apart(|| match process::join(&format!("{RUN}/holder"), libc::CLONE_NEWNS) {
        Ok(()) => what(),
        // No file, or a file that pins nothing.
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::EINVAL | libc::ENOTTY)) => Ok(0),
        Err(e) => Err(e),
    })
}

/// Whether a jail lives. A stat would reset the mark of the reaper; the mount table does not.
pub fn is_pinned(uid: u32) -> bool {
    let place = format!(" /pins/{uid} ");
    // The holder has no /proc; of what was opened before, the table is that of the namespace the reader is in by then.
    let proc = process::open("/proc", libc::O_PATH).unwrap();
    let found = in_holder(|| {
        let mut table = String::new();
        fs::File::from(process::open_at(&proc, "self/mountinfo")?).read_to_string(&mut table)?;
        Ok(1 + u8::from(table.contains(&place)))
    });
    assert!(found <= 2, "cannot look into the holder: {found}");
    found == 2
}

/// Whether there is a place for a pin, mounted on or not.
pub fn has_place(uid: u32) -> bool {
    let found =
        in_holder(|| Ok(1 + u8::from(fs::read_dir("/pins")?.any(|e| e.is_ok_and(|e| e.file_name() == *uid.to_string())))));
    assert!(found <= 2, "cannot look into the holder: {found}");
    found == 2
}

/// Takes a jail down by force, whatever runs in it.
pub fn take_down(uid: u32) {
    let pin = format!("/pins/{uid}");
    in_holder(|| {
        // There may be no pin, or no place of one.
        drop(process::unmount(&pin, libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW));
        drop(fs::remove_file(&pin));
        Ok(0)
    });
}

/// In the mount namespace that is pinned there in the holder, as root, in a process of its own: does something.
pub fn in_pinned(pin: &str, what: impl FnOnce() -> std::io::Result<u8>) -> u8 {
    process::apart(|| {
        process::join(&format!("{RUN}/holder"), libc::CLONE_NEWNS)?;
        process::join(pin, libc::CLONE_NEWNS)?;
        what()
    })
}

/// In a jail's mount namespace, as root, in a process of its own: does something with the jail's tree as root directory.
pub fn in_jail(uid: u32, what: impl FnOnce() -> std::io::Result<u8>) -> u8 {
    in_pinned(&format!("/pins/{uid}"), || process::chroot("/root").and_then(|()| what()))
}

/// How many mounts the mount namespace has that is pinned there in the holder.
pub fn mounts_of(pin: &str) -> usize {
    let proc = process::open("/proc", libc::O_PATH).unwrap();
    let count = in_pinned(pin, || {
        let mut table = String::new();
        fs::File::from(process::open_at(&proc, "self/mountinfo")?).read_to_string(&mut table)?;
        Ok(u8::try_from(table.lines().count()).unwrap())
    });
    assert!(count < 250, "cannot look into {pin}: {count}");
    count.into()
}

/// The processes of a uid, but zombies: pid and command.
pub fn processes(uid: u32) -> Vec<(u32, String)> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter_map(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let ours = status.lines().find(|l| l.starts_with("Uid:"))?.split_whitespace().skip(1).any(|u| u == uid.to_string());
        let ended = status.lines().any(|l| l.starts_with("State:\tZ") || l.starts_with("State:\tX"));
        let command = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        (ours && !ended).then(|| (pid, command.trim().to_owned()))
    })
    .collect()
}

/// All uids that processes have.
pub fn processes_of() -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter_map(|pid| Some(fs::metadata(format!("/proc/{pid}")).ok()?.uid())).collect()
}

/// The places of all pins.
pub fn pins() -> Vec<u32> {
    let (mut read, write) = std::io::pipe().unwrap();
    in_holder(move || {
        let names: Vec<String> = fs::read_dir("/pins")?.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
        std::io::Write::write_all(&mut &write, names.join(" ").as_bytes())?;
        Ok(1)
    });
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    text.split(' ').filter_map(|name| name.parse().ok()).collect()
}

/// The inode of the namespace of a process: which namespace it is.
pub fn namespace(pid: u32, kind: &str) -> u64 {
    fs::metadata(format!("/proc/{pid}/ns/{kind}")).unwrap().ino()
}

/// The children of a process, as everybody may read; none if there is no such process any more.
pub fn children<P: std::fmt::Display + std::str::FromStr>(pid: P) -> Vec<P> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
