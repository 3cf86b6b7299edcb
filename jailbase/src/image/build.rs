//! `image build`: a generation is made aside, settled, looked at, digested, made to share with the one before, written to
//! disk, given its number by one rename, and put in service by another. Killed anywhere, the old generation stays in service
//! and the next command clears what was left.

use super::about::{About, Cost, Recipe, now};
use super::budget::Budget;
use super::copy::{self, Links};
use super::digests::{self, Digests, Thing};
use super::generations::{Generations, Stage};
use super::place::Ground;
use super::settle::Taken;
use super::share::{self, Known};
use super::source::Source;
use super::tree::Tree;
use super::unpack::{self, Unpack};
use super::{about, debian, etc, host, oci, settle, verify, walk};
use crate::table::{bytes, counted};
use crate::tell;
use jail::error::Error;
use jail::id::Name;
use jail::image::Image;
use jail::layout;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

/// What has been made, and is not looked at yet.
pub struct Made {
    /// What the tree does not hold itself.
    pub image: Image,
    /// What was taken off on the way.
    pub taken: Taken,
    /// How it was made.
    pub recipe: Recipe,
    /// By which command, if not by a build.
    pub by: Option<&'static str>,
    /// The generation it was made of, if of one.
    pub base: Option<u32>,
}

/// Builds a generation and puts it in service.
pub fn run(name: &Name, recipe: &Recipe, dry_run: bool) -> Result<(), Error> {
    let source = recipe.source()?;
    if !recipe.include.is_empty() && !matches!(source, Source::Debian(_)) {
        return Err(Error::Usage("--include is for debian: alone".into()));
    }
    source.judge()?;
    if dry_run {
        let next = Generations::look(name).and_then(|there| there.next()).unwrap_or(1);
        return tell::say(&format!("would build {name}@{next} from {source} and put it in service\n"));
    }
    let begun = Instant::now();
    let generations = Generations::make(name)?;
    tell::doing(&format!("{name}: making it of {source}"));
    let built = publish_after(&generations, |stage| from_source(stage, &source, recipe));
    if built.is_err() && generations.numbers()?.is_empty() {
        // Nothing was there before either.
        generations.remove_all()?;
    }
    say(name, &built?, begun)
}

/// Makes a tree, and what is to be known of it.
pub fn from_source(stage: &Stage, source: &Source, recipe: &Recipe) -> Result<Made, Error> {
    let tree = Tree::new(stage.tree())?;
    let (image, taken) = match source {
        Source::Host => {
            let image = host::tree(&tree)?;
            etc::fill(&tree)?;
            (image, Taken::default())
        }
        Source::Dir(dir) => {
            let copied = copy::copy(dir, tree.path(), Links::Keep, &mut Budget::of(recipe), None)?;
            (Image { host: Vec::new() }, settled(tree.path(), recipe, copied)?)
        }
        Source::Tar(file) => {
            let unpacked = archive(stage, file, recipe)?;
            (Image { host: Vec::new() }, settled(tree.path(), recipe, unpacked)?)
        }
        Source::Oci(dir, tag) => {
            let unpacked = oci::tree(stage, dir, tag.as_deref(), &mut Budget::of(recipe))?;
            (Image { host: Vec::new() }, settled(tree.path(), recipe, unpacked)?)
        }
        Source::Debian(suite) => {
            debian::tree(tree.path(), suite, &recipe.include)?;
            (Image { host: Vec::new() }, settled(tree.path(), recipe, Taken::default())?)
        }
    };
    Ok(Made { image, taken, recipe: recipe.clone(), by: None, base: None })
}

/// Unpacks one archive into the tree of a stage.
fn archive(stage: &Stage, file: &Path, recipe: &Recipe) -> Result<Taken, Error> {
    let packed = unpack::open(file)?;
    let open =
        |path: &Path| File::open(path).map(OwnedFd::from).map_err(|e| Error::failed("open", path.display().to_string(), e));
    let mut ground = Ground::new(open(&stage.tree())?, open(&stage.path)?);
    let (mut budget, mut taken) = (Budget::of(recipe), Taken::default());
    Unpack { ground: &mut ground, budget: &mut budget, taken: &mut taken, layer: false }
        .all(packed, &file.display().to_string())?;
    Ok(taken)
}

/// Settles a tree, and adds what was taken off before.
fn settled(tree: &Path, recipe: &Recipe, before: Taken) -> Result<Taken, Error> {
    let now = settle::settle(tree, recipe.mend)?;
    let (setuid, attributes) = (before.setuid + now.setuid, before.attributes + now.attributes);
    Ok(Taken { setuid, attributes, writable: now.writable })
}

/// What was published, or why nothing was.
pub enum Built {
    /// This generation is in service.
    New(u32, Box<About>, Taken, String),
    /// The generation in service is the same as what was made.
    Same(u32),
}

