//! The one interface of a jail without network.

use super::{Result, raw};
use crate::sys::root::Root;
use std::os::fd::AsRawFd;
use syscalls::{Sysno, syscall};

/// Brings the loopback interface of the current network namespace up.
pub fn loopback_up(_: &Root) -> Result<()> {
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)).map_err(|e| super::fd::errno(&e))?;
    // SAFETY: an all-zero ifreq is a valid one: no name, no flags.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(libc::c_short::MAX);
    // SAFETY: SIOCSIFFLAGS reads an ifreq; the name ends with a zero byte and the request outlives the call.
    raw(unsafe { syscall!(Sysno::ioctl, socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }).map(|_| ())
}
