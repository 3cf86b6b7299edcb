//! What the jails hold that a sweep may take down: what is in their shared memory goes with them.

use jail::error::Error;
use jail::id::Target;
use jail::layout;
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::marks;
use jail::state::mounted::{Source, live};
use jail::sys::root::Root;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that each jail holds.
pub type Held = BTreeMap<Target, u64>;

/// Of the jails that the last sweep marked; nobody else's can go now. `None` if this kernel cannot tell
/// ([`live::of`]). No pin is touched, so no mark goes. In the host's namespaces before and after.
pub fn of_marked(root: &Root, host: &Host, holder: &Holder, mounts: &Source) -> Result<Option<Held>, Error> {
    holder.enter(root)?;
    let marked = marked(mounts);
    host.back(root)?;
    let marked = marked?;
    if marked.is_empty() {
        return Ok(Some(Held::new()));
    }
    let ids: BTreeSet<u64> = marked.keys().copied().collect();
    let found = live::of(root, host, &ids)?;
    Ok(found.map(|found| found.iter().filter_map(|(id, inside)| Some((*marked.get(id)?, inside.shared))).collect()))
}

/// In the holder: whom the last sweep marked, by the number of the jail's namespace.
fn marked(mounts: &Source) -> Result<BTreeMap<u64, Target>, Error> {
    let all = marks::noted().unwrap_or_default().of;
    let table = mounts.table()?;
    Ok(all.into_iter().filter_map(|target| Some((table.on(&layout::pin(target))?.namespace?, target))).collect())
}
