//! How the setuid program starts: at C's `main`, without the start-up of Rust's standard library.

use super::{Errno, Result};
use std::ffi::{CStr, OsString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStringExt;
use std::slice;

/// A panic is our own fault: it aborts, and says nothing. The standard library's own handler would open files that the
/// caller names by RUST_BACKTRACE, and print addresses.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| std::process::abort()));
}

/// What C's `main` was given, as the words they are. Called once, by [`entry`](crate::entry), with what the kernel laid out.
///
/// `std::env::args_os` would do for glibc, which hands the arguments to an initialiser of the standard library; musl does not.
#[allow(clippy::not_unsafe_ptr_arg_deref)]
pub fn words(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    let word = |at: usize| {
        // SAFETY: the kernel puts `count` pointers there, each to bytes that end with a zero and live as long as we do.
        let bytes = unsafe { CStr::from_ptr(*words.add(at)) }.to_bytes();
        OsString::from_vec(bytes.to_vec())
    };
    (0..usize::try_from(count).unwrap_or(0)).map(word).collect()
}

/// Makes read-only what only the relocations had to write, the addresses of functions among it. musl does so in its loader, and
/// the start of its static programs does not (ldso/dynlink.c and crt/rcrt1.c of musl 1.2); a failure ends the program.
pub fn seal() -> Result<()> {
    extern "C" fn one(of: *mut libc::dl_phdr_info, _: usize, page: *mut c_void) -> c_int {
        // SAFETY: libc shows the headers of this program, which live as long as it does.
        let (base, headers) = unsafe { ((*of).dlpi_addr, slice::from_raw_parts((*of).dlpi_phdr, (*of).dlpi_phnum.into())) };
        let begin = |at: u64| usize::try_from(base.wrapping_add(at)).unwrap_or(0) & !page.addr().wrapping_sub(1);
        let sealed = headers.iter().filter(|header| header.p_type == libc::PT_GNU_RELRO).map(|header| {
            let (start, end) = (begin(header.p_vaddr), begin(header.p_vaddr.wrapping_add(header.p_memsz)));
            // SAFETY: whole pages which the linker set apart to become read-only.
            unsafe { libc::mprotect(std::ptr::with_exposed_provenance_mut(start), end.saturating_sub(start), libc::PROT_READ) }
        });
        sealed.min().unwrap_or(0)
    }
    // SAFETY: a number. musl and glibc know it without a file.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the function is called before this call returns, with the size of a page as its word.
    Errno::result(unsafe { libc::dl_iterate_phdr(Some(one), std::ptr::without_provenance_mut(page)) }).map(drop)
}

/// Ends this process at once. Nothing is registered to be done at its end, and libc's search for it would write to memory, which
/// the kernel would have to copy: the two processes of a session share each page until one writes to it.
pub fn end(code: u8) -> ! {
    // SAFETY: a number.
    unsafe { libc::_exit(code.into()) }
}

/// Makes a function of type `fn(Vec<OsString>) -> u8` the program's `main`, and a [`Region`](super::memory::Region) its memory.
///
/// The standard library's own start would, before a line of ours and with the caller's limits and descriptors still in
/// force, poll and reopen 0-2, ignore SIGPIPE (which a program would inherit across execve), and map a signal stack.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        #[global_allocator]
        static MEMORY: $crate::sys::memory::Region = $crate::sys::memory::Region;

        // SAFETY: the symbol is C's `main`; a program has one, and rustc's own is absent under `#![no_main]`.
        #[unsafe(no_mangle)]
        extern "C" fn main(count: core::ffi::c_int, words: *const *const core::ffi::c_char) -> core::ffi::c_int {
            $crate::sys::start::end($run($crate::sys::start::words(count, words)))
        }
    };
}
