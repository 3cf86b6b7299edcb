//! Bytes on disks: which of them are a user's alone, and which others have too.
//!
//! A file is one inode of one device, however many names it has. It is the user's alone if all its names were found among the
//! user's, and the file system says of no piece of it that others share it; a piece that two of the user's own files share
//! counts once.

use super::places::{self, Missed};
use jail::sys::fd::{self, FileStat};
use jail::sys::images::extents;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{FsType, fstatfs};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::OwnedFd;

/// KERNEL: file systems whose files can share pieces and that say so: btrfs, xfs, bcachefs (linux/magic.h).
const TELLING: [i64; 3] = [0x9123_683e, 0x5846_5342, 0xca45_1a4e];
/// Those whose files never share any: ext4, tmpfs. Of all others it is not known.
const NEVER: [i64; 2] = [0xef53, 0x0102_1994];

/// What was counted so far.
#[derive(Default, Debug)]
pub struct Count {
    /// Files, directories and links.
    pub files: u64,
    /// Bytes on disks of what has one name, or is a directory, without its shared pieces.
    alone: u64,
    /// Inodes with several names.
    named: BTreeMap<(u64, u64), Named>,
    /// Shared pieces: device, where they begin and where they end.
    pieces: Vec<(u64, u64, u64)>,
    /// What was not gone through.
    pub missed: Missed,
    /// Whether a file system was among them that does not say what is shared.
    pub silent: bool,
}

#[derive(Debug)]
struct Named {
    names: u64,
    found: u64,
    /// Bytes on the disk without shared pieces.
    bytes: u64,
}

impl Count {
    /// Counts a directory and all below it, and says of each thing that it did; the bytes that were not counted before.
    pub fn add(&mut self, top: OwnedFd, said: impl Fn()) -> jail::sys::Result<u64> {
        let kind = fstatfs(&top)?.filesystem_type();
        let telling = is(kind, &TELLING);
        self.silent |= !telling && !is(kind, &NEVER);
        let mut new = 0_u64;
        let missed = places::go_through(top, &mut |dir, name, stat| {
            new = new.saturating_add(self.one(dir, name, stat, telling));
            said();
        })?;
        self.missed.unreadable = self.missed.unreadable.saturating_add(missed.unreadable);
        self.missed.mounts = self.missed.mounts.saturating_add(missed.mounts);
        self.missed.moved |= missed.moved;
        Ok(new)
    }

    fn one(&mut self, dir: &OwnedFd, name: Option<&CString>, stat: &FileStat, telling: bool) -> u64 {
        let id = (stat.st_dev, stat.st_ino);
        let several = !fd::is_dir(stat) && stat.st_nlink > 1;
        if let Some(known) = self.named.get_mut(&id).filter(|_| several) {
            known.found = known.found.saturating_add(1);
            return 0;
        }
        self.files = self.files.saturating_add(1);
        let all = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        let pieces = match name {
            Some(name) if telling && fd::is_file(stat) && all > 0 => self.pieces_of(dir, name, stat),
            _ => 0,
        };
        let bytes = all.saturating_sub(pieces);
        if several {
            #[allow(clippy::useless_conversion, reason = "it is a u32 on some machines")]
            self.named.insert(id, Named { names: u64::from(stat.st_nlink), found: 1, bytes });
        } else {
            self.alone = self.alone.saturating_add(bytes);
        }
        all
    }

    /// Notes the shared pieces of a file; how many bytes they have.
    fn pieces_of(&mut self, dir: &OwnedFd, name: &CString, stat: &FileStat) -> u64 {
        // A pipe or a device may have taken its place: it is opened without waiting for anybody, and looked at again.
        let flags =
            OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NOATIME;
        let Ok(file) = openat(dir, name.as_c_str(), flags, Mode::empty()) else { return 0 };
        if !fd::stat(&file).is_ok_and(|now| fd::is_file(&now) && (now.st_dev, now.st_ino) == (stat.st_dev, stat.st_ino)) {
            return 0;
        }
        let shared = extents::shared(&file).ok().flatten().unwrap_or_default();
        self.pieces.extend(shared.iter().map(|piece| (stat.st_dev, piece.physical, piece.physical.saturating_add(piece.length))));
        shared.iter().fold(0, |sum: u64, piece| sum.saturating_add(piece.length))
    }

    /// Bytes of this user alone, and bytes that others have too.
    pub fn sums(mut self) -> (u64, u64) {
        let (own, linked): (Vec<Named>, Vec<Named>) = self.named.into_values().partition(|file| file.found >= file.names);
        let sum = |files: &[Named]| files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.bytes));
        (self.alone.saturating_add(sum(&own)), union(&mut self.pieces).saturating_add(sum(&linked)))
    }
}

fn is(kind: FsType, known: &[i64]) -> bool {
    known.iter().any(|number| kind == FsType(*number))
}

/// How many bytes lie in at least one of the pieces.
fn union(pieces: &mut [(u64, u64, u64)]) -> u64 {
    pieces.sort_unstable();
    let (mut sum, mut device, mut reached) = (0_u64, None, 0);
    for &mut (on, start, end) in pieces {
        if device != Some(on) {
            (device, reached) = (Some(on), 0);
        }
        sum = sum.saturating_add(end.saturating_sub(start.max(reached)));
        reached = reached.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_lies_in_several_pieces_counts_once_and_devices_are_kept_apart() {
        assert_eq!(union(&mut []), 0);
        assert_eq!(union(&mut [(1, 0, 10), (1, 5, 15), (1, 5, 8), (1, 20, 30)]), 25);
        assert_eq!(union(&mut [(2, 0, 10), (1, 0, 10)]), 20);
    }

    #[test]
    fn a_file_with_a_name_elsewhere_is_shared_and_one_with_all_names_here_is_not() -> Result<(), Box<dyn std::error::Error>> {
        let top = std::env::temp_dir().join(format!("jailbase-count-{}", std::process::id()));
        let (here, there) = (top.join("here"), top.join("there"));
        fs::create_dir_all(&here)?;
        fs::create_dir(&there)?;
        for (name, size) in [("one", 40_000), ("twice", 80_000), ("outside", 160_000)] {
            fs::write(here.join(name), vec![7; size])?;
        }
        fs::hard_link(here.join("twice"), here.join("again"))?;
        fs::hard_link(here.join("outside"), there.join("outside"))?;
        let of = |path: &std::path::Path| -> Result<(u64, u64, u64), Box<dyn std::error::Error>> {
            let mut count = Count::default();
            count.add(fs::File::open(path)?.into(), || ())?;
            let files = count.files;
            let (own, shared) = count.sums();
            Ok((files, own, shared))
        };
        let (files, own, shared) = of(&here)?;
        let (files_of_both, own_of_both, shared_of_both) = of(&top)?;
        fs::remove_dir_all(&top)?;
        assert_eq!((files, files_of_both, shared_of_both), (4, 6, 0));
        assert!((120_000..150_000).contains(&own) && (160_000..170_000).contains(&shared), "{own} {shared}");
        assert!((280_000..320_000).contains(&own_of_both), "{own_of_both}");
        Ok(())
    }
}
