//! A look at what a sweep would find. Nothing is asked of the kernel that sets a mark or takes one off. It shows marks to nobody:
//! whom the last sweep marked is known by its note, and whether a use since then took that off is not.

use crate::outcome::Outcome;
use crate::process::{self, Process};
use crate::report::Report;
use crate::sweep::{all_jails, foreign};
use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::marks;
use jail::state::mounted::{Mounted, Source, Table};
use jail::state::pins::{self, Pins};
use jail::sys::root::Root;
use std::collections::{BTreeMap, BTreeSet};

/// Every name among the pins, in order.
type Names = Vec<(String, Seen)>;

/// What one name among the pins is.
enum Seen {
    /// The pin of a live jail: the number of its mount.
    Jail(u64),
    /// The place of a pin without one.
    Place(Target),
    /// Neither.
    Foreign(Outcome),
}

/// The look.
pub fn run(root: &Root, host: &Host) -> Result<Report, Error> {
    let mut report = Report::begin("dry run");
    let found = Holder::find()?;
    if found.is_none() {
        report.is_blind = pins::judge_absence().inspect_err(|lost| log::warn!("{lost}")).is_err();
    }
    if let Some(holder) = found {
        all_jails()?;
        let (all, marked) = all(root, host, &holder)?;
        let mut held = held(&all);
        for (name, seen) in all {
            let was_marked = || pins::target_of(&name).zip(marked.as_ref()).map(|(target, marked)| marked.contains(&target));
            let outcome = match seen {
                Seen::Jail(id) => held.remove(&id).map_or_else(|| Outcome::Idle(was_marked()), Outcome::InUse),
                Seen::Place(target) if process::locking(&layout::jail_dir(target)).is_some() => Outcome::InMaking,
                Seen::Place(_) => Outcome::Empty,
                Seen::Foreign(outcome) => outcome,
            };
            report.note(name, outcome);
        }
    }
    report.end();
    Ok(report)
}

/// Who holds which jail, by the name of its pin.
pub fn holders(root: &Root, host: &Host) -> Result<BTreeMap<String, Vec<Process>>, Error> {
    let Some(holder) = Holder::find()? else { return Ok(BTreeMap::new()) };
    let (all, _) = all(root, host, &holder)?;
    let mut held = held(&all);
    let mut of = |seen| if let Seen::Jail(id) = seen { held.remove(&id) } else { None };
    Ok(all.into_iter().map(|(name, seen)| (name, of(seen))).filter_map(|(name, by)| Some((name, by?))).collect())
}

/// Whose jails live.
pub fn live(root: &Root, host: &Host) -> Result<BTreeSet<Target>, Error> {
    let Some(holder) = Holder::find()? else { return Ok(BTreeSet::new()) };
    let (all, _) = all(root, host, &holder)?;
    Ok(all.iter().filter(|(_, seen)| matches!(seen, Seen::Jail(_))).filter_map(|(name, _)| pins::target_of(name)).collect())
}

fn held(all: &[(String, Seen)]) -> BTreeMap<u64, Vec<Process>> {
    let ids: BTreeSet<u64> =
        all.iter().filter_map(|(_, seen)| if let Seen::Jail(id) = seen { Some(*id) } else { None }).collect();
    process::holding(|mount| ids.contains(&mount))
}

/// Every name, and whom the last sweep marked, if that noted it.
fn all(root: &Root, host: &Host, holder: &Holder) -> Result<(Names, Option<BTreeSet<Target>>), Error> {
    let mounts = Source::open()?;
    holder.enter(root)?;
    let all = in_holder(&mounts).map(|all| (all, marks::noted().map(|noted| noted.of)));
    host.back(root)?;
    all
}

fn in_holder(mounts: &Source) -> Result<Names, Error> {
    let pins = Pins::enter()?;
    let names = pins.names()?;
    let table = mounts.table()?;
    let seen = |name: String| seen(&pins, &table, &name).map(|seen| (name, seen));
    names.into_iter().map(seen).collect()
}

fn seen(pins: &Pins, table: &Table, name: &str) -> Result<Seen, Error> {
    let mounted = table.on(name);
    if let Some(outcome) = foreign(mounted) {
        return Ok(Seen::Foreign(outcome));
    }
    Ok(match (pins::target_of(name), mounted) {
        (Some(_), Some(Mounted { id, .. })) => Seen::Jail(*id),
        (Some(target), None) if pins::may_have_a_jail(target) && pins.is_place(name)? != Some(false) => Seen::Place(target),
        _ => Seen::Foreign(Outcome::Foreign(String::new())),
    })
}
