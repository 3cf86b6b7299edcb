//! What sessions use, added up.

use super::alive::{Jail, Session};
use super::process::Process;
use serde::Serialize;

/// What a session or a jail uses now.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Debug)]
pub struct Used {
    /// Runs of a program.
    pub sessions: usize,
    /// Their processes, process 1 of each among them.
    pub processes: usize,
    /// Their threads.
    pub tasks: u64,
    /// Hundredths of a second of processor time, of ended children too.
    pub user_ticks: u64,
    /// See `user_ticks`.
    pub system_ticks: u64,
    /// Bytes in memory. What processes share counts for each of them.
    pub resident_bytes: u64,
    /// Bytes of address space.
    pub virtual_bytes: u64,
    /// Bytes of shared memory that no process need have: `/dev/shm`.
    pub shared_bytes: u64,
    /// Bytes that its live processes had read from a disk.
    pub read_bytes: u64,
    /// And written to one.
    pub written_bytes: u64,
}

impl Used {
    /// What one session uses.
    pub fn of_session(session: &Session, page: u64) -> Self {
        let mut used = Self { sessions: 1, processes: session.processes.len(), ..Self::default() };
        for process in &session.processes {
            used.add(process, page);
        }
        used
    }

    /// What a jail uses.
    pub fn of_jail(jail: &Jail, page: u64) -> Self {
        let shared_bytes = jail.kept.as_ref().map_or(0, |kept| kept.shared);
        let empty = Self { shared_bytes, ..Self::default() };
        jail.sessions.iter().map(|session| Self::of_session(session, page)).fold(empty, Self::and)
    }

    /// Processor time in all.
    pub fn ticks(&self) -> u64 {
        self.user_ticks.saturating_add(self.system_ticks)
    }

    fn add(&mut self, process: &Process, page: u64) {
        self.tasks = self.tasks.saturating_add(process.tasks);
        self.user_ticks = self.user_ticks.saturating_add(process.user);
        self.system_ticks = self.system_ticks.saturating_add(process.system);
        self.resident_bytes = self.resident_bytes.saturating_add(process.pages.saturating_mul(page));
        self.virtual_bytes = self.virtual_bytes.saturating_add(process.virtual_bytes);
        self.read_bytes = self.read_bytes.saturating_add(process.read_bytes);
        self.written_bytes = self.written_bytes.saturating_add(process.written_bytes);
    }

    fn and(self, other: Self) -> Self {
        Self {
            sessions: self.sessions.saturating_add(other.sessions),
            processes: self.processes.saturating_add(other.processes),
            tasks: self.tasks.saturating_add(other.tasks),
            user_ticks: self.user_ticks.saturating_add(other.user_ticks),
            system_ticks: self.system_ticks.saturating_add(other.system_ticks),
            resident_bytes: self.resident_bytes.saturating_add(other.resident_bytes),
            virtual_bytes: self.virtual_bytes.saturating_add(other.virtual_bytes),
            shared_bytes: self.shared_bytes.saturating_add(other.shared_bytes),
            read_bytes: self.read_bytes.saturating_add(other.read_bytes),
            written_bytes: self.written_bytes.saturating_add(other.written_bytes),
        }
    }
}

/// Bytes of a page of memory.
pub fn page() -> u64 {
    let said = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    said.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::super::alive::{Kept, Mark};
    use super::*;
    use jail::id::Target;

    #[test]
    fn a_jail_uses_what_its_sessions_use_and_its_shared_memory() {
        let process = Process { tasks: 3, user: 5, system: 7, pages: 2, virtual_bytes: 100, ..Process::default() };
        let session = || Session { processes: vec![process.clone(), process.clone()], ..Session::default() };
        let kept = Some(Kept { image: None, made: 0, shared: 11 });
        let Some(target) = Target::new(2001) else { return };
        let jail = Jail { target, name: None, kept, sessions: vec![session(), session()], mark: Mark::Unknown };
        let used = Used::of_jail(&jail, 4096);
        assert_eq!((used.sessions, used.processes, used.tasks, used.ticks()), (2, 4, 12, 48));
        assert_eq!((used.resident_bytes, used.virtual_bytes, used.shared_bytes), (8 * 4096, 400, 11));
    }
}
