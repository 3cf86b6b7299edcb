//! The proof of privilege: taken once, borrowed by every privileged call, consumed by the drop.

use crate::error::Error;
use crate::id::Caller;
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};
use std::marker::PhantomData;
use std::sync::OnceLock;

static TAKEN_BY: OnceLock<Caller> = OnceLock::new();

/// This process has root's rights. There is one at most, it is neither copied nor sent to another thread, and
/// [`super::drop::Drop::to`] takes it away.
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

/// Why there is no root here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotRoot {
    /// The setuid bit has no effect for a caller that set no_new_privs.
    NoNewPrivs,
    /// The file is not setuid root, or lies on a nosuid mount, or is traced.
    NotSetuid,
    /// Root's rights are not real in a user namespace.
    UserNamespace,
    /// The kernel refused to make all our ids 0.
    Kept(super::Errno),
}

impl Root {
    /// Takes the privilege a setuid bit, or a root caller, gave this process.
    pub fn take() -> std::result::Result<(Self, CalledBy), NotRoot> {
        let (uids, gids) = (getresuid().map_err(NotRoot::Kept)?, getresgid().map_err(NotRoot::Kept)?);
        let by = CalledBy { uid: Caller::new(uids.real.as_raw()), gid: gids.real.as_raw() };
        if !uids.effective.is_root() {
            let barred = prctl::get_no_new_privs().unwrap_or(false);
            return Err(if barred { NotRoot::NoNewPrivs } else { NotRoot::NotSetuid });
        }
        TAKEN_BY.set(by.uid).map_err(|_| NotRoot::Kept(super::Errno::EALREADY))?;
        // ORDER: first of all. KERNEL: until the real and saved uid are 0 the caller may SIGSTOP and SIGKILL us
        // (kill_ok_by_cred, kernel/signal.c); after that it gets EPERM.
        let zero = Uid::from_raw(0);
        setresuid(zero, zero, zero).map_err(NotRoot::Kept)?;
        if !super::ns::is_initial(super::ns::Kind::User).map_err(NotRoot::Kept)? {
            return Err(NotRoot::UserNamespace);
        }
        let zero = Gid::from_raw(0);
        setresgid(zero, zero, zero).map_err(NotRoot::Kept)?;
        setgroups(&[]).map_err(NotRoot::Kept)?;
        Ok((Self(PhantomData), by))
    }
}

impl From<NotRoot> for Error {
    fn from(why: NotRoot) -> Self {
        let failed = |why: &str| Self::failed("start", "", why);
        match why {
            NotRoot::UserNamespace => Self::Refused("the caller is in a user namespace, where root's rights are not real".into()),
            NotRoot::NoNewPrivs => failed("the caller runs with no_new_privs, so the setuid bit has no effect; start it without"),
            NotRoot::NotSetuid => {
                failed("it does not run as root; install it with make install (mode 4750, owner root, no nosuid mount)")
            }
            NotRoot::Kept(errno) => failed(&super::why(errno)),
        }
    }
}

/// Who ran us, for a message: as it was before [`Root::take`].
pub fn real_uid() -> Caller {
    *TAKEN_BY.get_or_init(|| Caller::new(nix::unistd::getuid().as_raw()))
}
