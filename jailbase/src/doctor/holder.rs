//! The holder: pinned once, with pins of jails in it and nothing else, and nothing of it in the host's table but its own line.

use super::finding::{Fault, Report, advice, problem};
use super::mounts::{self, Mount, within};
use super::users::reason;
use jail::error::Error;
use jail::layout;
use jail::policy::{RUN, STATE};
use jail::state::Doing;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::pins;
use jail::sys::fd::{self, How};
use jail::sys::files;
use jail::sys::root::Root;

/// `holder`, `mount-table`.
pub fn look(root: &Root, host: &Host, report: &mut Report) {
    let (faults, well) = match pins(root, host) {
        Ok(None) => {
            let lost = pins::judge_absence().err();
            let fault =
                lost.map(|lost| advice(reason(lost), format!("see that no program runs in a jail: rm {RUN}/{}", layout::HOLDER)));
            (fault.into_iter().collect(), "there is none; the first entry makes it".to_owned())
        }
        Ok(Some(names)) => {
            let strange = names.iter().filter(|name| pins::target_of(name).is_none()).map(|name| {
                advice(format!("{name:?} lies among the pins and is none of a jail's"), "look who put it there, and remove it")
            });
            (strange.collect(), format!("it holds {} pins", names.len()))
        }
        Err(error) => (
            vec![problem(reason(error), format!("when no program runs in a jail: umount {RUN}/{}", layout::HOLDER))],
            String::new(),
        ),
    };
    report.note("holder", faults, well);
    report.note("mount-table", stray(&mounts::table()), "the host's table of mounts shows the holder at most");
}

/// The names of the pins; `None` if there is no holder.
fn pins(root: &Root, host: &Host) -> Result<Option<Vec<String>>, Error> {
    let Some(holder) = Holder::find()? else { return Ok(None) };
    holder.enter(root)?;
    let path = format!("/{}", layout::PINS);
    let names = fd::open(&path, How::List).and_then(|dir| files::names(&dir)).doing("list", "the pins of the holder");
    host.back(root)?;
    names.map(Some)
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
