//! The life of a jail, seen from inside and from the host.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "../common/mod.rs"]
mod common;

mod apart;
mod callers;
mod devices;
mod endings;
mod environment;
mod filter;
mod herd;
mod identity;
mod landlock;
mod life;
mod limits;
mod mounts;
mod names;
mod orders;
mod processors;
mod readonly;
mod real;
mod removal;
mod sealed;
mod software;
mod streams;
