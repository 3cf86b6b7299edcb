//! What jailbase alone asks of the kernel, for images and for whoever uses them, and what it and the reaper ask of live jails, and
//! advise when the kernel refused. None of it is linked into the setuid program.

pub mod advice;
pub mod apart;
pub mod attributes;
pub mod extents;
pub mod locked;
pub mod neighbours;
pub mod pidfd;
pub mod room;
pub mod terminal;
pub mod tmpfs;
