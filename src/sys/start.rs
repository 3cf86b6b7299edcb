//! How the setuid program starts: at C's `main`, without the start-up of Rust's standard library.

/// A panic is our own fault: it says one constant line and aborts. The standard library's own handler would open files
/// that the caller names by RUST_BACKTRACE, and print addresses.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {
        super::fd::say(2, "trampoline: internal error, please report it\n");
        std::process::abort();
    }));
}

/// Makes a function of type `fn() -> u8` the program's `main`.
///
/// The standard library's own start would, before a line of ours and with the caller's limits and descriptors still in
/// force, poll and reopen 0-2, ignore SIGPIPE (which a program would inherit across execve), and map a signal stack.
/// `std::env::args_os` works all the same: glibc hands the arguments to an initialiser of the standard library.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        // SAFETY: the symbol is C's `main`; a program has one, and rustc's own is absent under `#![no_main]`.
        #[unsafe(no_mangle)]
        extern "C" fn main() -> core::ffi::c_int {
            core::ffi::c_int::from($run())
        }
    };
}
