//! Faults: the programs are killed at every system call they make, and every call they make is made to fail, or to lie.
//!
//! A sweep numbers the calls of an untouched run, does its deed at each number, and goes on until a run ends by itself
//! without the number being reached; so no point is left out.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod alone;
mod deeds;
mod errors;
mod jailbase;
mod kill;
mod lies;
mod look;
mod looking;
mod orphans;
mod outcome;
mod reaper;
mod registers;
mod remains;
mod report;
mod scene;
mod standing;
mod start;
mod trace;
mod watch;
mod ways;
