//! What of root's rights a program keeps that jailbase runs inside an image. The setuid program has no use for it, and none
//! of it is linked in there.

use crate::sys::root::Root;
use crate::sys::{Errno, Result};
use nix::sys::prctl;

/// CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID and SETUID: what a package manager needs to own
/// files and to start as others. Not among them: mounts, devices, modules, other people's processes, a way out of a chroot.
const KEPT: [i32; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

/// No kernel knows more capabilities: its sets are words of 64 bits.
const MOST: i32 = 64;

/// Keeps for the programs that are executed from now on what a package manager needs, and nothing else of root's.
pub fn keep_little(_: &Root) -> Result<()> {
    for number in (0..MOST).filter(|number| !KEPT.contains(number)) {
        // SAFETY: PR_CAPBSET_DROP takes a number and writes nothing.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) }) {
            // KERNEL: the answer for a number past the last capability (cap_prctl_drop, security/commoncap.c).
            Err(Errno::EINVAL) => break,
            done => done.map(|_| ())?,
        }
    }
    // KERNEL: a program that uid 0 executes gets what is in the bounding set or inheritable (capabilities(7)).
    caps::clear(None, caps::CapSet::Inheritable).map_err(|_| Errno::EPERM)?;
    prctl::set_no_new_privs()
}
