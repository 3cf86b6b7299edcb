//! `image update` and `image edit`: a new generation made of the one in service, or made anew as that one was made.

use super::about::{About, Recipe};
use super::budget::Budget;
use super::build::{self, Made, publish_after};
use super::copy::{Links, copy};
use super::generations::{Generations, Stage};
use super::room;
use super::settle::{self, Taken};
use super::source::Source;
use super::tree::Tree;
use crate::tell;
use jail::error::Error;
use jail::id::Name;
use jail::image::Image;
use jail::report::escaped;
use jail::state::host::Host;
use jail::sys::root::Root;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Instant;

/// Brings what is installed up to date, and leaves nothing behind that only the next update needs.
const UPGRADE: &str = "export DEBIAN_FRONTEND=noninteractive
set -e
apt-get -qq update
apt-get -qq -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold dist-upgrade
apt-get -qq -y autoremove
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log /var/log/alternatives.log";

/// Makes the next generation as the one in service was made; one of Debian's is cloned and upgraded.
pub fn update(root: &Root, host: &Host, name: &Name, dry_run: bool) -> Result<(), Error> {
    let begun = Instant::now();
    let generations = if dry_run { Generations::look(name)? } else { Generations::change_born(name)? };
    let base = generations.pick(None)?;
    let About { recipe, by, .. } = about(&generations, base)?;
    let source = recipe.source()?;
    let upgrade = matches!(source, Source::Debian(_));
    if !upgrade {
        source.judge()?;
        if by.as_deref() == Some("edit") {
            warn_of_edit(name, base, &source);
        }
    }
    if dry_run {
        let how = if upgrade { format!("upgrade the packages of {name}@{base}") } else { format!("make it of {source} again") };
        return tell::say(&format!("would {how} and put {name}@{} in service\n", generations.next()?));
    }
    let built = publish_after(&generations, |stage| {
        let made = if upgrade {
            upgraded(root, host, &generations, stage, base, &recipe)?
        } else {
            build::from_source(stage, &source, &recipe)?
        };
        Ok(Made { by: Some("update"), base: Some(base), ..made })
    })?;
    build::say(name, &built, begun)
}

/// Warns who makes anew what was edited: its source knows nothing of that.
fn warn_of_edit(name: &Name, base: u32, source: &Source) {
    let todo = format!("edit the new one too, or take this one back: jailbase image rollback {name}@{base}");
    log::warn!("{name}@{base} was edited, and what is made of {source} again has nothing of that; {todo}");
}

/// Runs a program, or else a shell, in a clone of the generation in service, and publishes the clone if that ends well.
pub fn edit(root: &Root, host: &Host, name: &Name, program: &[String], dry_run: bool) -> Result<(), Error> {
    let begun = Instant::now();
    let generations = if dry_run { Generations::look(name)? } else { Generations::change_born(name)? };
    let base = generations.pick(None)?;
    if dry_run {
        let what = match program {
            [] => "open a shell".to_owned(),
            words => format!("run {}", escaped(words.join(" ").as_bytes())),
        };
        return tell::say(&format!("would {what} in a clone of {name}@{base}, to become {name}@{}\n", generations.next()?));
    }
    let recipe = about(&generations, base)?.recipe;
    let built = publish_after(&generations, |stage| {
        let image = clone(&generations, stage, base, &recipe)?;
        let words: Vec<&str> = match program {
            [] => vec![room::shell(&stage.tree(), &image)],
            words => words.iter().map(String::as_str).collect(),
        };
        well(room::run(root, host, &stage.tree(), &image, &words)?, "it")?;
        let taken = settle::settle(&stage.tree(), recipe.mend)?;
        Ok(Made { image, taken, recipe: recipe.clone(), by: Some("edit"), base: Some(base) })
    })?;
    build::say(name, &built, begun)
}

fn upgraded(
    root: &Root,
    host: &Host,
    generations: &Generations,
    stage: &Stage,
    base: u32,
    recipe: &Recipe,
) -> Result<Made, Error> {
    let image = clone(generations, stage, base, recipe)?;
    let quietly = format!("exec >/dev/null\n{UPGRADE}");
    let upgrade = if tell::is_quiet() { &quietly } else { UPGRADE };
    well(room::run(root, host, &stage.tree(), &image, &["/bin/sh", "-c", upgrade])?, "apt-get")?;
    settle::empty_places(&stage.tree())?;
    let taken = settle::settle(&stage.tree(), recipe.mend)?;
    Ok(Made { image, taken, recipe: recipe.clone(), by: None, base: None })
}

/// Copies a generation into a stage: file by file, so that nothing that is written now is written into what was published.
fn clone(generations: &Generations, stage: &Stage, base: u32, recipe: &Recipe) -> Result<Image, Error> {
    let image = generations.manifest(base)?;
    let tree = Tree::new(stage.tree())?;
    let entries = generations.entries(base);
    let _: Taken = copy(Path::new(&generations.tree(base)), tree.path(), Links::Part, &mut Budget::of(recipe), entries)?;
    Ok(image)
}

fn about(generations: &Generations, number: u32) -> Result<About, Error> {
    let none = || Error::Refused("it was built before there were records of how; build it anew".into());
    About::read(&generations.generation(number))?.ok_or_else(none)
}

fn well(status: ExitStatus, who: &str) -> Result<(), Error> {
    if status.success() {
        Ok(())
    } else {
        Err(Error::Refused(format!("{who} ended with {status}; nothing was published, and it can be done again")))
    }
}
