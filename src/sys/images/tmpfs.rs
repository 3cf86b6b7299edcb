//! What a file system in memory holds. The setuid program makes them and has no need to ask.

use crate::sys::Result;
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use std::os::fd::AsFd;

/// Whether something lies on one.
pub fn is_tmpfs(on: impl AsFd) -> Result<bool> {
    Ok(fstatfs(on)?.filesystem_type() == TMPFS_MAGIC)
}

/// Bytes that its files take, in whole pages.
pub fn used(on: impl AsFd) -> Result<u64> {
    let all = fstatfs(on)?;
    let page = u64::try_from(all.block_size()).unwrap_or(0);
    Ok(all.blocks().saturating_sub(all.blocks_free()).saturating_mul(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_none() {
        let proc = std::fs::File::open("/proc").map_err(|e| crate::sys::fd::errno(&e));
        assert_eq!(proc.and_then(is_tmpfs), Ok(false));
    }
}
