//! Landlock: a second wall for a jail in the host's network, where the names of abstract unix sockets are everybody's.

use super::{Errno, Result, raw};
use crate::spec::Network;
use crate::sys::drop::User;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use syscalls::{Sysno, syscall};

/// LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL, of linux/landlock.h.
const SCOPES: u64 = 1 | 2;

/// Keeps a session in the host's network from the abstract sockets of all who are not of it, and its signals at home,
/// where the kernel can do that; elsewhere nothing is lost. Nobody takes it back, and children inherit it.
pub fn keep_apart(_: &User, network: Network) -> Result<()> {
    let Some(ruleset) = (if network == Network::Host { ruleset()? } else { None }) else { return Ok(()) };
    // SAFETY: takes a descriptor, which is live, and no flag.
    raw(unsafe { syscall!(Sysno::landlock_restrict_self, ruleset.as_raw_fd(), 0) }).map(|_| ())
}

/// Whether the kernel can do that.
pub fn is_there(_: &User) -> bool {
    matches!(ruleset(), Ok(Some(_)))
}

/// The rules: no right is handled, so files and ports are as free as before.
fn ruleset() -> Result<Option<OwnedFd>> {
    // `struct landlock_ruleset_attr`: rights to files, rights to ports, scopes.
    let attributes = [0, 0, SCOPES];
    // SAFETY: the kernel reads as many bytes as it is told, and the array has them.
    match raw(unsafe { syscall!(Sysno::landlock_create_ruleset, attributes.as_ptr(), size_of_val(&attributes), 0) }) {
        // KERNEL: before 5.13 or not built in, not in the list of security modules, before 6.12, which brought scopes.
        Err(Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::E2BIG) => Ok(None),
        // SAFETY: a new descriptor, which nobody else owns.
        made => Ok(Some(unsafe { OwnedFd::from_raw_fd(i32::try_from(made?).map_err(|_| Errno::EBADF)?) })),
    }
}
