//! The system-call filter, compiled by build.rs and loaded as it stands.

use super::{Errno, Result};
use crate::sys::drop::User;
use seccompiler::sock_filter;

include!(concat!(env!("OUT_DIR"), "/seccomp.rs"));

/// Loads the filter; nothing removes it again. Needs a [`User`] because the filter takes away calls the set-up uses.
pub fn load(_: &User) -> Result<()> {
    seccompiler::apply_filter(&WEB).map_err(|error| match error {
        seccompiler::Error::Prctl(e) | seccompiler::Error::Seccomp(e) => super::fd::errno(&e),
        _ => Errno::EINVAL,
    })?;
    // SAFETY: PR_GET_SECCOMP takes no argument and writes nothing.
    let mode = Errno::result(unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) })?;
    if mode == 2 { Ok(()) } else { Err(Errno::EPERM) }
}
