//! What lives: the jails, off the holder's mount table and the kernel's list of mount namespaces, and the sessions in them,
//! off procfs. No pin is opened or looked at, so no mark of the reaper's is undone; no `/proc/PID/root` is walked.
//!
//! A session is a process 1 that holds a lease: it has a file open on the very mount that is the jail's pin. No program in a
//! jail has one, and nobody outside can get one but from trampoline. All who share its pid namespace belong to it.

use super::process::{self, Identity, Process};
use super::whom;
use crate::{image, live};
use jail::error::Error;
use jail::id::{Name, Target};
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::marks::{self, Marks};
use jail::state::mounted::Source;
use jail::state::pins::target_of;
use jail::sys::root::Root;
use std::collections::{BTreeMap, BTreeSet};

/// One live jail.
#[derive(Debug)]
pub struct Jail {
    /// Whose it is.
    pub target: Target,
    /// What they are called; nothing if they have been removed.
    pub name: Option<Name>,
    /// What the kernel tells of its mount namespace; nothing before Linux 6.12.
    pub kept: Option<Kept>,
    /// What runs in it.
    pub sessions: Vec<Session>,
    /// Whether the next sweep takes it, as far as anybody can know.
    pub mark: Mark,
}

/// Whether a jail has the mark by which the next sweep takes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// It has none.
    Unmarked,
    /// The last sweep marked it, at this time: seconds since 1970, by the clock of then. A use since took the mark off.
    Since(i64),
    /// No sweep has ended that noted its marks, or whether it asked this very jail is not known.
    Unknown,
}

impl Mark {
    fn of(marks: Option<&Marks>, target: Target, kept: Option<&Kept>) -> Self {
        let Some(marks) = marks else { return Self::Unknown };
        match kept.map(|kept| kept.made) {
            _ if !marks.of.contains(&target) => Self::Unmarked,
            // One made since is not the one that was asked.
            Some(made) if made > marks.at => Self::Unmarked,
            Some(_) => Self::Since(marks.at),
            None => Self::Unknown,
        }
    }
}

/// What a jail is, whether anything runs in it or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The generation it shows, as `image@generation`; nothing if there is no such generation any more.
    pub image: Option<String>,
    /// When it was made: seconds since 1970, by the clock of then.
    pub made: i64,
    /// Bytes in its shared memory, which belong to no process.
    pub shared: u64,
}

/// One run of a program in a jail.
#[derive(Default, Debug)]
pub struct Session {
    /// Process 1 of it.
    pub init: Process,
    /// The mount of the jail's pin, on which it holds its lease.
    pub pin: u64,
    /// All its processes, process 1 among them, in the order of their numbers.
    pub processes: Vec<Process>,
}

/// How much is asked about processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// That they are there.
    Numbers,
    /// What they use.
    Uses,
}

impl Session {
    /// Who waits for it outside, if somebody does: the parent of process 1, if that holds a lease too.
    pub fn supervisor(&self) -> Option<u32> {
        let parent = self.init.parent;
        process::holds(parent, |mount| (mount == self.pin).then_some(parent))
    }
}

impl Jail {
    /// All processes of all sessions.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.sessions.iter().flat_map(|session| &session.processes)
    }

    /// What it is called, or else its number.
    pub fn shown(&self) -> String {
        self.name.as_ref().map_or_else(|| self.target.to_string(), ToString::to_string)
    }
}

/// All live jails, by uid.
pub fn all(root: &Root, host: &Host, ask: Ask) -> Result<Vec<Jail>, Error> {
    let (pins, marks) = pins(root, host)?;
    let mut kept = kept(root, host, &pins)?;
    let mut names = whom::names()?;
    let mut sessions = sessions(&pins, ask);
    let jail = |pin: Pin| {
        let kept = pin.namespace.and_then(|namespace| kept.remove(&namespace));
        Jail {
            name: names.remove(&pin.target.get()),
            mark: Mark::of(marks.as_ref(), pin.target, kept.as_ref()),
            kept,
            sessions: sessions.remove(&pin.target).unwrap_or_default(),
            target: pin.target,
        }
    };
    Ok(pins.into_iter().map(jail).collect())
}

/// The jail of one user, if it lives.
pub fn of(root: &Root, host: &Host, target: Target) -> Result<Option<Jail>, Error> {
    Ok(all(root, host, Ask::Uses)?.into_iter().find(|jail| jail.target == target))
}

