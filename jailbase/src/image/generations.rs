//! The generations of an image on disk: numbered directories, and two links that name one of them.
//!
//! `current` is the generation in service, and changing it is one rename. `last` is the highest number that was ever put in
//! service: a number never means two things, also when its generation was removed, and a higher one was interrupted.

use super::about::About;
use crate::{interrupt, purge, store};
use jail::error::Error;
use jail::id::Name;
use jail::image::Image;
use jail::layout;
use jail::policy::STATE;
use jail::state::{Doing, judge};
use jail::sys::fd::{self, How};
use jail::sys::lock::Lock;
use jail::sys::{Errno, files};
use std::fs::symlink_metadata;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What the name of a generation in the making starts with; no generation's name does.
const UNFINISHED: &str = ".new-";
/// The link whose text is the highest number that was ever in service.
pub(super) const LAST: &str = "last";

/// One image's directory.
#[derive(Debug)]
pub struct Generations {
    /// The image.
    pub name: Name,
    /// Where it is, for messages and for looking.
    pub path: String,
    pub(super) dir: OwnedFd,
    /// Held by whoever changes something.
    pub(super) lock: Option<Lock>,
}

/// What has the name of an image: one that can be looked at, or why it cannot.
pub type Listed = (Name, Result<Generations, Error>);

/// A generation in the making: nobody but root can reach it.
#[derive(Debug)]
pub struct Stage {
    name: String,
    /// Where it is for now.
    pub path: PathBuf,
}

impl Stage {
    /// Where its tree is.
    pub fn tree(&self) -> PathBuf {
        self.path.join(layout::TREE)
    }
}

impl Generations {
    /// The images there are, in order; for what cannot be looked at, why. One that is odd hides none of the others.
    pub fn all() -> Result<Vec<Listed>, Error> {
        let path = format!("{STATE}/{}", layout::IMAGES);
        let dir = match fd::open(&path, How::List) {
            Err(Errno::ENOENT) => return Ok(Vec::new()),
            opened => judge::directory(opened.doing("open", &path)?, &path)?,
        };
        let mut names: Vec<Name> = files::names(&dir).doing("list", &path)?.iter().filter_map(|name| Name::new(name)).collect();
        names.sort();
        Ok(names.into_iter().filter_map(|name| Some((name.clone(), Self::there(&name).transpose()?))).collect())
    }

    /// An image that is there, to be looked at.
    pub fn look(name: &Name) -> Result<Self, Error> {
        let none = || Error::Refused(format!("there is no image {name}; jailbase image ls lists those there are"));
        Self::there(name)?.ok_or_else(none)
    }

