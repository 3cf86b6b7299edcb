//! `image ls` and `image show`: what there is, and how many live jails still use each.

use super::about::About;
use super::generations::Generations;
use super::unfinished::Unborn;
use crate::live::{self, Jails, Tree};
use crate::table::{bytes, counted, table};
use crate::tell;
use jail::error::Error;
use jail::id::Name;
use jail::state::host::Host;
use jail::sys::fd::{self, How};
use jail::sys::root::Root;
use serde::Serialize;
use std::collections::BTreeMap;

/// One generation, as it is told.
#[derive(Serialize, Debug)]
pub struct Row {
    image: String,
    /// `null` if nothing of it can be told, or if there is nothing yet.
    generation: Option<u32>,
    in_service: bool,
    /// `null` where the kernel cannot tell.
    jails: Option<usize>,
    /// The uids of their users.
    uids: Option<Vec<u32>>,
    #[serde(flatten)]
    about: Option<About>,
    /// What is wrong with it, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl Row {
    /// Of an image that has no generation to tell of.
    fn none(image: &Name, fault: Option<String>) -> Self {
        let image = image.to_string();
        Self { image, generation: None, in_service: false, jails: None, uids: None, about: None, fault }
    }

    fn shown(&self) -> String {
        self.generation.map_or_else(|| self.image.clone(), |number| format!("{}@{number}", self.image))
    }
}

/// Lists all generations of all images.
pub fn run(root: &Root, host: &Host, json: bool) -> Result<(), Error> {
    let jails = live::jails(root, host)?;
    let mut rows = Vec::new();
    for (name, image) in Generations::all()? {
        // One image that is odd hides none of the others.
        match image.and_then(|image| rows_of(&image, jails.as_ref())) {
            Ok(found) => rows.extend(found),
            Err(error) => rows.push(Row::none(&name, Some(tell::reason(error)))),
        }
    }
    if json {
        tell::json(&rows)?;
        return judged(&rows);
    }
    let fields = rows.iter().map(|row| {
        let about = |pick: fn(&About) -> String| row.about.as_ref().map_or("-".to_owned(), pick);
        let state = match (row.in_service, row.generation, &row.fault) {
            (true, ..) => "in service",
            (_, None, None) => "being built",
            (_, None, Some(_)) => "?",
            _ => "-",
        };
        [
            row.shown(),
            state.to_owned(),
            row.jails.map_or("?".to_owned(), |count| count.to_string()),
            about(|about| bytes(about.bytes)),
            about(|about| bytes(about.cost.copied_bytes)),
            about(|about| about.built.clone()),
            about(|about| about.recipe.from.clone()),
        ]
    });
    tell::say(&table(["IMAGE", "STATE", "JAILS", "SIZE", "COPIED", "BUILT", "FROM"], &fields.collect::<Vec<_>>()))?;
    judged(&rows)
}

/// Warns of each that is odd, and fails if there is one.
fn judged(rows: &[Row]) -> Result<(), Error> {
    let odd = rows.iter().filter_map(|row| Some((row, row.fault.as_ref()?))).inspect(|(row, fault)| {
        log::warn!("{}: {fault}", row.shown());
    });
    match odd.count() {
        0 => Ok(()),
        _ => Err(Error::failed("tell all that there is of images", "", "mend what the warnings name, then look again")),
    }
}

fn rows_of(image: &Generations, jails: Option<&Jails>) -> Result<Vec<Row>, Error> {
    match image.unborn()? {
        Some(Unborn::UnderWay(_)) => return Ok(vec![Row::none(&image.name, None)]),
        Some(Unborn::Interrupted) => return Err(Error::Refused(image.lacks()?)),
        None => {}
    }
    let current = image.current()?;
    let mut odd = image.strays()?;
    if current.is_none() {
        odd.push(image.lacks()?);
    }
    let odd = odd.into_iter().map(|fault| Ok(Row::none(&image.name, Some(fault))));
    image
        .numbers()?
        .into_iter()
        .map(|number| {
            let uids = jails.map(|jails| users_of(image, number, jails)).transpose()?;
            let (about, fault) = match About::read(&image.generation(number)) {
                Ok(about) => (about, image.missing(number)),
                Err(error) => (None, Some(tell::reason(error))),
            };
            let (generation, in_service) = (Some(number), current == Some(number));
            let jails = uids.as_ref().map(Vec::len);
            Ok(Row { image: image.name.to_string(), generation, in_service, jails, uids, about, fault })
        })
        .chain(odd)
        .collect()
}

