//! The holder: pinned once, with pins of jails in it and nothing else, and nothing of it in the host's table but its own line.

use super::finding::{Fault, Report, advice, problem};
use super::mounts::{self, Mount, within};
use super::users::reason;
use crate::table::counted;
use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::policy::{RUN, STATE};
use jail::report::escaped;
use jail::state::Doing;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::mounted::{Source, Table};
use jail::state::pins::{self, Pins};
use jail::sys::fd;
use jail::sys::root::Root;
use std::ffi::OsStr;
use std::fs::{read_dir, symlink_metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

/// What a name among the pins is.
enum Seen {
    /// The pin of a live jail.
    Jail(Target),
    /// The place of a pin without one.
    Place(Target),
    /// Neither: its name, what it is, and since when, in seconds since 1970, if that can be known.
    Strange(String, String, Option<i64>),
}

/// `holder`, `mount-table`.
pub fn look(root: &Root, host: &Host, report: &mut Report) {
    let (faults, well) = match pins(root, host) {
        Ok(None) => {
            let lost = pins::judge_absence().err();
            let fault =
                lost.map(|lost| advice(reason(lost), format!("see that no program runs in a jail: rm {RUN}/{}", layout::HOLDER)));
            (fault.into_iter().collect(), "there is none; the first entry makes it".to_owned())
        }
        Ok(Some(all)) => {
            let count = all.iter().filter(|seen| matches!(seen, Seen::Jail(_))).count();
            (all.into_iter().filter_map(fault).collect(), format!("it holds {}", counted(count, "pin")))
        }
        Err(error) => (
            vec![problem(reason(error), format!("when no program runs in a jail: umount {RUN}/{}", layout::HOLDER))],
            String::new(),
        ),
    };
    report.note("holder", faults, well);
    report.note("mount-table", stray(&mounts::table()), "the host's table of mounts shows the holder at most");
}

/// What lies among the pins; `None` if there is no holder.
fn pins(root: &Root, host: &Host) -> Result<Option<Vec<Seen>>, Error> {
    let Some(holder) = Holder::find()? else { return Ok(None) };
    let mounts = Source::open()?;
    holder.enter(root)?;
    let seen = in_holder(&mounts);
    host.back(root)?;
    seen.map(Some)
}

/// KERNEL: to read a directory and the table of mounts undoes no mark of a pin. Looked at is only what no mount lies on.
fn in_holder(mounts: &Source) -> Result<Vec<Seen>, Error> {
    let pins = Pins::enter()?;
    let entries = read_dir(".").and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| fd::errno(&error)).doing("list", "the pins of the holder")?;
    let mut names: Vec<_> = entries.iter().map(std::fs::DirEntry::file_name).collect();
    names.sort_unstable();
    let table = mounts.table()?;
    names.iter().filter_map(|name| seen(&pins, &table, name).transpose()).collect()
}

/// Nothing of a name that has gone meanwhile.
fn seen(pins: &Pins, table: &Table, name: &OsStr) -> Result<Option<Seen>, Error> {
    let text = name.to_str().unwrap_or_default();
    let strange = |what: String, since| Ok(Some(Seen::Strange(escaped(name.as_bytes()), what, since)));
    if let Some(kind) = table.on(text).and_then(|mounted| mounted.foreign.as_ref()) {
        return strange(format!("a mount ({})", escaped(kind.as_bytes())), None);
    }
    if let Some(target) = pins::target_of(text) {
        if table.on(text).is_some() {
            return Ok(Some(Seen::Jail(target)));
        }
        match pins.is_place(text)? {
            None => return Ok(None),
            Some(true) if pins::may_have_a_jail(target) => return Ok(Some(Seen::Place(target))),
            Some(_) => {}
        }
    }
    // The table spells these otherwise (proc(5)), so what is mounted there is not known, and a look might wait for a file server.
    if text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic() || c == '\\') {
        return strange("something".into(), None);
    }
    let Ok(meta) = symlink_metadata(name) else { return Ok(None) };
    let kind = match meta.file_type() {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_file() => "a file",
        _ => "something",
    };
    strange(format!("{kind} of uid {}", meta.uid()), Some(meta.ctime()))
}

/// What is wrong with it. In the host's mount namespace, where the specs are.
fn fault(seen: Seen) -> Option<Fault> {
    let is_users = |target: &Target| symlink_metadata(format!("{}/{}", layout::jail_dir(*target), layout::SPEC)).is_ok();
    match seen {
        Seen::Jail(target) | Seen::Place(target) if is_users(&target) => None,
        Seen::Jail(target) => Some(advice(
            format!("a jail of uid {target} lives, and no user has that uid: its spec was moved or removed"),
            format!(
                "put {} back, or take the jail down: reaper --drain {target}; reaper --dry-run names who runs in it",
                layout::jail_dir(target)
            ),
        )),
        Seen::Place(target) => Some(advice(
            format!("{target} among the pins is the empty place of one, and no user has that uid"),
            "remove it by a sweep: reaper",
        )),
        Seen::Strange(name, what, since) => {
            let holder = format!("{RUN}/{}", layout::HOLDER);
            let when = since.map_or(String::new(), |since| format!(" (journalctl --since @{since} tells of that time)"));
            Some(advice(
                format!("{name} lies among the pins and is none of a jail's, but {what}"),
                format!(
                    "only root can have put it there{when}; nothing here needs it, and when nobody calls trampoline this takes it away: \
                     reaper --drain --all && umount {holder} && rm {holder}"
                ),
            ))
        }
    }
}

/// Mounts below our places that are not the holder's. Whoever walks over a mount, as `df` does, keeps it from expiring; that
/// is why none of a jail's may stand there.
fn stray(table: &[Mount]) -> Vec<Fault> {
    let holder = format!("{RUN}/{}", layout::HOLDER);
    let of_jails = |mount: &&Mount| mount.kind == "nsfs" && (within(&mount.at, RUN) || within(&mount.at, STATE));
    let pins: Vec<&Mount> = table.iter().filter(of_jails).collect();
    let strange = pins.iter().filter(|mount| mount.at != holder).map(|mount| {
        problem(format!("a namespace is pinned at {}, where the whole host sees it", mount.at), format!("umount {}", mount.at))
    });
    let doubled = pins.iter().filter(|mount| mount.at == holder).count() > 1;
    let doubled = doubled.then(|| {
        problem(format!("two holders are pinned on {holder}"), format!("when no program runs in a jail: umount {holder}"))
    });
    strange.chain(doubled).collect()
}
