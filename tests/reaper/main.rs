//! The reaper: what it takes down and what it leaves, and whom a drain keeps out.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout
)]

#[path = "../common/mod.rs"]
mod common;

mod callers;
mod clock;
mod cron;
mod drain;
mod drain_all;
mod figures;
mod hindered;
mod races;
mod strangers;
mod sweeps;
mod units;