/// The uids of the live jails that show a generation.
pub fn users_of(image: &Generations, number: u32, jails: &Jails) -> Result<Vec<u32>, Error> {
    let path = image.tree(number).display().to_string();
    // One without a tree shows nothing.
    let Ok(stat) = fd::open(&path, How::Directory).and_then(fd::stat) else { return Ok(Vec::new()) };
    Ok(jails.get(&live::tree(&stat)).map(|uids| uids.iter().copied().collect()).unwrap_or_default())
}

/// What each tree that there is belongs to, as `image@generation`. For who looks at jails: of an image that is odd nothing is
/// known, and that is `image ls`'s to tell.
pub fn trees() -> BTreeMap<Tree, String> {
    let mut trees = BTreeMap::new();
    for image in Generations::all().unwrap_or_default().into_iter().filter_map(|(_, image)| image.ok()) {
        for number in image.numbers().unwrap_or_default() {
            let path = image.tree(number).display().to_string();
            if let Ok(stat) = fd::open(&path, How::Directory).and_then(fd::stat) {
                trees.insert(live::tree(&stat), format!("{}@{number}", image.name));
            }
        }
    }
    trees
}

/// Says all of one image, or of one generation.
pub fn show(root: &Root, host: &Host, name: &Name, asked: Option<u32>, json: bool) -> Result<(), Error> {
    let image = Generations::look(name)?;
    let asked = asked.map(|number| image.pick(Some(number))).transpose()?;
    let jails = live::jails(root, host)?;
    let mut rows = rows_of(&image, jails.as_ref())?;
    rows.retain(|row| asked.is_none() || row.generation == asked);
    if rows.iter().any(|row| row.generation.is_none()) {
        return Err(Error::Refused(image.lacks()?));
    }
    if json {
        tell::json(&rows)?;
    } else {
        tell::say(&rows.iter().map(page).collect::<Vec<_>>().join("\n"))?;
    }
    judged(&rows)
}

fn page(row: &Row) -> String {
    let mut lines = vec![("image", row.shown())];
    lines.push(("in service", if row.in_service { "yes" } else { "no" }.to_owned()));
    lines.push((
        "live jails",
        match &row.uids {
            None => "unknown: that needs Linux 6.12 or newer, and no container around it".to_owned(),
            Some(uids) if uids.is_empty() => "none".to_owned(),
            Some(uids) => format!("{} (uid {})", uids.len(), uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        },
    ));
    if let Some(about) = &row.about {
        lines.push(("from", about.recipe.from.clone()));
        if !about.recipe.include.is_empty() {
            lines.push(("packages", about.recipe.include.join(", ")));
        }
        if let (Some(by), Some(base)) = (&about.by, about.base) {
            lines.push(("made by", format!("{by} of {}@{base}", row.image)));
        }
        let cost = about.cost;
        let of_files = |count: u64, size: u64| format!("{}, {}", counted(count, "file"), bytes(size));
        lines.extend([
            ("built", about.built.clone()),
            ("entries", about.entries.to_string()),
            ("size", bytes(about.bytes)),
            ("copied", of_files(cost.copied_files, cost.copied_bytes)),
            ("linked", of_files(cost.linked_files, cost.linked_bytes)),
            ("cloned", of_files(cost.cloned_files, cost.cloned_bytes)),
            ("digest", about.digest.clone()),
        ]);
    }
    lines.iter().map(|(key, value)| format!("{key:<11} {value}\n")).collect()
}
