//! What all tests of the installed programs share: where those are, who calls them, and what they must leave behind.
//!
//! The tests find the programs in the directory that `JAIL_BIN_DIR` names, built with `tests/policy.toml`; `make check`
//! sees to both. They run as root, because they play every caller, and are `#[ignore]`d for a plain `cargo test`.
#![allow(dead_code, unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stderr
)]

pub mod attacker;
pub mod call;
pub mod cpuset;
pub mod executable;
pub mod image;
pub mod kernels;
pub mod knob;
pub mod log;
pub mod process;
pub mod reaped;
pub mod screen;
pub mod seen;
pub mod sweep;
pub mod trace;
pub mod user;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the tests' policy keeps its state, and where the pin of the holder is.
pub const STATE: &str = "/var/lib/trampoline-check";
pub const RUN: &str = "/run/trampoline-check";
pub const LOG: &str = "/run/trampoline-check-log";

/// The uid of web servers, who call most of the time.
pub const WWW: u32 = 33;

/// The path of one of the installed programs.
pub fn program(name: &str) -> PathBuf {
    bin_dir().join(name)
}

/// Where the programs are, looked at once: a wrong policy would let a test touch a real installation.
fn bin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        // A test that was asked for and cannot run has failed; a plain `cargo test` does not ask for these.
        let dir = std::env::var_os("JAIL_BIN_DIR").map(PathBuf::from);
        let dir = dir.expect("JAIL_BIN_DIR is not set: run make check, which builds, installs and names the programs");
        assert!(process::is_root(), "these tests play every caller and need root: run make check as root");
        let policy = Command::new(dir.join("trampoline")).arg("--policy").output().expect("trampoline does not start");
        let policy = String::from_utf8_lossy(&policy.stdout).into_owned();
        for place in [STATE, RUN, LOG] {
            assert!(policy.contains(place), "{} was not built with tests/policy.toml:\n{policy}", dir.display());
        }
        dir
    })
}
