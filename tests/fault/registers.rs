//! What depends on the processor: which call a stopped process is about to make, and what it will read as the answer.

use super::trace::request;
use std::io;

/// A call without effect that every filter of ours allows: what stands in for one that must not happen.
const NOTHING: i64 = libc::SYS_getpid;

#[cfg(target_arch = "x86_64")]
fn change(pid: i32, with: impl FnOnce(&mut libc::user_regs_struct)) -> io::Result<()> {
    // SAFETY: an all-zero register set is a valid one.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GETREGS, pid, 0, (&raw mut registers).cast())?;
    with(&mut registers);
    request(libc::PTRACE_SETREGS, pid, 0, (&raw mut registers).cast())
}

/// At the entry of a call: the kernel does nothing instead.
#[cfg(target_arch = "x86_64")]
pub fn make_void(pid: i32) -> io::Result<()> {
    change(pid, |registers| registers.orig_rax = NOTHING as u64)
}

/// At the entry of brk(2): it asks where the break is. To move it and fail has the same answer, and no errno.
#[cfg(target_arch = "x86_64")]
pub fn make_question(pid: i32) -> io::Result<()> {
    change(pid, |registers| registers.rdi = 0)
}

/// At the exit of a call: this is its answer, as the kernel gives it; an errno is negative.
#[cfg(target_arch = "x86_64")]
pub fn answer(pid: i32, value: i64) -> io::Result<()> {
    change(pid, |registers| registers.rax = value as u64)
}

#[cfg(target_arch = "aarch64")]
fn part<T>(pid: i32, what: libc::c_uint, kind: usize, value: &mut T) -> io::Result<()> {
    let mut part = libc::iovec { iov_base: std::ptr::from_mut(value).cast(), iov_len: size_of::<T>() };
    request(what, pid, kind, (&raw mut part).cast())
}

#[cfg(target_arch = "aarch64")]
fn change(pid: i32, with: impl FnOnce(&mut libc::user_regs_struct)) -> io::Result<()> {
    const NT_PRSTATUS: usize = 1;
    // SAFETY: an all-zero register set is a valid one.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    part(pid, libc::PTRACE_GETREGSET, NT_PRSTATUS, &mut registers)?;
    with(&mut registers);
    part(pid, libc::PTRACE_SETREGSET, NT_PRSTATUS, &mut registers)
}

/// At the entry of a call: the kernel does nothing instead.
#[cfg(target_arch = "aarch64")]
pub fn make_void(pid: i32) -> io::Result<()> {
    const NT_ARM_SYSTEM_CALL: usize = 0x404;
    part(pid, libc::PTRACE_SETREGSET, NT_ARM_SYSTEM_CALL, &mut (NOTHING as i32))
}

/// At the entry of brk(2): it asks where the break is. To move it and fail has the same answer, and no errno.
#[cfg(target_arch = "aarch64")]
pub fn make_question(pid: i32) -> io::Result<()> {
    change(pid, |registers| registers.regs[0] = 0)
}

/// At the exit of a call: this is its answer, as the kernel gives it; an errno is negative.
#[cfg(target_arch = "aarch64")]
pub fn answer(pid: i32, value: i64) -> io::Result<()> {
    change(pid, |registers| registers.regs[0] = value as u64)
}
