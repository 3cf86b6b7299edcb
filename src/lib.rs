//! What the three programs share, in floors. No file names a file of a floor above its own; `tests/house.rs` checks it.
//!
//! * ground: `id path limits policy layout record spec image plan asked environ error report explain written` — pure: same input, same output.
//! * [`sys`]: the kernel, one subject a file, and the only `unsafe` of the workspace.
//! * [`state`]: the files and mounts that are ours — specs, images, locks, the holder — judged on open descriptors.
//!
//! The programs' own phases stand on top of these, each in its own package.

pub mod asked;
pub mod environ;
pub mod error;
pub mod explain;
pub mod id;
pub mod image;
pub mod layout;
pub mod limits;
pub mod path;
pub mod plan;
pub mod policy;
pub mod record;
pub mod report;
pub mod spec;
pub mod written;

#[allow(unsafe_code)]
pub mod sys;

pub mod state;
