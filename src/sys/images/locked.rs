//! Who holds a lock, as procfs shows it to root. This only words what is said; who has a turn the kernel alone decides.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The processes that hold the flock(2) on a directory: none if nobody does, or if he cannot be seen from here.
pub fn locking(directory: &str) -> Vec<u32> {
    let inode = fs::metadata(directory).map(|meta| meta.ino().to_string()).unwrap_or_default();
    let table = fs::read_to_string("/proc/locks").unwrap_or_default();
    let pids = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, file, ..] = fields[..] else { return None };
        (file.rsplit(':').next() == Some(inode.as_str())).then(|| pid.parse().ok()).flatten()
    });
    // Inodes are numbered by each file system for itself.
    let has_open = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link == Path::new(directory))
    };
    pids.filter(has_open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::lock::Lock;
    use std::os::fd::OwnedFd;

    #[test]
    fn who_holds_the_lock_of_a_directory_is_found_and_nobody_else() -> Result<(), Box<dyn std::error::Error>> {
        let path = std::env::temp_dir().join(format!("jail-locked-{}", std::process::id()));
        fs::create_dir(&path)?;
        let (dir, shown) = (OwnedFd::from(fs::File::open(&path)?), path.display().to_string());
        let before = locking(&shown);
        let lock = Lock::try_exclusive(&dir)?;
        let held = locking(&shown);
        let beside = locking(&std::env::temp_dir().display().to_string());
        drop(lock);
        let after = locking(&shown);
        fs::remove_dir(&path)?;
        assert_eq!([before, held, after, beside, locking("/none")], [vec![], vec![std::process::id()], vec![], vec![], vec![]]);
        Ok(())
    }
}
