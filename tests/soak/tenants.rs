//! The users of the soak, and what is promised to them at any moment.

use crate::common::STATE;
use crate::common::user::User;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One user, who may be drained by one administrator and changed by another while callers come.
pub struct Tenant {
    user: User,
    /// How many changes and drains began, and how many of them ended.
    begun: AtomicU64,
    ended: AtomicU64,
    present: AtomicBool,
}

/// What a user was like at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Look {
    begun: u64,
    /// Somebody was at it.
    open: bool,
    present: bool,
}

/// What a call was told to expect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// The user had a jail all the time.
    Served,
    /// The user had none all the time.
    Refused,
    /// Somebody was changing that meanwhile, or drained the jail.
    Either,
}

impl Tenant {
    pub fn new() -> Self {
        Self { user: User::new(), begun: AtomicU64::new(0), ended: AtomicU64::new(0), present: AtomicBool::new(true) }
    }

    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn is_present(&self) -> bool {
        self.present.load(Ordering::SeqCst)
    }

    /// From here on callers may be refused.
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// From here on they may not.
    pub fn end(&self) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes the user; `how` says whether there is a jail after it. Only one administrator does so.
    pub fn change(&self, how: impl FnOnce() -> bool) {
        self.begin();
        self.present.store(how(), Ordering::SeqCst);
        self.end();
    }

    pub fn look(&self) -> Look {
        // What ended is read first, so that no change counts as ended and not as begun; what is read in between shows
        // in the look after the call.
        let ended = self.ended.load(Ordering::SeqCst);
        let begun = self.begun.load(Ordering::SeqCst);
        Look { begun, open: begun != ended, present: self.is_present() }
    }

    /// What a call was told that began after the first of these looks and ended before the second.
    pub fn told(before: Look, after: Look) -> Told {
        match before {
            Look { open: true, .. } => Told::Either,
            Look { begun, .. } if begun != after.begun => Told::Either,
            Look { present: true, .. } => Told::Served,
            _ => Told::Refused,
        }
    }

    /// Every file of this user's jail is there, or none but the tmp that a removal keeps, and nothing unfinished.
    #[track_caller]
    pub fn has_its_files_or_none(&self) {
        let found: Vec<String> = std::fs::read_dir(self.user.file(""))
            .map(|all| all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        let has = |name: &str| found.iter().any(|one| one == name);
        let is_so = match self.is_present() {
            true => ["spec", "passwd", "group", "tmp"].into_iter().all(has) && !found.iter().any(|name| name.starts_with('.')),
            false => found.is_empty() || found == ["tmp"],
        };
        assert!(is_so, "the files of uid {}: {found:?}", self.user.uid);
        let link = format!("{STATE}/jails/by-name/{}", self.user.name);
        assert_eq!(Path::new(&link).is_symlink(), self.is_present(), "{link}");
    }
}
