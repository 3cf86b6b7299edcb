//! What is mounted on the places of the pins, read off the holder's mount table. The setuid program has no use for it.
//!
//! KERNEL: printing the table takes no reference on a mount (`show_mountinfo`, fs/proc_namespace.c), so it undoes no
//! mark; a stat of a pin would.
#![forbid(unsafe_code)]

pub mod live;

use super::Doing;
use crate::error::Error;
use crate::layout;
use crate::sys::fd::{self, How};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

/// The way to the table, opened in the host's mount namespace: the holder has no procfs.
#[derive(Debug)]
pub struct Source(OwnedFd);

/// One mount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mounted {
    /// The kernel's number of the mount, as in `/proc/PID/fdinfo`.
    pub id: u64,
    /// Its file system, if it is no pin of a jail: a mount namespace and nothing else is one.
    pub foreign: Option<String>,
    /// The inode of the mount namespace that it pins, if it is one.
    pub namespace: Option<u64>,
}

/// What is mounted on which name among the pins.
#[derive(Default, Debug)]
pub struct Table(BTreeMap<String, Mounted>);

impl Source {
    /// Opens it; procfs must be on `/proc`.
    pub fn open() -> Result<Self, Error> {
        fd::open("/proc", How::Directory).map(Self).doing("open", "/proc")
    }

    /// In the holder: reads what is mounted there now.
    pub fn table(&self) -> Result<Table, Error> {
        // KERNEL: the table is that of the mount namespace in which the reader is when it opens the file.
        let file = fd::open_magic(&self.0, "self/mountinfo", How::Read).doing("open", "/proc/self/mountinfo")?;
        // A name may hold any bytes; what is no text is no pin.
        let mut table = Vec::new();
        File::from(file).read_to_end(&mut table).map_err(|e| fd::errno(&e)).doing("read", "/proc/self/mountinfo")?;
        Ok(Table::of(&String::from_utf8_lossy(&table)))
    }
}

impl Table {
    /// Reads a table as `/proc/PID/mountinfo` has it (proc(5)). Where several mounts lie on one name, and one of them is
    /// foreign, the name is: what is below it is not ours to uncover.
    fn of(text: &str) -> Self {
        let places = format!("/{}/", layout::PINS);
        let mut table = BTreeMap::new();
        for line in text.lines() {
            let mut fields = line.split(' ');
            let (id, root, place) = (fields.next(), fields.nth(2), fields.next());
            let kind = line.split(" - ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let Some(name) = place.and_then(|place| place.strip_prefix(&places)) else { continue };
            let pinned = root.filter(|_| kind == "nsfs").and_then(|root| root.strip_prefix("mnt:["));
            let namespace = pinned.and_then(|rest| rest.strip_suffix(']')?.parse().ok());
            let id = id.and_then(|id| id.parse().ok()).unwrap_or_default();
            let mounted = Mounted { id, foreign: pinned.is_none().then(|| kind.to_owned()), namespace };
            let known = table.entry(name.to_owned()).or_insert_with(|| mounted.clone());
            if known.foreign.is_none() {
                *known = mounted;
            }
        }
        Self(table)
    }

    /// What is mounted on this name.
    pub fn on(&self, name: &str) -> Option<&Mounted> {
        self.0.get(name)
    }

    /// All names on which something is mounted.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Mounted)> {
        self.0.iter().map(|(name, mounted)| (name.as_str(), mounted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [&str; 10] = [
        "95 95 0:40 / / rw,relatime - tmpfs none rw,mode=700",
        "96 95 0:4 mnt:[4026532301] /pins/2001 rw - nsfs nsfs rw",
        "97 95 0:4 net:[4026532302] /pins/2002 rw - nsfs nsfs rw",
        "98 95 0:41 / /pins/2003 rw,nosuid shared:7 - tmpfs tmpfs rw",
        "99 95 254:0 /var\\040x /pins/2004 rw master:1 propagate_from:2 - ext4 /dev/vda rw",
        "100 95 0:4 mnt:[4026532303] /pins/20 rw - nsfs nsfs rw",
        "101 98 0:4 mnt:[4026532304] /pins/2003 rw - nsfs nsfs rw",
        "102 96 0:42 / /pins/2001/deeper rw - tmpfs tmpfs rw",
        "103 95 0:43 / /pins2005 rw - tmpfs tmpfs rw",
        "104 100 0:4 mnt:[4026532305] /pins/20 rw - nsfs nsfs rw",
    ];

    #[test]
    fn only_a_mount_namespace_is_a_pin_and_what_covers_one_or_is_covered_is_told_from_it() {
        let table = Table::of(&TABLE.join("\n"));
        let foreign = |name: &str| table.on(name).map(|mounted| mounted.foreign.clone());
        assert_eq!(foreign("2001"), Some(None));
        assert_eq!(foreign("2002"), Some(Some("nsfs".into())), "a network namespace");
        assert_eq!(foreign("2003"), Some(Some("tmpfs".into())), "a file system below a pin");
        assert_eq!(foreign("2004"), Some(Some("ext4".into())));
        assert_eq!(table.on("20"), Some(&Mounted { id: 104, foreign: None, namespace: Some(4026532305) }), "the one on top");
        assert_eq!(foreign("2005"), None);
        assert_eq!(foreign("200"), None);
        assert_eq!(table.on("2001").and_then(|mounted| mounted.namespace), Some(4026532301));
        assert_eq!(table.all().filter(|(_, mounted)| mounted.namespace.is_some()).count(), 2, "no other namespace is a jail's");
    }

    #[test]
    fn a_table_that_makes_no_sense_names_nothing() {
        for text in ["", "\n\n", "x", "1 2 3", "/pins/2001", "1 2 3 4 /pins"] {
            assert!(Table::of(text).0.is_empty(), "{text:?}");
        }
        assert_eq!(
            Table::of("1 2 3 mnt:[4] /pins/2001").on("2001").map(|m| m.foreign.clone()),
            Some(Some(String::new())),
            "what is not understood is left alone"
        );
    }
}
