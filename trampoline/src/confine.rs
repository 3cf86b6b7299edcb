//! Inside, the last privileged phase: the jail's tree becomes the root, limits are set, every privilege is given up.

use crate::inside::{Confined, Session};
use jail::error::Error;
use jail::layout;
use jail::state::Doing;
use jail::sys::drop::{Ids, new_session_keyring};
use jail::sys::log::Log;
use jail::sys::root::Root;
use jail::sys::{files, landlock, limit, mount, seccomp};

impl Session {
    /// Consumes root's rights; what follows has none.
    pub fn confine(self, root: Root, log: &mut Option<Log>) -> Result<Confined, Error> {
        let spec = &self.spec;
        files::enter(layout::ROOT).doing("enter", "the jail's tree")?;
        mount::proc_here(&root).doing("mount", "/proc")?;
        mount::root_here(&root).doing("make the root of", "the session")?;
        new_session_keyring(&root).doing("join", "a new session keyring")?;
        limit::set(&root, &spec.limits).and_then(|()| limit::spare_nobody(&root)).doing("set", "the limits")?;
        files::session_umask();
        // ORDER: no descriptor that root opened is open when the uid is the user's (CVE-2026-46333), but the lease.
        *log = None;
        let user = Ids::of_target(spec.uid, spec.gid, &spec.groups).become_user(root).doing("give up root's rights", "")?;
        landlock::keep_apart(&user, spec.network).doing("keep apart", "the session")?;
        seccomp::load(&user, spec.filter).doing("load", "the system-call filter")?;
        Ok(Confined { session: self, user })
    }
}
