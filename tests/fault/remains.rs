//! What is there of a user's jail, seen from the host; and all that the programs may leave anywhere.

use crate::common::sweep::Sweeps;
use crate::common::user::User;
use crate::common::{RUN, STATE, process, seen};
use std::fs::{self, File};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What there is of a jail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Left {
    Nothing,
    /// An empty place of a pin, which the next entry uses and the next sweep removes.
    Place,
    /// A pin: the jail lives, and is whole or must not be.
    Pin,
    /// A holder that has no place for pins.
    Broken,
}

/// Looks without touching: a stat of a pin would take its mark off.
pub fn of_jail(uid: u32) -> Left {
    let proc = process::open("/proc", libc::O_PATH).unwrap();
    let mount = format!(" /pins/{uid} ");
    let found = seen::in_holder(|| {
        let mut table = String::new();
        File::from(process::open_at(&proc, "self/mountinfo")?).read_to_string(&mut table)?;
        let place = fs::read_dir("/pins")?.any(|entry| entry.is_ok_and(|e| e.file_name() == *uid.to_string()));
        Ok(1 + u8::from(place) + u8::from(table.contains(&mount)))
    });
    match found {
        0 | 1 => Left::Nothing,
        2 => Left::Place,
        3 => Left::Pin,
        _ => Left::Broken,
    }
}

/// The names in a directory, but for what the probe had no time to remove.
fn names(dir: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut all: Vec<String> = entries.filter_map(|e| Some(format!("{dir}/{}", e.ok()?.file_name().display()))).collect();
    all.retain(|name| !name.ends_with("mark-of-the-probe"));
    all.sort();
    all
}

/// Every file, mount and link that the programs may make for a user, or for all.
pub fn on_host(uid: u32, home: &str) -> Vec<String> {
    let jail = format!("{STATE}/jails/{uid}");
    let dirs = [RUN, STATE, &format!("{STATE}/jails"), &jail, &format!("{jail}/tmp"), &format!("{STATE}/jails/by-name"), home];
    let mut all: Vec<String> = dirs.iter().flat_map(|dir| names(dir)).collect();
    all.extend(names(&format!("{STATE}/images")));
    // Another user is another test's.
    let other = |name: &str| name.rsplit(['/', 't']).next().and_then(|n| n.parse().ok()).is_some_and(|n: u32| n != uid);
    all.retain(|name| !other(name));
    // So is another user's home. Ids are given anew each time, and where a mount propagates is no mount.
    let ours = |line: &&String| line.contains(RUN) || line.contains(STATE) || line.contains(home);
    let kept = |(at, word): &(usize, &str)| *at >= 4 && !word.starts_with("shared:") && !word.starts_with("master:");
    let words = |line: &String| line.split(' ').enumerate().filter(kept).map(|(_, word)| word).collect::<Vec<_>>().join(" ");
    all.extend(seen::mounts().iter().filter(ours).map(words));
    all
}

/// What there is on the host now that was not there at rest, each thing as often as there are more of it.
pub fn beside(at_rest: &[String], user: &User) -> Vec<String> {
    let mut all = on_host(user.uid, &user.home);
    for line in at_rest {
        if let Some(at) = all.iter().position(|other| other == line) {
            all.swap_remove(at);
        }
    }
    all
}

/// How often a mark may not last in a whole sweep of kills, of which each has thousands. Since a reaper's sweep stays on one
/// processor it has not been seen in any.
pub const MAY_BE_MARKED_AGAIN: usize = 2;

/// How often a mark did not last from one sweep to the next.
static MARKED_AGAIN: AtomicUsize = AtomicUsize::new(0);

/// Two sweeps, after which none of these jails lives. If one does, because the second found no mark where the first had set
/// one, a third must find it.
///
/// KERNEL: a path walk that meets a change of mounts, anybody's, lets go of the mount it has just found and looks again;
/// to let go of a mount takes its mark off (`mntput` after `__legitimize_mnt`, fs/namespace.c). The reaper's own walk to
/// the pin is one. It happens where others mount all the time.
pub fn two_sweeps_of(sweeps: &Sweeps, uids: &[u32]) -> [String; 2] {
    let uid = uids.first().copied().unwrap_or(0);
    let [first, second] = [(); 2].map(|()| sweeps.sweep(uid));
    if uids.iter().all(|uid| of_jail(*uid) != Left::Pin) {
        return [first, second];
    }
    MARKED_AGAIN.fetch_add(1, Ordering::SeqCst);
    [first, sweeps.sweep(uid)]
}

/// How often that was, so far.
pub fn marked_again() -> usize {
    MARKED_AGAIN.load(Ordering::SeqCst)
}
