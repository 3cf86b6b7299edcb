//! How large a terminal is. Only jailbase draws on one, or makes one.

use crate::sys::{Errno, Result};
use std::os::fd::{AsFd, AsRawFd};

/// Columns and lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Letters of a line.
    pub columns: u16,
    /// Lines.
    pub lines: u16,
}

/// The size of a terminal.
pub fn size(terminal: impl AsFd) -> Result<Size> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: a live descriptor, and a live structure for the kernel to write.
    Errno::result(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) })?;
    Ok(Size { columns: size.ws_col, lines: size.ws_row })
}

/// Gives a terminal of ours this size; who has it as his own hears of it by SIGWINCH.
pub fn set_size(terminal: impl AsFd, size: Size) -> Result<()> {
    let size = libc::winsize { ws_row: size.lines, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: a live descriptor, and a live structure that the kernel reads.
    Errno::result(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).map(|_| ())
}
