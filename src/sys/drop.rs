//! The drop: every privilege given up, in the one order that works, and looked at again.

use super::{Errno, Result, raw};
use crate::id::{Group, Target};
use crate::sys::root::{CalledBy, Root, ZERO};
use caps::CapSet;
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setfsgid, setfsuid, setgroups, setresgid, setresuid};
use std::marker::PhantomData;
use syscalls::{Sysno, syscall};

/// The sets to be empty. KERNEL: the ambient set is at all times a part of both permitted and inheritable
/// (capabilities(7)), so it is empty when they are.
const HELD: [CapSet; 3] = [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable];

/// No kernel knows more capabilities: its sets are words of 64 bits.
const MOST: i32 = 64;

/// Proof that this process is the user's: what is done with it needs no privilege and has none.
#[must_use]
pub struct User(PhantomData<*const ()>);

/// Whom to become.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ids {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    /// Whether a program is executed as these; only for that does the bounding set mean anything.
    executes: bool,
}

impl Ids {
    /// A target, as its spec says.
    pub fn of_target(uid: Target, gid: Group, groups: &[Group]) -> Self {
        let groups = groups.iter().map(|g| Gid::from_raw(g.get())).collect();
        Self { uid: Uid::from_raw(uid.get()), gid: Gid::from_raw(gid.get()), groups, executes: true }
    }

    /// The caller again, without supplementary groups.
    pub fn of_caller(by: CalledBy) -> Self {
        Self { uid: Uid::from_raw(by.uid.get()), gid: Gid::from_raw(by.gid), groups: Vec::new(), executes: false }
    }

    /// Gives up everything for good. What fails leaves a process that must end, and its maker sees to that.
    pub fn become_user(&self, root: Root) -> Result<User> {
        if self.executes {
            empty_bounding_set(&root)?;
        }
        // ORDER: groups, gid, uid; after the uid is gone the others cannot be changed (CVE-2007-5191).
        setgroups(&self.groups)?;
        setresgid(self.gid, self.gid, self.gid)?;
        setresuid(self.uid, self.uid, self.uid)?;
        // ORDER: after setresuid, which clears permitted and effective unless the caller is root; inheritable stays.
        if capabilities()? != [0; 6] {
            HELD.into_iter().try_for_each(|set| caps::clear(None, set)).map_err(|_| Errno::EPERM)?;
        }
        prctl::set_no_new_privs()?;
        // KERNEL: fs.suid_dumpable decides what setresuid leaves; 1 would let the user trace what still holds a lease.
        prctl::set_dumpable(false)?;
        self.look_again()?;
        Ok(User(PhantomData))
    }

    /// Asks the kernel whether it all came to be; a call that said yes may have been answered by somebody's filter.
    fn look_again(&self) -> Result<()> {
        let (uids, gids) = (getresuid()?, getresgid()?);
        let mut groups: Vec<u32> = self.groups.iter().map(|g| g.as_raw()).collect();
        groups.sort_unstable();
        let good = [uids.real, uids.effective, uids.saved].iter().all(|u| *u == self.uid)
            && [gids.real, gids.effective, gids.saved].iter().all(|g| *g == self.gid)
            && supplementary_groups()? == groups
            && capabilities()? == [0; 6]
            && prctl::get_no_new_privs()?
            && (!self.executes || (0..MOST).map_while(bounding).all(|kept| !kept))
            && (self.uid.is_root() || setresuid(Uid::from_raw(u32::MAX), ZERO.0, Uid::from_raw(u32::MAX)).is_err());
        if good { Ok(()) } else { Err(Errno::ENOTRECOVERABLE) }
    }
}

/// getgroups(2) itself: glibc's sysconf, which nix asks for the size first, opens a file of /proc.
fn supplementary_groups() -> Result<Vec<u32>> {
    let mut groups = vec![0; crate::spec::MOST_GROUPS.saturating_add(1)];
    let room = i32::try_from(groups.len()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel writes at most `room` numbers, and there is room for them.
    let count = Errno::result(unsafe { libc::getgroups(room, groups.as_mut_ptr()) })?;
    groups.truncate(usize::try_from(count).map_err(|_| Errno::EINVAL)?);
    groups.sort_unstable();
    Ok(groups)
}

/// The effective, permitted and inheritable sets, as capget(2) writes them: twice three words of 32 bits.
fn capabilities() -> Result<[u32; 6]> {
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = [VERSION_3, 0];
    let mut sets = [u32::MAX; 6];
    // SAFETY: both arrays are laid out as `cap_user_header_t` and two of `cap_user_data_t`, and outlive the call.
    raw(unsafe { syscall!(Sysno::capget, header.as_mut_ptr(), sets.as_mut_ptr()) })?;
    Ok(sets)
}

/// Whether capability `number` is in the bounding set; `None` past the last one the kernel knows.
fn bounding(number: i32) -> Option<bool> {
    // SAFETY: PR_CAPBSET_READ takes a number and writes nothing.
    Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_READ, number, 0, 0, 0) }).ok().map(|kept| kept == 1)
}

/// By number until the kernel knows no more, and not by a library's list: a capability of a later kernel must go too.
fn empty_bounding_set(_: &Root) -> Result<()> {
    for number in 0..MOST {
        // SAFETY: PR_CAPBSET_DROP takes a number and writes nothing.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) }) {
            // KERNEL: the answer for a number past the last capability (cap_prctl_drop, security/commoncap.c).
            Err(Errno::EINVAL) => return Ok(()),
            done => done.map(|_| ())?,
        }
    }
    Ok(())
}

/// Does something with the file-system rights of the user and root's other rights, and takes root's back.
///
/// The user's own rights decide what is found on the way, so NFS with root_squash works and no link of theirs is
/// followed with root's rights; what is left of root's is the right to clone a mount.
pub fn as_user<T>(root: &Root, ids: &Ids, what: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
    setgroups(&ids.groups)?;
    setfsgid(ids.gid);
    setfsuid(ids.uid);
    // KERNEL: neither call says whether it worked; each returns the id before, so a second one tells (setfsuid(2), BUGS).
    let worked = setfsgid(ids.gid) == ids.gid && setfsuid(ids.uid) == ids.uid;
    let done = if worked { what(root) } else { Err(Errno::EPERM) };
    setfsuid(ZERO.0);
    setfsgid(ZERO.1);
    setgroups(&[])?;
    if (setfsuid(ZERO.0), setfsgid(ZERO.1)) == ZERO { done } else { Err(Errno::ENOTRECOVERABLE) }
}

/// Leaves every keyring of the caller's for a new, empty, nameless one.
///
/// ORDER: before the drop; a keyring made by root counts against root's quota, and a user's is 200 keys.
pub fn new_session_keyring(_: &Root) -> Result<()> {
    // SAFETY: a null name asks for a nameless keyring.
    match raw(unsafe { syscall!(Sysno::keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0) }) {
        // A kernel without keyrings has none to inherit.
        Err(Errno::ENOSYS) => Ok(()),
        done => done.map(|_| ()),
    }
}
