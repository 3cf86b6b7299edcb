//! What lives: the jails, off the holder's mount table and the kernel's list of mount namespaces, and the sessions in them,
//! off procfs. No pin is opened or looked at, so no mark of the reaper's is undone; no `/proc/PID/root` is walked.
//!
//! A session is a process 1 that holds a lease: it has a file open on the very mount that is the jail's pin. No program in a
//! jail has one, and nobody outside can get one but from trampoline. All who share its pid namespace belong to it.

use super::process::{self, Identity, Process};
use super::whom;
use crate::{image, live, parallel};
use jail::error::Error;
use jail::id::{Name, Target};
use jail::state::holder::Holder;
use jail::state::host::Host;
use jail::state::marks::{self, Marks};
use jail::state::mounted::Source;
use jail::state::pins::{judge_absence, target_of};
use jail::sys::root::Root;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

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
    /// And what they have had from and to disks.
    Traffic,
}

impl Session {
    /// Who waits for it outside, if somebody does: the parent of process 1, if that holds a lease too.
    pub fn supervisor(&self) -> Option<u32> {
        let parent = self.init.parent;
        process::holds(parent, |mount| (mount == self.pin).then_some(parent)).map(|(_, parent)| parent)
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
    of_those(root, host, ask, |_| true)
}

/// The uids of those whose jail lives.
pub fn living(root: &Root, host: &Host) -> Result<BTreeSet<u32>, Error> {
    Ok(pins(root, host)?.0.iter().map(|pin| pin.target.get()).collect())
}

/// The jail of one user, if it lives.
pub fn of(root: &Root, host: &Host, target: Target, ask: Ask) -> Result<Option<Jail>, Error> {
    Ok(of_those(root, host, ask, |pin| pin.target == target)?.pop())
}

fn of_those(root: &Root, host: &Host, ask: Ask, meant: impl Fn(&Pin) -> bool) -> Result<Vec<Jail>, Error> {
    let (mut pins, marks) = pins(root, host)?;
    pins.retain(meant);
    let mut kept = kept(root, host, &pins)?;
    let mut names = whom::names()?;
    let mut sessions = if pins.is_empty() { BTreeMap::new() } else { sessions(&pins, ask)? };
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

/// The pin of one jail.
#[derive(Clone, Copy, Debug)]
struct Pin {
    target: Target,
    mount: u64,
    namespace: Option<u64>,
}

fn pins(root: &Root, host: &Host) -> Result<(Vec<Pin>, Option<Marks>), Error> {
    let Some(holder) = Holder::find()? else { return judge_absence().map(|()| (Vec::new(), None)) };
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
    let images = image::trees();
    let told = |inside: live::Inside| Kept { image: images.get(&inside.tree).cloned(), made: inside.made, shared: inside.shared };
    Ok(found.into_iter().map(|(namespace, inside)| (namespace, told(inside))).collect())
}

/// The sessions of these jails.
fn sessions(pins: &[Pin], ask: Ask) -> Result<BTreeMap<Target, Vec<Session>>, Error> {
    let mounts: BTreeMap<u64, Target> = pins.iter().map(|pin| (pin.mount, pin.target)).collect();
    let own = process::namespace(std::process::id());
    // Nearly all processes of the machine are in our own namespace, and one look tells.
    let space = |pid: &u32| Ok(process::namespace(*pid).filter(|space| Some(*space) != own).map(|space| (space, *pid)));
    let mut spaces: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for (space, pid) in parallel::each(&process::numbers("/proc"), space)?.into_iter().flatten() {
        spaces.entry(space).or_default().push(pid);
    }
    let spaces: Vec<Vec<u32>> = spaces.into_values().collect();
    let usual = AtomicU32::new(3);
    let found = parallel::each(&spaces, |pids| Ok(session(pids, &mounts, &usual, ask)))?;
    let mut sessions: BTreeMap<Target, Vec<Session>> = BTreeMap::new();
    for (target, session) in found.into_iter().flatten() {
        sessions.entry(target).or_default().push(session);
    }
    sessions.values_mut().for_each(|all| all.sort_by_key(|session| (session.init.start, session.init.pid)));
    Ok(sessions)
}

/// The session that the processes of a pid namespace are, if its process 1 holds a lease. Where one has it open, nearly all have.
fn session(pids: &[u32], mounts: &BTreeMap<u64, Target>, usual: &AtomicU32, ask: Ask) -> Option<(Target, Session)> {
    let mut pids = pids.to_vec();
    pids.sort_unstable();
    let init = first(&pids)?;
    let known = |mount| Some((*mounts.get(&mount)?, mount));
    let (target, pin) = process::holds_under(init.pid, usual.load(Ordering::Relaxed), known).or_else(|| {
        let (number, found) = process::holds(init.pid, known)?;
        usual.store(number, Ordering::Relaxed);
        Some(found)
    })?;
    let same = |pid: u32| (pid == init.pid).then(|| init.clone());
    let processes = pids.iter().filter_map(|pid| match ask {
        Ask::Numbers => Some(Process { pid: *pid, ..Process::default() }),
        Ask::Uses => same(*pid).or_else(|| Process::of(*pid)),
        Ask::Traffic => same(*pid).or_else(|| Process::of(*pid)).map(Process::with_traffic),
    });
    let processes = processes.collect();
    Some((target, Session { init, pin, processes }))
}

/// Process 1 of a pid namespace.
///
/// Usually it has the lowest number, and the only parent who is outside: `stat` says so, and takes the kernel a third of what
/// `status` takes, which says it for certain. Numbers come round again.
fn first(pids: &[u32]) -> Option<Process> {
    let lowest = pids.first().and_then(|pid| Process::of(*pid)).filter(|process| !pids.contains(&process.parent));
    lowest.or_else(|| {
        let first = pids.iter().find(|pid| Identity::of(**pid).is_some_and(|who| who.is_first()))?;
        Process::of(*first)
    })
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