/// The pin of one jail.
#[derive(Clone, Copy, Debug)]
struct Pin {
    target: Target,
    mount: u64,
    namespace: Option<u64>,
}

fn pins(root: &Root, host: &Host) -> Result<(Vec<Pin>, Option<Marks>), Error> {
    let Some(holder) = Holder::find()? else { return Ok((Vec::new(), None)) };
    let mounts = Source::open()?;
    holder.enter(root)?;
    let (table, marks) = (mounts.table(), marks::noted());
    host.back(root)?;
    let table = table?;
    let jails = table.all().filter(|(_, mounted)| mounted.foreign.is_none());
    let mut pins: Vec<Pin> = jails
        .filter_map(|(name, mounted)| Some(Pin { target: target_of(name)?, mount: mounted.id, namespace: mounted.namespace }))
        .collect();
    pins.sort_by_key(|pin| pin.target);
    Ok((pins, marks))
}

/// What the kernel tells of each jail's namespace, by its inode.
fn kept(root: &Root, host: &Host, pins: &[Pin]) -> Result<BTreeMap<u64, Kept>, Error> {
    let wanted: BTreeSet<u64> = pins.iter().filter_map(|pin| pin.namespace).collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Some(found) = live::of(root, host, &wanted)? else { return Ok(BTreeMap::new()) };
    let images = image::trees()?;
    let told = |inside: live::Inside| Kept { image: images.get(&inside.tree).cloned(), made: inside.made, shared: inside.shared };
    Ok(found.into_iter().map(|(namespace, inside)| (namespace, told(inside))).collect())
}

/// The sessions of these jails.
fn sessions(pins: &[Pin], ask: Ask) -> BTreeMap<Target, Vec<Session>> {
    let mounts: BTreeMap<u64, Target> = pins.iter().map(|pin| (pin.mount, pin.target)).collect();
    let own = process::namespace(std::process::id());
    let mut spaces: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    // KERNEL: by this thread alone. One that shares its root directory with another joins no mount namespace, and a thread
    // that is joined may still be on its way out (mntns_install, fs/namespace.c); the next look would fail now and then.
    for pid in process::numbers("/proc") {
        // Nearly all processes of the machine are in our own namespace, and one look tells.
        if let Some(space) = process::namespace(pid).filter(|space| Some(*space) != own) {
            spaces.entry(space).or_default().push(pid);
        }
    }
    let mut sessions: BTreeMap<Target, Vec<Session>> = BTreeMap::new();
    for mut pids in spaces.into_values() {
        pids.sort_unstable();
        if let Some((target, session)) = session(&pids, &mounts, ask) {
            sessions.entry(target).or_default().push(session);
        }
    }
    sessions.values_mut().for_each(|all| all.sort_by_key(|session| (session.init.start, session.init.pid)));
    sessions
}

/// The session that the processes of a pid namespace are, if its process 1 holds a lease.
fn session(pids: &[u32], mounts: &BTreeMap<u64, Target>, ask: Ask) -> Option<(Target, Session)> {
    // Usually the lowest number, unless numbers came round again since.
    let first = pids.iter().copied().find(|pid| Identity::of(*pid).is_some_and(|who| who.is_first()))?;
    let (target, pin) = process::holds(first, |mount| Some((*mounts.get(&mount)?, mount)))?;
    let init = Process::of(first)?;
    let processes = match ask {
        Ask::Numbers => pids.iter().map(|pid| Process { pid: *pid, ..Process::default() }).collect(),
        Ask::Uses => pids.iter().filter_map(|pid| Process::of(*pid)).collect(),
    };
    Some((target, Session { init, pin, processes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_that_of_the_last_sweep_and_of_the_jail_that_it_asked() {
        let [Some(ann), Some(bob)] = [Target::new(2001), Target::new(2002)] else { return };
        let marks = Marks { at: 1000, of: BTreeSet::from([ann]) };
        let made = |made| Kept { image: None, made, shared: 0 };
        let mark = |target, kept: Option<i64>| Mark::of(Some(&marks), target, kept.map(made).as_ref());
        assert_eq!(
            [mark(ann, Some(900)), mark(ann, Some(1001)), mark(ann, None)],
            [Mark::Since(1000), Mark::Unmarked, Mark::Unknown]
        );
        assert_eq!([mark(bob, Some(900)), mark(bob, None)], [Mark::Unmarked, Mark::Unmarked]);
        assert_eq!(Mark::of(None, ann, Some(&made(900))), Mark::Unknown, "no sweep that ended");
    }
}
