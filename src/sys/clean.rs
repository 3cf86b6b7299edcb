//! The first breath: what a caller may have left behind in this process is put right before anything is decided.

use super::{Errno, Result, fd, limit};
use crate::sys::root::Root;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{Mode, umask};

/// Cores, descriptors, signals, timers, limits, umask. After this only the arguments, the environment and 0-2 are the caller's.
pub fn process(root: &Root) -> Result<()> {
    // KERNEL: fs.suid_dumpable may be 1, and the core of a setuid program then belongs to whoever made it crash.
    nix::sys::prctl::set_dumpable(false)?;
    fd::close_from_3()?;
    limit::room(root)?;
    streams()?;
    super::signal::block_all()?;
    super::signal::defaults()?;
    timers()?;
    // Every file made from here on names its exact mode.
    umask(Mode::empty());
    Ok(())
}

/// 0, 1 and 2 must be open, or the next file we open becomes one of them; and none may be a directory or an `O_PATH`
/// descriptor, by which a program would reach a tree outside its jail.
fn streams() -> Result<()> {
    for number in 0..=2 {
        // SAFETY: the number is only looked at; `fcntl` says EBADF if nothing is open there.
        let stream = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        match fcntl(stream, FcntlArg::F_GETFL) {
            Ok(flags) if OFlag::from_bits_retain(flags).contains(OFlag::O_PATH) => return Err(Errno::EBADF),
            Ok(_) if fd::is_dir(&fd::stat(stream)?) => return Err(Errno::EISDIR),
            Ok(_) => {}
            Err(Errno::EBADF) => {
                // KERNEL: open(2) gives the lowest free number, and those below are open by now.
                let null = nix::fcntl::open("/dev/null", OFlag::O_RDWR, Mode::empty())?;
                if std::os::fd::IntoRawFd::into_raw_fd(null) != number {
                    return Err(Errno::EBADF);
                }
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Interval timers survive execve, and an alarm between a mount and the drop would end us there.
pub fn timers() -> Result<()> {
    // SAFETY: an all-zero itimerval is a valid one and says "off".
    let off: libc::itimerval = unsafe { std::mem::zeroed() };
    [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF].into_iter().try_for_each(|which| {
        // SAFETY: `off` outlives the call, and a null old value is allowed.
        Errno::result(unsafe { libc::setitimer(which, &raw const off, std::ptr::null_mut()) }).map(drop)
    })
}
