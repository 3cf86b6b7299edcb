//! `image diff`: what two generations do not have in common.

use super::check::changes;
use super::digests::{self, Digests, Thing};
use super::generations::Generations;
use super::words::Asked;
use crate::table::{bytes, counted};
use crate::tell;
use jail::error::Error;
use serde::Serialize;

/// The difference, as it is told.
#[derive(Serialize, Debug)]
struct Difference {
    path: String,
    what: String,
}

/// Says what became of each thing from one generation to another.
pub fn run(from: &Asked, to: &Asked, json: bool) -> Result<(), Error> {
    let (old, new) = (read(from)?, read(to)?);
    let all: Vec<Difference> = changes(&old, &new).into_iter().map(|(path, what)| Difference { path, what }).collect();
    if json {
        return tell::json(&all);
    }
    let mut text: String = all.iter().map(|one| format!("/{}: {}\n", one.path, one.what)).collect();
    let fresh = new.iter().filter(|(path, thing)| old.get(*path) != Some(thing));
    let size = fresh.map(|(_, thing)| if let Thing::File { size, .. } = thing { *size } else { 0 }).sum();
    text += &format!("{}, {} of files that are new or changed\n", counted(all.len(), "difference"), bytes(size));
    tell::say(&text)
}

fn read(asked: &Asked) -> Result<Digests, Error> {
    let image = Generations::look(&asked.name)?;
    let number = image.pick(asked.generation)?;
    let place = image.generation(number);
    let none = || Error::failed("compare", place.display().to_string(), "it was built before there were digests; build it anew");
    digests::read_with_top(&place)?.ok_or_else(none)
}
