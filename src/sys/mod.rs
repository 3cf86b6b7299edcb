//! The kernel, one subject a file. Here and nowhere else stands `unsafe`; here and nowhere else are nix, libc, caps,
//! syscalls and seccompiler named. Every call that needs privilege borrows [`root::Root`], so `grep '&Root'` lists them.

pub mod await_signal;
pub mod clean;
pub mod devices;
pub mod drop;
pub mod exec;
pub mod expire;
pub mod fd;
pub mod files;
pub mod images;
pub mod init;
pub mod landlock;
pub mod limit;
pub mod lock;
pub mod log;
pub mod memory;
pub mod mount;
pub mod net;
pub mod ns;
pub mod processors;
pub mod root;
pub mod seccomp;
pub mod signal;
pub mod start;
pub mod streams;
pub mod whole;

pub use nix::errno::Errno;

/// What a kernel call says.
pub type Result<T> = std::result::Result<T, Errno>;

/// What an errno means here, in words for an administrator.
pub fn why(errno: Errno) -> String {
    let hint = match errno {
        Errno::ENOSYS => "; this kernel lacks a call we need, Linux 5.14 or newer has it",
        Errno::ELOOP => "; a symbolic link is on the way, and none is followed here",
        Errno::ETIMEDOUT => "; somebody holds it, fuser -v names the process",
        Errno::ENOSPC | Errno::EDQUOT => "; make room first",
        Errno::UnknownErrno => "; what the kernel answered has no name",
        _ => "",
    };
    // In libc's words: nix's are one more table of pointers, each to be relocated at every start of the setuid program.
    let words = std::io::Error::from(errno).to_string();
    format!("{} ({errno:?}){hint}", words.split(" (os error").next().unwrap_or_default())
}

/// The result of a raw call from the `syscalls` crate, in nix's errno.
fn raw(result: std::result::Result<usize, syscalls::Errno>) -> Result<usize> {
    result.map_err(|e| Errno::from_raw(e.into_raw()))
}
