//! The system-call filter, compiled by build.rs and loaded as it stands.

use super::{Errno, Result};
use crate::spec::Filter;
use crate::sys::drop::User;
use seccompiler::sock_filter;

include!(concat!(env!("OUT_DIR"), "/seccomp.rs"));

/// Loads a filter; nothing removes it again. Needs a [`User`] because it takes away calls that the set-up uses.
pub fn load(_: &User, filter: Filter) -> Result<()> {
    let program: &[sock_filter] = match filter {
        Filter::Web => &WEB,
        Filter::Dev => &DEV,
    };
    seccompiler::apply_filter(program).map_err(|error| match error {
        seccompiler::Error::Prctl(e) | seccompiler::Error::Seccomp(e) => super::fd::errno(&e),
        _ => Errno::EINVAL,
    })?;
    // SAFETY: PR_GET_SECCOMP takes no argument and writes nothing.
    let mode = Errno::result(unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) })?;
    if mode == 2 { Ok(()) } else { Err(Errno::EPERM) }
}
