//! `image verify`: whether a generation is still what was published.

use super::digests::{self, Digests, Thing};
use super::generations::Generations;
use super::unfinished::Unborn;
use super::{papers, verify, walk};
use crate::table::counted;
use crate::tell;
use jail::error::Error;
use jail::id::Name;
use jail::report::escaped;
use serde::Serialize;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One thing that is not as it was published, or that no image may hold.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    image: String,
    /// In the tree; absolute if it is beside it.
    path: String,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}: {}", self.path.trim_start_matches('/'), self.what)
    }
}

/// Verifies one generation, or those in service of all images.
pub fn run(name: Option<&Name>, asked: Option<u32>, json: bool) -> Result<(), Error> {
    let images = match name {
        Some(name) => vec![(name.clone(), Generations::look(name))],
        None => Generations::all()?,
    };
    let (mut findings, mut text) = (Vec::new(), String::new());
    for (image, there) in images {
        match there.and_then(|there| served(&there, asked, name.is_none())) {
            Ok(Looked::At(number, count, found)) => {
                text += &format!(
                    "{image}@{number}: {}\n",
                    match found.len() {
                        0 => format!("{count} entries, all as published"),
                        bad => counted(bad, "fault"),
                    }
                );
                text.extend(found.iter().map(|fault| format!("  {fault}\n")));
                findings.extend(found);
            }
            Ok(Looked::NotYet(who)) => text += &format!("{image}: its first build is under way{who}\n"),
            Err(error) if name.is_some() => return Err(error),
            // One image that cannot be looked at keeps nobody from the others.
            Err(error) => {
                let what = tell::reason(error);
                text += &format!("{image}: {what}\n");
                findings.push(Finding { image: image.to_string(), path: String::new(), what });
            }
        }
    }
    if json {
        tell::json(&findings)?
    } else {
        tell::say(&text)?
    }
    if findings.is_empty() {
        return Ok(());
    }
    let mend = "jailbase image rollback puts an older generation in service, image update or build makes a good one";
    Err(Error::Failed { doing: "vouch for what is not as it was published", on: String::new(), why: mend.to_owned() })
}

/// What came of a look at an image.
enum Looked {
    /// At this generation, which has so many entries, and these faults.
    At(u32, usize, Vec<Finding>),
    /// There is none yet: somebody is building it, in brackets who.
    NotYet(String),
}

fn served(image: &Generations, asked: Option<u32>, one_of_all: bool) -> Result<Looked, Error> {
    if one_of_all && let Some(Unborn::UnderWay(who)) = image.unborn()? {
        return Ok(Looked::NotYet(who));
    }
    let number = image.pick(asked)?;
    one(image, number).map(|(count, found)| Looked::At(number, count, found))
}

/// How many entries a generation has, and what is not as it was published.
pub fn one(image: &Generations, number: u32) -> Result<(usize, Vec<Finding>), Error> {
    let (tree, place) = (image.tree(number), image.generation(number));
    let manifest = image.manifest(number)?;
    let found = walk::all(&tree)?;
    let finding = |path: String, what: String| Finding { image: format!("{}@{number}", image.name), path, what };
    let mut all: Vec<Finding> =
        verify::faults(&tree, &manifest, &found)?.into_iter().map(|fault| finding(fault.path, fault.what.to_owned())).collect();
    let Some(published) = digests::read(&place)? else {
        return Err(Error::failed(
            "verify",
            place.display().to_string(),
            "it was built before there were digests; build it anew",
        ));
    };
    let papers = papers::look(&place, &manifest)?;
    all.extend(papers.faults.into_iter().map(|(path, what)| finding(path, what)));
    if let Some(unknown) = papers.unknown {
        log::warn!("{}@{number}: {unknown}", image.name);
    }
    // A device cannot be digested, and reading it could do harm; it is a fault already.
    let readable: Vec<_> =
        found.into_iter().filter(|one| one.meta.is_dir() || one.meta.is_file() || one.meta.is_symlink()).collect();
    let mut now = digests::of(&tree, &readable)?;
    let entries = digests::entries(&now);
    if !published.contains_key(Path::new("")) {
        // Published before the top was in the list; whether it is fit for jails was judged above.
        now.remove(Path::new(""));
    }
    all.extend(changes(&published, &now).into_iter().map(|(path, what)| finding(path, what)));
    Ok((entries, all))
}

/// What is not the same in two trees: the path, and what became of it.
pub fn changes(old: &Digests, new: &Digests) -> Vec<(String, String)> {
    let shown = |path: &Path| escaped(path.as_os_str().as_bytes());
    let mut all: Vec<(&Path, String)> = Vec::new();
    for (path, was) in old {
        match new.get(path) {
            None => all.push((path, "is gone".to_owned())),
            Some(is) if is == was => {}
            Some(is) => all.push((path, change(was, is))),
        }
    }
    all.extend(new.keys().filter(|path| !old.contains_key(*path)).map(|path| (path.as_path(), "is new".to_owned())));
    all.sort();
    all.into_iter().map(|(path, what)| (shown(path), what)).collect()
}

fn change(was: &Thing, is: &Thing) -> String {
    match (was, is) {
        (Thing::File { sha256: a, size: x, .. }, Thing::File { sha256: b, size: y, .. }) if a != b => {
            if x == y {
                "holds something else".to_owned()
            } else {
                format!("holds something else: {y} bytes instead of {x}")
            }
        }
        (Thing::File { mode: a, .. }, Thing::File { mode: b, .. })
        | (Thing::Directory { mode: a }, Thing::Directory { mode: b })
            if a != b =>
        {
            format!("has mode {b:04o} instead of {a:04o}")
        }
        (Thing::File { .. }, Thing::File { .. }) => "has another date".to_owned(),
        (Thing::Link { text: a }, Thing::Link { text: b }) => format!("leads to {} instead of {}", escaped(b), escaped(a)),
        _ => "is of another kind".to_owned(),
    }
}
