//! A user namespace with the users of the one outside. Who is in it owns what he owned, but nobody outside traces him or takes a
//! descriptor over from him for being of the same uid, and its root's rights are rights to files alone.

use crate::sys::mount::{self, Flags};
use crate::sys::root::Root;
use crate::sys::{Errno, Result, files};
use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, pipe2, read, write};

/// Every uid there is: -1 is none.
const ALL: &str = "0 0 4294967295";

/// Enters one that is made for it. `false`: this kernel, or whoever set it up, lets nobody have one.
///
/// KERNEL: a process outside has no power over one in there unless it has CAP_SYS_PTRACE there, or made the namespace
/// (`cap_ptrace_access_check`, security/commoncap.c). Only who has the rights outside may say which users are in it
/// (`new_idmap_permitted`, kernel/user_namespace.c), so a child does that. Made before the root is changed: it is EPERM after.
pub fn from_others_of_the_uid(root: &Root) -> Result<bool> {
    // That of this pid namespace, which is no other than the one the process is known in by this number.
    let proc = mount::new_filesystem(root, c"proc", &[], Flags::NO_EXEC)?;
    let own = std::process::id();
    let (hear, tell) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: jailbase has no other thread in the process that enters an image, so the child may do what any process may.
    let child = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            drop(tell);
            let told = read(&hear, &mut [0]) == Ok(1);
            let map = |name: &str| files::write(&proc, &format!("{own}/{name}"), ALL);
            let done = told && map("uid_map").and_then(|()| map("gid_map")).is_ok();
            crate::sys::start::end(u8::from(!done));
        }
    };
    drop(hear);
    let made = nix::sched::unshare(CloneFlags::CLONE_NEWUSER);
    if made.is_ok() {
        write(&tell, &[0])?;
    }
    drop(tell);
    let mapped = waitpid(child, None)? == WaitStatus::Exited(child, 0);
    match made {
        // KERNEL: not built in, not allowed by user.max_user_namespaces or by a security module, or nested too deep.
        Err(Errno::EINVAL | Errno::ENOSPC | Errno::EPERM | Errno::EACCES | Errno::EUSERS) => Ok(false),
        made => made.and(if mapped { Ok(true) } else { Err(Errno::EPERM) }),
    }
}