    /// The same, or nothing: one of all may be removed while they are gone through.
    pub fn there(name: &Name) -> Result<Option<Self>, Error> {
        let path = layout::image_dir(name);
        let dir = match fd::open(&path, How::List) {
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                return Err(Error::Refused(format!("{path} is no directory, and so no image; move it elsewhere")));
            }
            opened => judge::directory(opened.doing("open", &path)?, &path)?,
        };
        Ok(Some(Self { name: name.clone(), path, dir, lock: None }))
    }

    /// The numbers of all generations, in order.
    pub fn numbers(&self) -> Result<Vec<u32>, Error> {
        let names = files::names(&self.dir).doing("list", &self.path)?;
        let mut numbers: Vec<u32> = names.iter().filter_map(|name| layout::generation(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The generation in service.
    pub fn current(&self) -> Result<Option<u32>, Error> {
        self.linked(layout::CURRENT)
    }

    pub(super) fn linked(&self, link: &str) -> Result<Option<u32>, Error> {
        let on = format!("{}/{link}", self.path);
        match fd::link_text(&self.dir, link) {
            Err(Errno::ENOENT) => Ok(None),
            text => {
                let number = layout::generation(&text.doing("read the link", on.clone())?);
                let why = || format!("it names no generation; jailbase image rollback {}@N puts one in service", self.name);
                number.map(Some).ok_or_else(|| Error::failed("believe", on, why()))
            }
        }
    }

    /// The generation that was asked for, or else the one in service.
    pub fn pick(&self, asked: Option<u32>) -> Result<u32, Error> {
        let number = match asked {
            Some(number) => number,
            None => self.current()?.map_or_else(|| Err(Error::Refused(self.lacks()?)), Ok)?,
        };
        if self.numbers()?.contains(&number) {
            return Ok(number);
        }
        Err(Error::Refused(format!(
            "there is no generation {}@{number}; jailbase image show {} lists them",
            self.name, self.name
        )))
    }

    /// Where a generation is.
    pub fn generation(&self, number: u32) -> PathBuf {
        Path::new(&self.path).join(number.to_string())
    }

    /// Where the tree of a generation is.
    pub fn tree(&self, number: u32) -> PathBuf {
        self.generation(number).join(layout::TREE)
    }

    /// The manifest of a generation: what of this machine shows in its tree.
    pub fn manifest(&self, number: u32) -> Result<Image, Error> {
        let path = self.generation(number).join(layout::MANIFEST);
        let read = std::fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| Image::read(&bytes));
        read.map_err(|why| Error::failed("read", path.display().to_string(), format!("{why}; build the image anew")))
    }

    /// What a generation lacks without which no jail is made of it, and what to do.
    pub fn missing(&self, number: u32) -> Option<String> {
        let is_missing = |name: &&&str| symlink_metadata(self.generation(number).join(name)).is_err();
        let missing = [layout::TREE, layout::MANIFEST].iter().find(is_missing)?;
        let todo = "put another generation in service, and remove this one with jailbase image rm";
        Some(format!("\"{missing}\" of it is missing, and no jail can be made of it; {todo}"))
    }

    /// What lies beside the generations and is none of ours.
    pub fn strays(&self) -> Result<Vec<String>, Error> {
        let names = files::names(&self.dir).doing("list", &self.path)?;
        let known = |name: &String| {
            name.starts_with('.') || [layout::CURRENT, LAST].contains(&name.as_str()) || layout::generation(name).is_some()
        };
        let strays = names.into_iter().filter(|name| !known(name));
        Ok(strays.map(|name| format!("{name} in it is no generation; move it away")).collect())
    }

    /// How many things the tree of a generation holds, as far as its record says.
    pub fn entries(&self, number: u32) -> Option<u64> {
        About::read(&self.generation(number)).ok().flatten().map(|about| about.entries)
    }

    /// The number of the generation that is made next: one that no other ever had.
    pub fn next(&self) -> Result<u32, Error> {
        let highest = self.numbers()?.into_iter().chain(self.linked(LAST)?).max().unwrap_or(0);
        let next = highest.checked_add(1);
        next.ok_or_else(|| Error::failed("number the next generation of", &self.path, "there are too many; remove the image"))
    }

    /// Makes the directory that will become a generation.
    pub fn stage(&self) -> Result<Stage, Error> {
        let name = format!("{UNFINISHED}{}", std::process::id());
        let path = Path::new(&self.path).join(&name);
        // Closed to all but root, and it stays so: nobody on the host has business with the programs of a jail.
        store::directory_at(&self.dir, &name, 0o700, (0, 0), &path.display().to_string())?;
        Ok(Stage { name, path })
    }

    /// Gives what was made its number and puts it in service.
    pub fn publish(&self, stage: &Stage, number: u32) -> Result<(), Error> {
        let made = fd::open_beneath(&self.dir, &stage.name, How::List).doing("open", stage.path.display().to_string())?;
        // ORDER: all of it is on disk before it has a number. One call for the file system, because one for each of a
        // thousand small files takes seconds.
        nix::unistd::syncfs(&made).doing("write to disk", stage.path.display().to_string())?;
        // From here on it is quick, and a signal comes too late.
        interrupt::judge()?;
        let shown = self.generation(number).display().to_string();
        store::rename(&self.dir, &stage.name, &number.to_string(), &shown)?;
        if let Err(error) = self.serve(number) {
            // Nobody saw the number; without it, it is given up like any other that could not be made.
            if self.current()? != Some(number) {
                store::rename(&self.dir, &number.to_string(), &stage.name, &shown)?;
            }
            return Err(error);
        }
        // ORDER: after the switch. Killed before it, the number is above `last` and not in service: nobody saw it, and the
        // next change removes it.
        if let Err(error) = self.remember(number) {
            log::warn!("{error}; the next command tries again");
        }
        Ok(())
    }

    /// Puts a generation in service: for whoever enters from now on.
    pub fn serve(&self, number: u32) -> Result<(), Error> {
        store::link(&self.dir, layout::CURRENT, &number.to_string(), &format!("{}/{}", self.path, layout::CURRENT))
    }

    /// Takes it out of service: nobody gets it from now on.
    pub fn withdraw(&self) -> Result<(), Error> {
        store::clear(&self.dir, layout::CURRENT, &self.path)
    }

    pub(super) fn remember(&self, number: u32) -> Result<(), Error> {
        store::link(&self.dir, LAST, &number.to_string(), &format!("{}/{LAST}", self.path))
    }

    /// Removes a generation: first its number, by one rename, then what it holds.
    pub fn remove(&self, number: u32) -> Result<(), Error> {
        // Beyond what is in its tree: that, three papers, and itself.
        let things = self.entries(number).map(|entries| entries.saturating_add(5));
        purge::remove_known(&self.dir, &number.to_string(), &self.generation(number).display().to_string(), things)
    }

    /// Removes what was made so far of a generation that is not wanted any more.
    pub fn give_up(&self, stage: &Stage) -> Result<(), Error> {
        purge::remove(&self.dir, &stage.name, &stage.path.display().to_string())
    }

    /// Removes all generations and the image itself.
    pub fn remove_all(self) -> Result<(), Error> {
        self.withdraw()?;
        for number in self.numbers()? {
            self.remove(number)?;
        }
        // ORDER: last of all. Without both links, what is there would be taken for a first build that was interrupted.
        store::clear(&self.dir, LAST, &self.path)?;
        std::fs::remove_dir(&self.path).map_err(|error| Error::failed("remove", self.path.clone(), error))
    }
}
