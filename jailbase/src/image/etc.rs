//! The image's `/etc`: copied from the host by the allow-list of [`super::allowed`], and of that only what everybody on the
//! host may read.

use super::allowed::{holds_private_key, never, stays, wanted};
use super::share;
use super::tree::Tree;
use jail::error::Error;
use jail::state::Doing;
use jail::sys::fd::{self, FileStat, How};
use jail::sys::files;
use std::fs::File;
use std::os::fd::OwnedFd;

/// Written by us: names come from files and from DNS, and from no daemon that a jail cannot reach.
const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\n\
                        services: files\nethers: files\nrpc: files\n";
/// Each jail mounts its own over these two.
pub const PASSWD: &str = "root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
pub const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";

/// Taken as a file even where the host has a link out of what a jail shows.
const FOLLOWED: [&str; 3] = ["resolv.conf", "hosts", "localtime"];

/// No file that belongs here is longer.
const LONGEST: usize = 16 << 20;

/// Fills `/etc` and says how many files it holds.
pub fn fill(tree: &Tree) -> Result<usize, Error> {
    let etc = fd::open("/etc", How::List).doing("open", "/etc")?;
    let mut count = 0;
    for name in sorted(&etc, "/etc")?.iter().filter(|name| wanted(name)) {
        count += entry(tree, &etc, name, &format!("etc/{name}"))?;
    }
    for (name, text) in [("nsswitch.conf", NSSWITCH), ("passwd", PASSWD), ("group", GROUP)] {
        tree.file(&format!("etc/{name}"), text.as_bytes(), 0o644)?;
        share::date(&tree.path().join("etc").join(name), 0).doing("date", name)?;
        count += 1;
    }
    tree.link("etc/mtab", "../proc/self/mounts")?;
    Ok(count)
}

/// Takes one name, and what is below it; `at` is its place in the tree and on the host.
fn entry(tree: &Tree, dir: &OwnedFd, name: &str, at: &str) -> Result<usize, Error> {
    let left_out = |why: &str| {
        log::debug!("left out /{at}: {why}");
        Ok(0)
    };
    if never(name) {
        return left_out("its name says that it is nobody else's");
    }
    let stat = fd::stat_at(dir, name).doing("look at", format!("/{at}"))?;
    if fd::is_dir(&stat) {
        if stat.st_mode & 0o005 != 0o005 {
            return left_out("not everybody may enter it");
        }
        let below = fd::open_beneath(dir, name, How::List).doing("open", format!("/{at}"))?;
        tree.directory(at, stat.st_mode & 0o755)?;
        return sorted(&below, at)?.iter().map(|name| entry(tree, &below, name, &format!("{at}/{name}"))).sum();
    }
    if !fd::is_file(&stat) {
        let Ok(text) = fd::link_text(dir, name) else { return left_out("it is neither a file, nor a directory, nor a link") };
        if stays(&text) && !(FOLLOWED.contains(&name) && text.starts_with("..") && !text.contains("usr/share/zoneinfo/")) {
            tree.link(at, &text)?;
            return Ok(1);
        }
        if !FOLLOWED.contains(&name) {
            return left_out("it is a link to what a jail does not show");
        }
        let Ok(file) = File::open(format!("/{at}")) else { return left_out("it is a link to nothing") };
        return copy(tree, OwnedFd::from(file), at);
    }
    copy(tree, fd::open_beneath(dir, name, How::Read).doing("open", format!("/{at}"))?, at)
}

/// Copies an open file, judged as it is open.
fn copy(tree: &Tree, file: OwnedFd, at: &str) -> Result<usize, Error> {
    let stat = fd::stat(&file).doing("look at", format!("/{at}"))?;
    if let Some(why) = secret_by_mode(&stat) {
        log::debug!("left out /{at}: {why}");
        return Ok(0);
    }
    let bytes = fd::read_at_most(file, LONGEST).doing("read", format!("/{at}"))?;
    if bytes.len() > LONGEST || holds_private_key(&bytes) {
        log::warn!("left out /{at}: it holds a private key, or is longer than {LONGEST} bytes");
        return Ok(0);
    }
    tree.file(at, &bytes, stat.st_mode & 0o755)?;
    // A file that did not change has the time it had in the generation before, so that the two can share it.
    share::date(&tree.path().join(at), stat.st_mtime).doing("date", format!("/{at}"))?;
    Ok(1)
}

fn secret_by_mode(stat: &FileStat) -> Option<&'static str> {
    if !fd::is_file(stat) {
        Some("it is not a regular file")
    } else if stat.st_mode & 0o004 == 0 {
        Some("not everybody may read it")
    } else if stat.st_mode & 0o6000 != 0 {
        Some("it is setuid or setgid")
    } else {
        None
    }
}

fn sorted(dir: &OwnedFd, shown: &str) -> Result<Vec<String>, Error> {
    let mut names = files::names(dir).doing("list", shown)?;
    names.sort();
    Ok(names)
}
