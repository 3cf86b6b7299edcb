//! `user ls`: who has a jail, and whether trampoline would believe its spec.

use super::about::About;
use crate::table::table;
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::explain::word;
use jail::id::{Name, Target};
use jail::layout;
use jail::spec::{FILTERS, NETWORKS};
use jail::state::Doing;
use jail::state::images::Generation;
use jail::state::jails::Jails;
use jail::state::pins;
use jail::sys::images::advice::told;
use jail::sys::{Errno, fd, files};
use serde::Serialize;
use std::collections::BTreeMap;

/// The command line of `user ls`.
#[derive(Args, Debug)]
pub struct Words {
    /// For programs: an array of objects instead of a table
    #[arg(long)]
    json: bool,
}

/// One user.
#[derive(Serialize, Debug)]
struct Row {
    name: Option<String>,
    uid: u32,
    image: Option<String>,
    network: Option<&'static str>,
    filter: Option<&'static str>,
    home: Option<String>,
    /// "ok", or what is wrong.
    state: String,
}

const HEAD: [&str; 7] = ["NAME", "UID", "IMAGE", "NETWORK", "FILTER", "HOME", "STATE"];

/// Lists the users.
pub fn run(words: &Words) -> Result<(), Error> {
    let rows = rows()?;
    if words.json {
        return tell::json(&rows);
    }
    tell::say(&lines(&rows))
}

fn rows() -> Result<Vec<Row>, Error> {
    let jails = match Jails::open() {
        // Nobody was ever added: an empty list is the truth.
        Err(Error::Refused(_)) if !std::path::Path::new(jail::policy::STATE).join(layout::JAILS).exists() => {
            return Ok(Vec::new());
        }
        jails => jails?,
    };
    let names = files::names(&jails.dir).doing("list", layout::JAILS)?;
    let mut targets: Vec<Target> = names.iter().filter_map(|name| pins::target_of(name)).collect();
    targets.sort();
    let mut images = BTreeMap::new();
    Ok(targets.into_iter().map(|target| row(&jails, target, &mut images)).collect())
}

/// What is said of a user whose jail is gone and whose files are not: how the rest goes.
fn leftover(jails: &Jails, target: Target) -> String {
    let made = jails.jail(target).ok().and_then(|dir| About::read(&dir)).and_then(|about| about.made_home);
    let home = if made.is_some() { " --remove-home" } else { "" };
    format!("no jail, but files; jailbase user rm {target} --purge{home} removes them")
}

fn row(jails: &Jails, target: Target, images: &mut BTreeMap<Name, Option<String>>) -> Row {
    let spec = match jails.jail(target).and_then(|dir| dir.spec()) {
        Ok(spec) => spec,
        Err(why) => {
            let spec = format!("{target}/{}", layout::SPEC);
            let none = matches!(fd::open_beneath(&jails.dir, &spec, fd::How::Place), Err(Errno::ENOENT));
            let state = if none { leftover(jails, target) } else { told(&why) };
            return Row { name: None, uid: target.get(), image: None, network: None, filter: None, home: None, state };
        }
    };
    let by_name = match jails.target(&spec.name) {
        Ok(found) if found == target => None,
        Ok(found) => Some(format!("its name stands for uid {found}; remove one of the two")),
        Err(_) => Some("no link from its name; add it again".to_owned()),
    };
    let image =
        images.entry(spec.image.clone()).or_insert_with(|| Generation::in_service(&spec.image).err().as_ref().map(told)).clone();
    Row {
        name: Some(spec.name.to_string()),
        uid: target.get(),
        image: Some(spec.image.to_string()),
        network: Some(word(&NETWORKS, spec.network)),
        filter: Some(word(&FILTERS, spec.filter)),
        home: Some(spec.home.to_string()),
        state: by_name.or(image).unwrap_or_else(|| "ok".to_owned()),
    }
}

fn lines(rows: &[Row]) -> String {
    let dash = |field: Option<&str>| field.unwrap_or("-").to_owned();
    let fields = rows.iter().map(|row| {
        [
            dash(row.name.as_deref()),
            row.uid.to_string(),
            dash(row.image.as_deref()),
            dash(row.network),
            dash(row.filter),
            dash(row.home.as_deref()),
            row.state.clone(),
        ]
    });
    table(HEAD, &fields.collect::<Vec<_>>())
}
