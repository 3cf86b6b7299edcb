//! The proof of privilege: taken once, borrowed by every privileged call, consumed by the drop.

use crate::error::Error;
use crate::id::Caller;
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};
use std::marker::PhantomData;
use std::sync::OnceLock;

static TAKEN_BY: OnceLock<CalledBy> = OnceLock::new();

/// Root's uid and gid.
pub(super) const ZERO: (Uid, Gid) = (Uid::from_raw(0), Gid::from_raw(0));

/// This process has root's rights. It is taken once, neither copied nor sent to another thread, and
/// [`super::drop::Ids::become_user`] takes it away. What an error dropped on the way is [`Root::left_over`].
///
/// ```compile_fail,E0599
/// fn copied(root: jail::sys::root::Root) { let other = root.clone(); }
/// ```
/// ```compile_fail,E0382
/// fn mounted_after_the_drop(root: jail::sys::root::Root, ids: jail::sys::drop::Ids) {
///     let user = ids.become_user(root);
///     let busy = jail::sys::mount::proc_here(&root);
/// }
/// ```
#[must_use]
pub struct Root(PhantomData<*const ()>);

/// Who ran us, as the kernel says. The environment, the arguments and `/proc` are not asked.
#[derive(Clone, Copy, Debug)]
pub struct CalledBy {
    /// The real uid.
    pub uid: Caller,
    /// The real gid.
    pub gid: u32,
}

impl Root {
    /// Takes the privilege a setuid bit, or a root caller, gave this process.
    pub fn take() -> Result<(Self, CalledBy), Error> {
        let failed = |errno| Error::failed("start", "", super::why(errno));
        let (uids, gids) = (getresuid().map_err(failed)?, getresgid().map_err(failed)?);
        let by = CalledBy { uid: Caller::new(uids.real.as_raw()), gid: gids.real.as_raw() };
        if !uids.effective.is_root() {
            return Err(absent());
        }
        TAKEN_BY.set(by).map_err(|_| failed(super::Errno::EALREADY))?;
        // ORDER: first of all. KERNEL: until the real and saved uid are 0 the caller may SIGSTOP and SIGKILL us
        // (kill_ok_by_cred, kernel/signal.c); after that it gets EPERM.
        setresuid(ZERO.0, ZERO.0, ZERO.0).map_err(failed)?;
        setresgid(ZERO.1, ZERO.1, ZERO.1).map_err(failed)?;
        // KERNEL: a user namespace that a plain user made denies setgroups (user_namespaces(7)).
        setgroups(&[]).map_err(|errno| if super::ns::in_user_namespace() { unreal() } else { failed(errno) })?;
        // KERNEL: with SECBIT_NO_SETUID_FIXUP a change of ids takes no capability away, so what is done as the user would be
        // done with root's rights to files (capabilities(7)). A caller's securebits outlive execve.
        // SAFETY: PR_GET_SECUREBITS takes no argument and writes nothing.
        if unsafe { libc::prctl(libc::PR_GET_SECUREBITS) } != 0 {
            return Err(Error::failed("start", "", "the caller runs with securebits; start it without (systemd: SecureBits=)"));
        }
        Ok((Self(PhantomData), by))
    }

    /// The privilege that a failed step dropped without giving it up, if this process still has it: to be given up now.
    pub fn left_over() -> Option<Self> {
        nix::unistd::geteuid().is_root().then_some(Self(PhantomData))
    }
}

/// Why there is no root here, and what to do.
fn absent() -> Error {
    if super::ns::in_user_namespace() {
        return unreal();
    }
    let why = if prctl::get_no_new_privs().unwrap_or(false) {
        "the caller runs with no_new_privs, so the setuid bit has no effect; start it without"
    } else {
        "it does not run as root; install it with make install (mode 4750, owner root, no nosuid mount)"
    };
    Error::failed("start", "", why)
}

/// The refusal of a caller whose root is not the host's.
pub fn unreal() -> Error {
    Error::Refused("the caller is in a user namespace, where root's rights are not real".into())
}

/// Who ran us: as it was before [`Root::take`], if that was.
pub fn called_by() -> CalledBy {
    let real = || CalledBy { uid: Caller::new(nix::unistd::getuid().as_raw()), gid: nix::unistd::getgid().as_raw() };
    *TAKEN_BY.get_or_init(real)
}
