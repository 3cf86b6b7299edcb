//! The noun `image`.

mod about;
mod allowed;
mod apt;
mod budget;
mod build;
mod change;
mod check;
mod choice;
mod copy;
mod debian;
mod diff;
mod digests;
mod etc;
mod gc;
mod generations;
mod host;
mod ls;
mod mirrors;
mod mounts;
mod oci;
mod packed;
mod papers;
mod place;
mod rollback;
mod room;
mod settle;
mod share;
mod source;
mod stages;
mod terminal;
mod tree;
mod turn;
mod unfinished;
mod unpack;
pub mod verify;
mod walk;
mod whiteout;
mod words;

pub use ls::trees;
pub use room::Room;
pub use words::Verb;

use crate::interrupt;
use jail::error::Error;
use jail::id::Name;
use jail::state::host::Host;
use jail::sys::root::Root;

/// Why nothing of an image is in service that is there, and that nobody is taking away.
pub fn lacks(name: &Name) -> Option<String> {
    let image = generations::Generations::look(name).ok()?;
    (image.is_unborn().ok()? || image.is_nobodys_turn().ok()?).then(|| image.lacks().ok())?
}

/// Does it.
pub fn run(root: &Root, host: &Host, verb: Verb) -> Result<(), Error> {
    if verb.makes() {
        interrupt::listen()?;
    }
    match verb {
        Verb::Build { name, how, dry_run } => build::run(&name, &how.recipe(), dry_run),
        Verb::Update { name, dry_run } => change::update(root, host, &name, dry_run),
        Verb::Edit { name, program, dry_run } => change::edit(root, host, &name, &program, dry_run),
        Verb::Diff { from, to, json } => diff::run(&from, &to, json),
        Verb::Ls { json } => ls::run(root, host, json),
        Verb::Show { image, json } => ls::show(root, host, &image.name, image.generation, json),
        Verb::Verify { image, json } => {
            check::run(image.as_ref().map(|i| &i.name), image.as_ref().and_then(|i| i.generation), json)
        }
        Verb::Rollback { image, unverified, dry_run } => rollback::roll_back(&image.name, image.generation, unverified, dry_run),
        Verb::Rm { image, dry_run } => gc::remove(root, host, &image.name, image.generation, dry_run),
        Verb::Gc { name, keep, dry_run } => gc::collect(root, host, name.as_ref(), keep, dry_run),
    }
}
