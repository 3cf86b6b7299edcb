//! `image build`: a generation is made aside, looked at, written to disk, given its number by one rename, and put in
//! service by another. Killed anywhere, the old generation stays in service and the next build clears what was left.

use super::tree::Tree;
use super::{Source, etc, host, verify};
use crate::{store, tell};
use jail::error::Error;
use jail::id::Name;
use jail::image::Image;
use jail::layout;
use jail::policy::STATE;
use jail::state::Doing;
use jail::sys::lock::Lock;
use jail::sys::{fd, files};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

/// What the name of a generation in the making starts with; no generation's name does.
const UNFINISHED: &str = ".new-";

/// Builds a generation and puts it in service.
pub fn run(name: &Name, from: Source) -> Result<(), Error> {
    let begun = Instant::now();
    let path = layout::image_dir(name);
    store::directory(STATE, 0o755)?;
    // An image may hold programs that are set-user-id in its own files; outside of jails nobody is to reach them.
    store::directory(&format!("{STATE}/{}", layout::IMAGES), 0o700)?;
    let dir = store::directory(&path, 0o755)?;
    let _lock = Lock::exclusive(&dir).doing("lock", path.clone())?;
    clear_unfinished(&dir, &path)?;

    let new = format!("{UNFINISHED}{}", std::process::id());
    let number = next(&dir, &path)?;
    let made = make(from, &format!("{path}/{new}"));
    let made = made.and_then(|made| publish(&dir, &new, number, &path).map(|()| made));
    if made.is_err() {
        clear_unfinished(&dir, &path).ok();
    }
    let (image, files) = made?;
    let took = begun.elapsed().as_secs_f32();
    tell::say(&format!(
        "{name}: generation {number} in service: /{} of this machine, {files} files in /etc, {took:.1} s\n",
        image.host.join(" /")
    ))
}

/// Makes the manifest and the tree, and looks at them.
fn make(from: Source, path: &str) -> Result<(Image, usize), Error> {
    let generation = Tree::new(path.into())?;
    let tree = Tree::new(generation.path().join(layout::TREE))?;
    let (image, files) = match from {
        Source::Host => (host::tree(&tree)?, etc::fill(&tree)?),
    };
    generation.file(layout::MANIFEST, image.write().as_bytes(), 0o644)?;
    verify::tree(tree.path(), &image)?;
    Ok((image, files))
}

fn publish(dir: &OwnedFd, new: &str, number: u32, path: &str) -> Result<(), Error> {
    let made = fd::open_beneath(dir, new, fd::How::List).doing("open", format!("{path}/{new}"))?;
    // ORDER: all of it is on disk before it has a number. One call for the file system, because one for each of a
    // thousand small files takes seconds.
    nix::unistd::syncfs(&made).doing("write to disk", format!("{path}/{new}"))?;
    store::rename(dir, new, &number.to_string(), &format!("{path}/{number}"))?;
    store::link(dir, layout::CURRENT, &number.to_string(), &format!("{path}/{}", layout::CURRENT))
}

/// One more than every number there is, whether in service or not: a number never means two things.
fn next(dir: &OwnedFd, path: &str) -> Result<u32, Error> {
    let names = files::names(dir).doing("list", path)?;
    let highest = names.iter().filter_map(|name| layout::generation(name)).max().unwrap_or(0);
    highest.checked_add(1).ok_or_else(|| Error::failed("number the next generation of", path, "there are too many; remove some"))
}

/// Removes what a build left that was killed. The lock is held, so nobody is building.
fn clear_unfinished(dir: &OwnedFd, path: &str) -> Result<(), Error> {
    let names = files::names(dir).doing("list", path)?;
    for name in names.iter().filter(|name| name.starts_with(UNFINISHED)) {
        let left = Path::new(path).join(name);
        log::info!("removing {}, which an interrupted build left", left.display());
        // Root made all of it and nobody else can reach it.
        std::fs::remove_dir_all(&left).map_err(|error| Error::failed("remove", left.display().to_string(), error))?;
    }
    Ok(())
}
