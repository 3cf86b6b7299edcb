//! The pin of a live jail, unmounted by hand instead of by a sweep.

use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::Doing;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::sys::fd::{self, How};
use jail::sys::mount::{self, Expiry};
use jail::sys::root::Root;
use jail::sys::{Errno, files};

/// A look at a pin clears its mark, so marking and unmounting may take more than two calls; each look is short.
const TURNS: usize = 16;

/// What became of a pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Pin {
    /// The jail is down, or was not up.
    Gone,
    /// Sessions hold it.
    Leased,
}

/// Unmounts a target's pin if nobody holds a lease. The lock of the jail's directory is held, so nobody makes it anew.
/// The process is in the host's mount namespace before and after.
pub fn unmount(root: &Root, host: &Host, target: Target) -> Result<Pin, Error> {
    let Some(holder) = Holder::find()? else { return Ok(Pin::Gone) };
    holder.enter(root)?;
    let done = in_holder(root, target);
    host.back(root)?;
    done
}

fn in_holder(root: &Root, target: Target) -> Result<Pin, Error> {
    let name = layout::pin(target);
    let pins = fd::open(&format!("/{}", layout::PINS), How::List).doing("open", "the pins")?;
    files::enter_directory(&pins).doing("enter", "the pins")?;
    for _ in 0..TURNS {
        match mount::expire(root, &name) {
            Ok(Expiry::Marked) => {}
            Ok(Expiry::Busy) => return Ok(Pin::Leased),
            // Two pins can lie on one another for a moment only in theory; what is mounted below shows at the next turn.
            Ok(Expiry::Gone) => {}
            Ok(Expiry::NotMounted) => {
                files::remove(&pins, &name).doing("remove the place of the pin", name)?;
                return Ok(Pin::Gone);
            }
            Err(Errno::ENOENT) => return Ok(Pin::Gone),
            Err(errno) => return Err(Error::failed("unmount the pin", name, jail::sys::why(errno))),
        }
    }
    Ok(Pin::Leased)
}
