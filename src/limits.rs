//! The resource limits of a session, as a table.
#![forbid(unsafe_code)]

/// What one session may use. Core dumps are always off; everything else is as `setrlimit(2)` counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Seconds of processor time of each process (`RLIMIT_CPU`).
    pub cpu: u64,
    /// Bytes of address space of each process (`RLIMIT_AS`).
    pub memory: u64,
    /// Processes and threads of the uid, counted over the whole host (`RLIMIT_NPROC`).
    pub processes: u64,
    /// Bytes of each file written (`RLIMIT_FSIZE`).
    pub file_size: u64,
    /// One more than the highest descriptor of each process (`RLIMIT_NOFILE`).
    pub open_files: u64,
}

impl Limits {
    /// The keys a spec writes these under, with their values, in the order of the fields.
    pub const fn table(&self) -> [(&'static str, u64); 5] {
        [
            ("cpu", self.cpu),
            ("memory", self.memory),
            ("processes", self.processes),
            ("file-size", self.file_size),
            ("open-files", self.open_files),
        ]
    }

    /// The first limit that is zero or above `ceilings`: its key, what was asked, and the ceiling.
    pub fn above(&self, ceilings: &Self) -> Option<(&'static str, u64, u64)> {
        let pairs = self.table().into_iter().zip(ceilings.table());
        pairs.map(|((key, asked), (_, most))| (key, asked, most)).find(|(_, asked, most)| *asked == 0 || asked > most)
    }
}
