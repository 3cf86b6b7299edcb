//! What only the kernel knows of, and a leak of which nobody sees in a mount table or a directory.

use super::{process, seen};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};
use std::time::Duration;

/// What the kernel keeps for everybody: System V objects, each as its kind and number, and how many cgroups. What the rest of the
/// machine had may go meanwhile; what we leave would be there still, and is waited for no longer than others come and go.
#[derive(PartialEq, Eq, Debug)]
pub struct Kernels(BTreeSet<String>, usize);

impl Kernels {
    /// It has nothing that it had not, and nothing of these users, not even where only it can look.
    #[track_caller]
    pub fn have_nothing_new(&self, uids: &[u32]) {
        let nothing_new = || {
            let Kernels(objects, cgroups) = now();
            objects.is_subset(&self.0) && cgroups <= self.1
        };
        assert!(seen::within(Duration::from_secs(5), nothing_new), "{:?} became {:?}", self, now());
        for uid in uids {
            let ended = || seen::processes(*uid).is_empty();
            assert!(seen::within(Duration::from_secs(5), ended), "uid {uid}: {:?}", seen::processes(*uid));
            // What goes with a jail goes a moment later.
            let gone = || matches!(namespaces_of(*uid), None | Some(0));
            assert!(seen::within(Duration::from_secs(5), gone), "uid {uid}: a namespace that nobody can find");
        }
    }
}

/// What there is now.
pub fn now() -> Kernels {
    let of_kind = |kind: &str| {
        let table = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let number = |line: &str| format!("{kind} {}", line.split_whitespace().nth(1).unwrap_or_default());
        table.lines().skip(1).map(number).collect::<Vec<_>>()
    };
    let table = fs::read_to_string("/proc/cgroups").unwrap_or_default();
    let count = |line: &str| line.split_whitespace().nth(2).and_then(|n| n.parse::<usize>().ok());
    Kernels(["shm", "sem", "msg"].iter().flat_map(|kind| of_kind(kind)).collect(), table.lines().filter_map(count).sum())
}

/// In how many mount namespaces something of a jail is mounted, whether anybody knows a name of them or not.
/// A kernel before 6.12 does not show them all, and none does in a pid namespace of its own.
fn namespaces_of(uid: u32) -> Option<u8> {
    let next = |from: &File, which| -> Option<File> {
        // SAFETY: a live descriptor; a null description is allowed.
        let next = unsafe { libc::ioctl(from.as_raw_fd(), which, std::ptr::null_mut::<libc::c_void>()) };
        // SAFETY: the new descriptor is nobody else's.
        (next >= 0).then(|| unsafe { FromRawFd::from_raw_fd(next) })
    };
    let own = File::open("/proc/self/ns/mnt").unwrap();
    let cannot = || matches!(io::Error::last_os_error().raw_os_error(), Some(libc::ENOTTY | libc::EPERM));
    if next(&own, libc::NS_MNT_GET_NEXT).is_none() && cannot() {
        return None;
    }
    let proc = process::open("/proc", libc::O_PATH).unwrap();
    let mark = format!("/jails/{uid}/");
    Some(process::apart(|| {
        let mut count = 0;
        for which in [libc::NS_MNT_GET_NEXT, libc::NS_MNT_GET_PREV] {
            let mut at = own.try_clone()?;
            while let Some(other) = next(&at, which) {
                at = other;
                // SAFETY: a live descriptor and a number.
                process::said(unsafe { libc::setns(at.as_raw_fd(), libc::CLONE_NEWNS) })?;
                let mut table = String::new();
                File::from(process::open_at(&proc, "self/mountinfo")?).read_to_string(&mut table)?;
                count += u8::from(table.contains(&mark));
            }
        }
        Ok(count)
    }))
}
