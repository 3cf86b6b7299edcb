//! The plan of a jail: its mounts in order, as data. `--explain` prints it, the cold entry carries it out, tests compare it.
#![forbid(unsafe_code)]

use crate::image::Image;
use crate::layout;
use crate::path::JailPath;
use crate::policy::SHM_BYTES;
use crate::spec::Spec;

/// One mount of a jail. Targets are relative to the root of the jail; they exist, as real directories, or the entry fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The tree of the base image becomes the root: read-only, nosuid, nodev.
    Base,
    /// A directory of the host, with what is mounted below it: read-only, nosuid, nodev.
    Host(&'static str),
    /// A root-owned file of the jail's directory over a file of the base: read-only, nosuid, nodev, noexec.
    Own {
        /// Its name in the jail's directory.
        file: &'static str,
        /// Where it shows.
        at: &'static str,
    },
    /// `/dev`: a tmpfs with the few harmless devices, the template's and so the same in all jails: read-only, nosuid, noexec.
    Dev,
    /// `/dev/pts`: an own instance: nosuid, noexec.
    Pts,
    /// `/dev/shm`: an own tmpfs of this many bytes: nosuid, nodev, noexec.
    Shm(u64),
    /// The path down to the home and nothing else, over this directory of the base: read-only, nosuid, nodev, noexec.
    Parents(String),
    /// The home, opened as the user: nosuid, nodev.
    Home(JailPath),
    /// The user's tmp: nosuid, nodev.
    Tmp(&'static str),
}

/// The mounts of one jail, in the order they are made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan(pub Vec<Step>);

impl Plan {
    /// The plan of the jail that a spec and the manifest of its image describe.
    pub fn of(spec: &Spec, image: &Image) -> Self {
        let (at, path) = parents(&spec.home);
        let mut steps = vec![Step::Base];
        steps.extend(image.host.iter().copied().map(Step::Host));
        steps.extend([
            Step::Own { file: layout::PASSWD, at: "etc/passwd" },
            Step::Own { file: layout::GROUP, at: "etc/group" },
            Step::Dev,
            Step::Pts,
            Step::Shm(SHM_BYTES),
        ]);
        if !path.is_empty() {
            steps.push(Step::Parents(at));
        }
        steps.extend([Step::Home(spec.home.clone()), Step::Tmp("tmp"), Step::Tmp("var/tmp")]);
        Self(steps)
    }
}

/// The directory of the base that is covered so that the home can be hung, and the directories that cover it, each below
/// the one before; jailbase makes those.
/// It is the first component, so that no home but the user's own shows; under `/var` it is the second, so that `/var` stays.
pub fn parents(home: &JailPath) -> (String, Vec<String>) {
    let mut parts = home.relative().split('/').map(str::to_owned);
    let mut at = parts.next().unwrap_or_default();
    if at == "var" {
        at = format!("var/{}", parts.next().unwrap_or_default());
    }
    (at, parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_hangs_from_a_directory_that_shows_no_other_home() {
        for (home, at, path) in [
            ("/home/alice", "home", vec!["alice"]),
            ("/srv/www/alice", "srv", vec!["www", "alice"]),
            ("/var/home/alice", "var/home", vec!["alice"]),
            ("/alice", "alice", vec![]),
        ] {
            assert_eq!(
                JailPath::new(home).map(|p| parents(&p)),
                Some((at.to_owned(), path.into_iter().map(str::to_owned).collect()))
            );
        }
    }
}