/// Makes a generation by `make` and puts it in service; if that fails, nothing is left of it.
pub fn publish_after(generations: &Generations, make: impl FnOnce(&Stage) -> Result<Made, Error>) -> Result<Built, Error> {
    let stage = generations.stage()?;
    let built = make(&stage).and_then(|made| finish(generations, &stage, made));
    if !matches!(built, Ok(Built::New(..)))
        && let Err(error) = generations.give_up(&stage)
    {
        log::warn!("{error}; the next command tries again");
    }
    built
}

/// Looks at what was made, and publishes it.
fn finish(generations: &Generations, stage: &Stage, made: Made) -> Result<Built, Error> {
    tell::doing(&format!("{}: looking at what was made", generations.name));
    let tree = stage.tree();
    let found = walk::all(&tree)?;
    verify::judge(&tree, &made.image, &found)?;
    let mut digests = digests::of(&tree, &found)?;
    let current = generations.current()?;
    let old = current.map(|number| known(generations, number)).transpose()?.flatten();
    if let (Some(number), Some(old), Some(_)) = (current, &old, made.by)
        && same(old, &digests)
    {
        return Ok(Built::Same(number));
    }
    let old_tree = current.map(|number| generations.tree(number));
    let known = old.as_ref().zip(old_tree.as_ref()).map(|(digests, tree)| Known { tree, digests });
    let (cost, dated) = share::share(Known { tree: &tree, digests: &digests }, known)?;
    for (path, date) in dated {
        if let Some(Thing::File { mtime, .. }) = digests.get_mut(&path) {
            *mtime = date;
        }
    }
    let list = digests::write(&digests);
    let manifest = made.image.write();
    let about = About {
        recipe: made.recipe,
        by: made.by.map(str::to_owned),
        base: made.base,
        built: now(),
        entries: u64::try_from(digests::entries(&digests)).unwrap_or(u64::MAX),
        bytes: cost.copied_bytes + cost.linked_bytes + cost.cloned_bytes,
        digest: digests::of_paper(digests::FILE, list.as_bytes())?,
        image_digest: Some(digests::of_paper(layout::MANIFEST, manifest.as_bytes())?),
        cost,
    };
    let beside = Tree::there(stage.path.clone());
    beside.file(digests::FILE, list.as_bytes(), 0o644)?;
    beside.file(about::FILE, about.write()?.as_bytes(), 0o644)?;
    beside.file(layout::MANIFEST, manifest.as_bytes(), 0o644)?;
    let number = generations.next()?;
    generations.publish(stage, number)?;
    let shows = made.image.host.join(" /");
    Ok(Built::New(number, Box::new(about), made.taken, shows))
}

fn known(generations: &Generations, number: u32) -> Result<Option<Digests>, Error> {
    // A generation whose list cannot be read shares nothing; what is built now must not suffer for it.
    digests::read_with_top(&generations.generation(number)).or_else(|error| {
        log::warn!("{error}; nothing is shared with {}@{number}", generations.name);
        Ok(None)
    })
}

/// Whether two trees hold the same, whenever their files were written.
fn same(old: &Digests, new: &Digests) -> bool {
    let undated = |thing: &Thing| match thing.clone() {
        Thing::File { mode, size, sha256, .. } => Thing::File { mode, mtime: 0, size, sha256 },
        other => other,
    };
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.0 == b.0 && undated(a.1) == undated(b.1))
}

/// Says what was built, and what it cost.
pub fn say(name: &Name, built: &Built, begun: Instant) -> Result<(), Error> {
    let (number, about, taken, shows) = match built {
        Built::Same(number) => {
            return tell::said(&format!("{name}: nothing changed; {name}@{number} stays in service\n"));
        }
        Built::New(number, about, taken, shows) => (number, about, taken, shows),
    };
    let Cost { copied_files, copied_bytes, linked_files, linked_bytes, cloned_files, cloned_bytes } = about.cost;
    let mut text = format!(
        "{name}@{number} in service: {} entries, {}, {:.1} s\n",
        about.entries,
        bytes(about.bytes),
        begun.elapsed().as_secs_f32()
    );
    if !shows.is_empty() {
        text += &format!("  shows      /{shows} of this machine\n");
    }
    text += &format!("  copied     {}, {}\n", counted(copied_files, "file"), bytes(copied_bytes));
    for (what, files, count) in [("linked", linked_files, linked_bytes), ("cloned", cloned_files, cloned_bytes)] {
        if files > 0 {
            text += &format!("  {what}     {}, {}\n", counted(files, "file"), bytes(count));
        }
    }
    text += &format!("  saved      {} by sharing with an older generation\n", bytes(linked_bytes + cloned_bytes));
    if *taken != Taken::default() {
        text += &format!("  taken off  {taken}\n");
    }
    tell::said(&text)
}
