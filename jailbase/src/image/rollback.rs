//! `image rollback`: puts a generation in service that is there, and is what was published.

use super::check;
use super::generations::{Generations, LAST};
use crate::tell;
use jail::error::Error;
use jail::id::Name;

/// Puts an older generation in service: the one asked for, or the youngest below the one in service.
pub fn roll_back(name: &Name, asked: Option<u32>, unverified: bool, dry_run: bool) -> Result<(), Error> {
    let image = match (dry_run, asked) {
        (true, _) => Generations::look(name)?,
        // Whatever became of the links: this mends them, and if they are gone nothing is taken for unfinished by what they say.
        (false, Some(_)) => {
            let image = Generations::alone(name)?;
            if let (Ok(Some(_)), Ok(_)) = (image.current(), image.linked(LAST)) {
                image.clear_unfinished()?;
            }
            image
        }
        (false, None) => Generations::change_born(name)?,
    };
    let current = if asked.is_some() { image.current().unwrap_or(None) } else { image.current()? };
    let below = image.numbers()?.into_iter().rev().find(|number| current.is_none_or(|current| *number < current));
    let number = match asked {
        Some(number) => image.pick(Some(number))?,
        None => below.ok_or_else(|| Error::Refused(format!("{name} has no older generation; name one as {name}@GENERATION")))?,
    };
    if current == Some(number) {
        return tell::said(&format!("{name}@{number} is in service already\n"));
    }
    can_be_shown(&image, number)?;
    if !unverified {
        judge(&image, number)?;
    }
    let was = current.map_or_else(|| "nothing".to_owned(), |current| format!("{name}@{current}"));
    if dry_run {
        return tell::say(&format!("would put {name}@{number} in service instead of {was}\n"));
    }
    image.serve(number)?;
    tell::said(&format!("{name}@{number} in service instead of {was}; live jails keep theirs until they expire\n"))
}

/// Refuses what no jail could be made of, whatever is asked for.
fn can_be_shown(image: &Generations, number: u32) -> Result<(), Error> {
    let why = match image.manifest(number) {
        Ok(_) if image.tree(number).is_dir() => return Ok(()),
        Ok(_) => "its tree is gone; build the image anew".to_owned(),
        Err(error) => tell::reason(error),
    };
    Err(Error::Refused(format!("no jail can show {}@{number}: {why}, or name another generation", image.name)))
}

/// Refuses what is not as it was published: nobody would look for the fault there, and the next jail would have it.
fn judge(image: &Generations, number: u32) -> Result<(), Error> {
    let anyhow = "name another generation, or say --unverified to put it in service as it is";
    let no = |why: String| Err(Error::Refused(format!("{}@{number} {why}; {anyhow}", image.name)));
    let (_, found) = match check::one(image, number) {
        Ok(looked) => looked,
        Err(error) => return no(format!("cannot be verified: {}", tell::reason(error))),
    };
    let Some(first) = found.first() else { return Ok(()) };
    let more = match found.len() {
        1 => String::new(),
        many => format!(", the first of {many} faults"),
    };
    no(format!("is not as it was published: {first}{more}; jailbase image verify {}@{number} lists all", image.name))
}
