//! Where the bytes of a file lie, and whether others have them too. Only jailbase counts them.

use crate::sys::{Errno, Result, raw};
use std::os::fd::{AsFd, AsRawFd};
use syscalls::{Sysno, syscall};

/// So many are asked for at once.
const ROOM: usize = 64;

/// One piece of a file on its disk.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Extent {
    logical: u64,
    /// Where it begins on the disk.
    pub physical: u64,
    /// Its length in bytes.
    pub length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_too: [u32; 3],
}

impl Extent {
    /// Whether the file system says that another file has it as well, or another part of this one.
    pub fn is_shared(&self) -> bool {
        self.flags & 0x2000 != 0
    }

    /// Whether it is known where it lies: it is written already, and it lies in no other structure.
    fn is_placed(&self) -> bool {
        self.flags & (0x2 | 0x4 | 0x200) == 0
    }
}

/// `struct fiemap` of linux/fiemap.h, with room for its extents.
#[repr(C)]
struct Map {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    count: u32,
    reserved: u32,
    extents: [Extent; ROOM],
}

/// The shared pieces of an open file; `None` where the file system does not tell.
#[doc(alias = "FIEMAP")]
pub fn shared(file: impl AsFd) -> Result<Option<Vec<Extent>>> {
    let (mut found, mut start) = (Vec::new(), 0);
    loop {
        let count = u32::try_from(ROOM).map_err(|_| Errno::EINVAL)?;
        let mut map =
            Map { start, length: u64::MAX - start, flags: 0, mapped: 0, count, reserved: 0, extents: [Extent::default(); ROOM] };
        // _IOWR('f', 11, the 32 bytes before the extents).
        let request = 0xc020_660b_u32;
        // SAFETY: a live descriptor, and a live map that has room for as many extents as it says.
        match raw(unsafe { syscall!(Sysno::ioctl, file.as_fd().as_raw_fd(), request, &raw mut map) }) {
            Err(Errno::EOPNOTSUPP | Errno::ENOTTY) => return Ok(None),
            answered => answered?,
        };
        let mapped = usize::try_from(map.mapped).map_err(|_| Errno::EINVAL)?;
        let new = map.extents.get(..mapped).ok_or(Errno::EINVAL)?;
        found.extend(new.iter().filter(|extent| extent.is_shared() && extent.is_placed()));
        match new.last() {
            // FIEMAP_EXTENT_LAST
            Some(last) if last.flags & 1 == 0 && last.length > 0 => start = last.logical.saturating_add(last.length),
            _ => return Ok(Some(found)),
        }
    }
}
