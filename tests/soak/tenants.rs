//! The users of the soak, and what is promised to them at any moment.

use crate::common::STATE;
use crate::common::user::User;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One user, who may be changed by one administrator while callers come.
pub struct Tenant {
    user: User,
    /// Even: nobody is changing this user. Odd: somebody is.
    changes: AtomicU64,
    present: AtomicBool,
}

/// What a user was like at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Look {
    changes: u64,
    present: bool,
}

/// What a call was told to expect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// The user had a jail all the time.
    Served,
    /// The user had none all the time.
    Refused,
    /// Somebody was changing that meanwhile.
    Either,
}

impl Tenant {
    pub fn new() -> Self {
        Self { user: User::new(), changes: AtomicU64::new(0), present: AtomicBool::new(true) }
    }

    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn is_present(&self) -> bool {
        self.present.load(Ordering::SeqCst)
    }

    /// Changes the user; `how` says whether there is a jail after it.
    pub fn change(&self, how: impl FnOnce() -> bool) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.present.store(how(), Ordering::SeqCst);
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    pub fn look(&self) -> Look {
        // The number first: a change that begins in between shows in the look after the call.
        Look { changes: self.changes.load(Ordering::SeqCst), present: self.is_present() }
    }

    /// What a call was told that began after the first of these looks and ended before the second.
    pub fn told(before: Look, after: Look) -> Told {
        match before.changes {
            changes if changes != after.changes || changes % 2 == 1 => Told::Either,
            _ if before.present => Told::Served,
            _ => Told::Refused,
        }
    }

    /// Every file of this user's jail is there, or none but the tmp that a removal keeps, and nothing unfinished.
    #[track_caller]
    pub fn has_its_files_or_none(&self) {
        let mut found: Vec<String> = std::fs::read_dir(self.user.file(""))
            .map(|all| all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        found.sort();
        let whole = ["group", "passwd", "spec", "tmp"];
        let is_so = if self.is_present() { found == whole } else { found.is_empty() || found == ["tmp"] };
        assert!(is_so, "the files of uid {}: {found:?}", self.user.uid);
        let link = format!("{STATE}/jails/by-name/{}", self.user.name);
        assert_eq!(Path::new(&link).is_symlink(), self.is_present(), "{link}");
    }
}
