//! How the setuid program starts: at C's `main`, without the start-up of Rust's standard library.

use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;

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

/// Ends this process at once. Nothing is registered to be done at its end, and libc's search for it would write to memory that
/// a session's two processes share until one of them does.
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
        static MEMORY: $crate::sys::memory::Region = $crate::sys::memory::Region(core::sync::atomic::AtomicUsize::new(0));

        // SAFETY: the symbol is C's `main`; a program has one, and rustc's own is absent under `#![no_main]`.
        #[unsafe(no_mangle)]
        extern "C" fn main(count: core::ffi::c_int, words: *const *const core::ffi::c_char) -> core::ffi::c_int {
            $crate::sys::start::end($run($crate::sys::start::words(count, words)))
        }
    };
}
