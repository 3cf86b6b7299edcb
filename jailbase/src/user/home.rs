//! The home: one that trampoline will be able to hang into the jail, and that is the user's own.

use super::account::Account;
use jail::error::Error;
use jail::path::JailPath;
use jail::plan;
use jail::policy::{RUN, STATE};
use jail::state::Doing;
use jail::state::images::Generation;
use jail::sys::drop::as_user;
use jail::sys::fd::{self, How};
use jail::sys::root::Root;
use jail::sys::{Errno, files};
use std::path::PathBuf;

/// What a jail has of its own there, so that no home of the host's can hang below.
const TAKEN: [&str; 17] = [
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "tmp", "usr", "var/lock",
    "var/run", "var/tmp",
];

/// What was found where the home should be, with the user's own rights.
enum Found {
    /// A directory, and the uid that owns it.
    Directory(u32),
    /// A symbolic link is on the way; where it leads, if the user can tell.
    Link(Option<PathBuf>),
    /// There is nothing, or something else; why.
    No(Errno),
}

/// Refuses a home that no jail can show, whatever is there.
pub fn judge_path(home: &JailPath) -> Result<(), Error> {
    fault(home).map_or(Ok(()), |why| Err(Error::Refused(format!("the home {home} {why}; choose another with --home"))))
}

fn fault(home: &JailPath) -> Option<String> {
    let (at, path) = plan::parents(home);
    let within = |dir: &str| home.as_str() == dir || home.as_str().strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let first = at.split('/').next().unwrap_or_default();
    if TAKEN.contains(&at.as_str()) || TAKEN.contains(&first) {
        Some(format!("is below /{at}, where a jail has its own"))
    } else if within(STATE) || within(RUN) {
        Some("is below the place of trampoline's own files".into())
    } else if path.is_empty() {
        Some("is a place that homes are in, not a home".into())
    } else {
        None
    }
}

/// Refuses a home that this image cannot show: there must be an empty directory to hang the way down to it.
pub fn judge_image(home: &JailPath, image: &str, generation: &Generation) -> Result<(), Error> {
    let (at, _) = plan::parents(home);
    let refused = |why: &str| {
        let why = format!(
            "the image {image} cannot show homes below /{at}: {why}; choose another home with --home, or another image with --image"
        );
        Err(Error::Refused(why))
    };
    if generation.image.host.contains(&at.as_str()) {
        return refused("it shows the host's there");
    }
    match fd::open_beneath(&generation.tree, &at, How::List) {
        Err(Errno::ENOENT) => refused("it has no such directory"),
        Err(Errno::ENOTDIR | Errno::ELOOP) => refused("it has something there that is not a directory"),
        dir => {
            let dir = dir.doing("open in the image", format!("/{at}"))?;
            if files::names(&dir).doing("list", format!("/{at}"))?.is_empty() {
                Ok(())
            } else {
                refused("its directory is not empty")
            }
        }
    }
}

/// Refuses a home that is not there, not the user's, or not where its name says. `Ok(true)`: there is none, and that is allowed.
pub fn judge_place(root: &Root, account: &Account, may_be_missing: bool) -> Result<bool, Error> {
    let home = account.home.as_str();
    let refused = |why: String| Err(Error::Refused(format!("the home {home} {why}")));
    match look(root, account)? {
        Found::Directory(owner) if owner == account.uid.get() => Ok(false),
        Found::Directory(owner) => {
            refused(format!("is owned by uid {owner}; give it to uid {} with chown, or choose another with --home", account.uid))
        }
        Found::Link(Some(real)) => {
            refused(format!("leads through a symbolic link; its real path is {}, give that with --home", real.display()))
        }
        Found::Link(None) => refused("leads through a symbolic link to nowhere; give the real path with --home".into()),
        Found::No(Errno::ENOENT) if may_be_missing => Ok(true),
        Found::No(Errno::ENOENT) => refused("does not exist; make it, or say --create-home".into()),
        Found::No(Errno::ENOTDIR) => {
            refused("is not a directory, or lies below something that is none; choose another with --home".into())
        }
        Found::No(Errno::EACCES) => refused("cannot be reached by the user; let the user search the directories above it".into()),
        Found::No(errno) => Err(Error::failed("open the home", home, jail::sys::why(errno))),
    }
}

/// With the user's rights, as trampoline will look: a server's root_squash answers as it will answer then.
fn look(root: &Root, account: &Account) -> Result<Found, Error> {
    let home = account.home.as_str();
    let found = as_user(root, &account.ids(), |_| {
        Ok(match fd::open(home, How::Directory) {
            Ok(dir) => Found::Directory(fd::stat(&dir)?.st_uid),
            // KERNEL: a link as the last component is ENOTDIR under O_DIRECTORY or ELOOP, by the order of its checks.
            Err(errno @ (Errno::ELOOP | Errno::ENOTDIR)) => match std::fs::canonicalize(home) {
                Ok(real) if real.as_os_str() == home => Found::No(errno),
                Ok(real) => Found::Link(Some(real)),
                Err(_) if errno == Errno::ELOOP => Found::Link(None),
                Err(_) => Found::No(errno),
            },
            Err(errno) => Found::No(errno),
        })
    });
    found.doing("look at the home", home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_lies_where_a_jail_can_show_it() {
        for bad in [
            "/tmp/a",
            "/var/tmp/a",
            "/proc/1",
            "/sys/a",
            "/dev/shm",
            "/run/user/5",
            "/etc/a",
            "/usr/local/a",
            "/bin/a",
            "/home",
            "/var/www",
            "/srv",
            "/var/run/a",
            "/boot/a",
        ] {
            assert!(JailPath::new(bad).is_some_and(|home| fault(&home).is_some()), "{bad}");
        }
        for bad in [format!("{STATE}/a"), STATE.to_owned(), format!("{RUN}/a")] {
            assert!(JailPath::new(&bad).is_some_and(|home| fault(&home).is_some()), "{bad}");
        }
        for good in ["/home/a", "/home/x/a", "/srv/www/a", "/var/www/a", "/export/home/a", "/u/a", "/temporary/a", "/var/lib/a"] {
            assert_eq!(JailPath::new(good).map(|home| fault(&home)), Some(None), "{good}");
        }
    }
}
