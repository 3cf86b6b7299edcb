//! A disk that gets full, anywhere on the way to a new generation: it says so, the old one stays, and nothing is left.

use super::layout::{Layer, Layout, OURS};
use super::packing::run;
use super::tiny::system;
use super::{Own, Said, jailbase};
use crate::common::process;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// An image on a small disk of its own.
struct Disk {
    own: Own,
    source: PathBuf,
}

impl Disk {
    /// With room for more, and one generation whose word is `0`.
    fn new(name: &str) -> Self {
        let own = Own::new(name);
        fs::create_dir_all(own.dir()).unwrap();
        process::mount("none", own.dir().to_str().unwrap(), "tmpfs", 0, "size=64m,nr_inodes=10000,mode=755").unwrap();
        let disk = Self { source: own.place.join("system"), own };
        system(&disk.source, "0");
        disk.own.build(&disk.dir(), &[]).well();
        disk
    }

    /// A layout of one layer, whose word is this.
    fn layout(&self, word: &str) -> String {
        self.archive(word);
        let place = self.own.place.join("layout");
        drop(fs::remove_dir_all(&place));
        let mut layout = Layout::new(&place);
        let image = layout.image(OURS, &[Layer::plain(fs::read(self.own.place.join("system.tar")).unwrap())]);
        layout.list(image, Some("t"));
        format!("oci:{}:t", place.display())
    }

    fn dir(&self) -> String {
        format!("dir:{}", self.source.display())
    }

    /// An archive of the source with this word.
    fn archive(&self, word: &str) -> String {
        system(&self.source, word);
        let archive = self.own.place.join("system.tar");
        fs::write(&archive, run("tar", &["-c", "-C", self.source.to_str().unwrap(), "."], b"")).unwrap();
        format!("tar:{}", archive.display())
    }

    /// How many of the units there are in use.
    fn used(&self, unit: &str) -> u64 {
        let done = Command::new("df").args(["-B4096", &format!("--output={unit}")]).arg(self.own.dir()).output().unwrap();
        String::from_utf8_lossy(&done.stdout).lines().nth(1).unwrap().trim().parse().unwrap()
    }

    /// So many pages and inodes there are from now on.
    fn room(&self, pages: u64, inodes: u64) {
        let (dir, options) = (self.own.dir(), format!("size={},nr_inodes={inodes}", pages * 4096));
        process::mount("none", dir.to_str().unwrap(), "", libc::MS_REMOUNT, &options).unwrap();
    }

    /// Runs what makes the next generation with ever more room until it succeeds. Returns how often it failed.
    fn sweep(&self, what: &str, unit: &str, step: u64, make: impl Fn() -> Said) -> u64 {
        let (used, plenty) = (self.used(unit), 100_000);
        let names = self.own.names();
        for failed in 0.. {
            let limit = used + failed * step;
            if unit == "used" {
                self.room(limit, plenty)
            } else {
                self.room(plenty, limit)
            }
            let said = make();
            let at = format!("{what}: {failed} of {unit}: {}", said.err);
            if said.code == 0 {
                assert_eq!(self.own.current(), 2, "{at}");
                jailbase(["image", "verify", &self.own.name]).well();
                return failed;
            }
            assert!(said.err.contains("No space left on device (ENOSPC); make room first") || what == "edit", "{at}");
            assert!(said.err.lines().last().unwrap().starts_with("jailbase: cannot "), "{at}");
            assert_eq!((said.code == 125 || what == "edit", self.own.current()), (true, 1), "{at}");
            assert_eq!(self.own.names(), names, "{at}");
            assert_eq!(fs::read_to_string(self.own.file(1, "data/word")).unwrap(), "0");
        }
        unreachable!("it never ends")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        process::unmount(self.own.dir().to_str().unwrap(), libc::MNT_DETACH).unwrap();
    }
}

/// By every way that makes a generation, with one page more each time, and with one inode more.
fn swept(name: &str, what: &str, make: impl Fn(&Disk) -> Said) {
    for (unit, step, least) in [("used", 1, 100), ("iused", 1, 20)] {
        let disk = Disk::new(&format!("full-{name}"));
        let failed = disk.sweep(what, unit, step, || make(&disk));
        println!("{what}: {failed} times {unit} was not enough");
        assert!(failed > least, "{what}: {failed} of {unit}");
        jailbase(["image", "verify", &format!("{}@1", disk.own.name)]).well();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_disk_that_is_full_at_any_write_of_a_copy_leaves_the_old_generation_in_service_and_nothing_else() {
    swept("dir", "dir", |disk| {
        system(&disk.source, "2");
        disk.own.build(&disk.dir(), &[])
    });
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_disk_that_is_full_at_any_write_of_an_archive_leaves_the_old_generation_in_service_and_nothing_else() {
    swept("tar", "tar", |disk| disk.own.build(&disk.archive("2"), &[]));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_disk_that_is_full_at_any_write_of_an_edit_leaves_the_old_generation_in_service_and_nothing_else() {
    swept("edit", "edit", |disk| jailbase(["image", "edit", &disk.own.name, "--", "/bin/say", "as", "2"]));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_disk_that_is_full_at_any_write_of_a_layout_leaves_the_old_generation_in_service_and_nothing_else() {
    swept("oci", "oci", |disk| disk.own.build(&disk.layout("2"), &[]));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_disk_that_is_full_at_any_write_of_an_update_leaves_the_old_generation_in_service_and_nothing_else() {
    swept("update", "update", |disk| {
        system(&disk.source, "2");
        jailbase(["image", "update", &disk.own.name])
    });
}
