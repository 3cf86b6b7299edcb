//! `user show`: everything of a spec, where each value came from, and what there is of the jail now.

use super::about::{About, From, Home};
use super::change::values;
use super::lists;
use super::rm::target;
use crate::live::{self, Tree};
use crate::table::table;
use crate::tell;
use clap::Args;
use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::spec::Spec;
use jail::state::host::Host;
use jail::state::images::Generation;
use jail::state::jails::{JailDir, Jails};
use jail::sys::fd::{self, How};
use jail::sys::images::advice::told;
use jail::sys::root::Root;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The command line of `user show`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// For programs: one object
    #[arg(long)]
    json: bool,
}

/// One user, as it is told.
#[derive(Serialize, Debug)]
struct Page {
    #[serde(flatten)]
    spec: BTreeMap<&'static str, Value>,
    #[serde(skip)]
    values: BTreeMap<&'static str, String>,
    /// The names of the groups, by their numbers, as the jail shows them.
    group_names: BTreeMap<u32, String>,
    /// Where each value came from, as far as that is known.
    from: BTreeMap<String, From>,
    /// Whether an administrator added the user by name; `null` if that is not known.
    by_hand: Option<bool>,
    /// The groups of which `user sync` found the user a member.
    synced: BTreeSet<String>,
    made_home: Option<Home>,
    /// The generation of the image that the next jail gets.
    in_service: Option<u32>,
    /// `null` where the kernel cannot tell.
    live: Option<bool>,
    /// The generations that the live jail shows; none of an image that is gone.
    live_generations: Vec<String>,
    /// "ok", or why trampoline would refuse.
    state: String,
}

/// Says all of one user.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    let jails = Jails::open()?;
    let target = target(&jails, &words.user)?;
    let dir = jails.jail(target)?;
    let page = page(root, host, &dir, &dir.spec()?)?;
    if words.json { tell::json(&page) } else { tell::say(&page.text()) }
}

fn page(root: &Root, host: &Host, dir: &JailDir, spec: &Spec) -> Result<Page, Error> {
    let about = About::read(dir);
    let read = |name: &str| super::give::text(dir, name);
    let (_, mut group_names) = lists::read(&spec.name, &read(layout::PASSWD), &read(layout::GROUP));
    group_names.retain(|gid, _| [spec.gid].iter().chain(&spec.groups).any(|group| group.get() == *gid));
    let trees = live(root, host, dir.target)?;
    let (in_service, state) = match Generation::in_service(&spec.image) {
        Ok(generation) => (Some(generation.number), "ok".to_owned()),
        Err(error) => (None, told(&error)),
    };
    let by_hand = about.as_ref().map(|about| about.by_hand);
    let About { from, groups: synced, made_home, .. } = about.unwrap_or_default();
    let live = trees.as_ref().map(|trees| !trees.is_empty());
    let live_generations = trees.unwrap_or_default().into_iter().filter_map(generation_of).collect();
    let values: BTreeMap<&str, String> = values(spec).into_iter().collect();
    let spec = values.iter().map(|(key, value)| (*key, json(key, value))).collect();
    Ok(Page { spec, values, group_names, from, by_hand, synced, made_home, in_service, live, live_generations, state })
}

/// A value as programs want it: numbers as such, lists as lists, and null for none of them.
fn json(key: &str, value: &str) -> Value {
    let number = |text: &str| text.parse::<u64>().map_or_else(|_| text.into(), Value::from);
    match (key, value) {
        ("groups", "none") => Value::Array(Vec::new()),
        ("groups", listed) => listed.split(' ').map(number).collect(),
        ("hostname" | "domain", "none") => Value::Null,
        (_, value) => number(value),
    }
}

/// The trees that the user's live jail shows, or one that is on its way out; `None` if this kernel cannot tell.
fn live(root: &Root, host: &Host, target: Target) -> Result<Option<Vec<Tree>>, Error> {
    let jails = live::jails(root, host)?;
    Ok(jails.map(|all| all.into_iter().filter(|(_, uids)| uids.contains(&target.get())).map(|(tree, _)| tree).collect()))
}

/// Which generation a tree is.
fn generation_of(tree: Tree) -> Option<String> {
    let is = |path: &str| fd::open(path, How::Directory).and_then(fd::stat).is_ok_and(|stat| live::tree(&stat) == tree);
    let numbered = |path: &std::path::Path| {
        let number = layout::generation(path.file_name()?.to_str()?)?;
        is(&format!("{}/{}", path.display(), layout::TREE)).then_some(number)
    };
    let images = format!("{}/{}", jail::policy::STATE, layout::IMAGES);
    for image in std::fs::read_dir(images).ok()?.flatten() {
        let found = std::fs::read_dir(image.path()).ok()?.flatten().find_map(|entry| numbered(&entry.path()));
        if let Some(number) = found {
            return Some(format!("{}@{number}", image.file_name().to_string_lossy()));
        }
    }
    None
}

impl Page {
    fn text(&self) -> String {
        let rows = super::change::KEYS.iter().filter_map(|key| {
            let value = self.values.get(key)?;
            let from = match self.from.get(*key) {
                Some(From::Account) => "the account",
                Some(From::Chosen) => "chosen",
                Some(From::Usual) => "usual",
                None => "-",
            };
            Some([(*key).to_owned(), self.named(key, value), from.to_owned()])
        });
        let or = |none: &str, some: &BTreeSet<String>| {
            if some.is_empty() { none.to_owned() } else { some.iter().cloned().collect::<Vec<_>>().join(", ") }
        };
        let hand = match self.by_hand {
            Some(true) => "user add",
            Some(false) => "user sync",
            None => "unknown: there is no record beside the spec",
        };
        let live = match (self.live, self.live_generations.as_slice()) {
            (None, _) => "unknown: that needs Linux 6.12 or newer, and no container around it".to_owned(),
            (Some(false), _) => "no".to_owned(),
            (Some(true), []) => "yes, of a generation that was removed".to_owned(),
            (Some(true), shown) => format!("yes, of {}", shown.join(" and ")),
        };
        let lines = [
            ("given by", hand.to_owned()),
            ("synced with", or("no group", &self.synced)),
            ("home made", self.made_home.as_ref().map_or("not by jailbase".into(), |home| format!("by jailbase: {}", home.path))),
            ("in service", self.in_service.map_or("nothing".into(), |number| format!("{}@{number}", self.value("image")))),
            ("lives", live),
            ("state", self.state.clone()),
        ];
        let below: String = lines.iter().map(|(key, value)| format!("{key:<12} {value}\n")).collect();
        format!("{}\n{below}", table(["KEY", "VALUE", "FROM"], &rows.collect::<Vec<_>>()))
    }

    fn value(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }

    /// Groups with their names, as far as they have any.
    fn named(&self, key: &str, value: &str) -> String {
        if !["gid", "groups"].contains(&key) {
            return value.to_owned();
        }
        let name = |gid: &str| gid.parse::<u32>().ok().and_then(|gid| self.group_names.get(&gid));
        let one = |gid: &str| name(gid).map_or_else(|| gid.to_owned(), |name| format!("{gid} ({name})"));
        value.split(' ').map(one).collect::<Vec<_>>().join(" ")
    }
}
