//! What an interrupted command leaves of an image: cleared by the next that changes it, and told by those that only look.

use super::generations::{Generations, LAST};
use super::turn;
use crate::purge;
use jail::error::Error;
use jail::state::Doing;
use jail::sys::lock::Lock;
use jail::sys::{Errno, files};

/// How far an image is of which nothing was ever in service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unborn {
    /// Somebody is building it, in brackets who.
    UnderWay(String),
    /// Nobody is any more.
    Interrupted,
}

impl Generations {
    /// Whether nothing of it was ever in service: its first build is under way, or was interrupted.
    pub fn is_unborn(&self) -> Result<bool, Error> {
        // Killed before the switch, a first build leaves a generation that nobody was ever given.
        Ok(self.current()?.is_none() && self.linked(LAST)?.is_none() && matches!(self.numbers()?[..], [] | [1]))
    }

    /// Whether nobody is changing it, or taking it away.
    pub fn is_nobodys_turn(&self) -> Result<bool, Error> {
        Ok(Lock::try_exclusive(&self.dir).doing("lock", self.path.clone())?.is_some())
    }

    /// How far it is, if nothing of it was ever in service.
    pub fn unborn(&self) -> Result<Option<Unborn>, Error> {
        if !self.is_unborn()? {
            return Ok(None);
        }
        if self.lock.is_some() {
            return Ok(Some(Unborn::Interrupted));
        }
        let Some(_lock) = Lock::try_exclusive(&self.dir).doing("lock", self.path.clone())? else {
            return Ok(Some(Unborn::UnderWay(turn::who(&self.path))));
        };
        // ORDER: with the lock, because a build may have ended in between.
        Ok(self.is_unborn()?.then_some(Unborn::Interrupted))
    }

    /// Why there is no generation in service, and what to do.
    pub fn lacks(&self) -> Result<String, Error> {
        let name = &self.name;
        Ok(match self.unborn()? {
            Some(Unborn::UnderWay(who)) => format!("its first build is under way{who}; try again when that has ended"),
            Some(Unborn::Interrupted) => {
                let rollback = format!(", jailbase image rollback {name}@1 puts in service what it made");
                format!(
                    "its first build was interrupted; jailbase image build {name} makes it, jailbase image gc {name} removes what is \
                     left{}",
                    if self.numbers()?.is_empty() { "" } else { &rollback }
                )
            }
            None => {
                format!("no generation of {name} is in service; jailbase image rollback {name}@GENERATION puts one in service")
            }
        })
    }

    /// Removes what an interrupted command left. The lock is held, so nobody is building. Without both links nothing says that a
    /// generation was never in service: those that are there stay.
    pub(super) fn clear_unfinished(&self) -> Result<(), Error> {
        for name in files::names(&self.dir).doing("list", &self.path)?.iter().filter(|name| name.starts_with('.')) {
            let left = format!("{}/{name}", self.path);
            log::info!("removing {left}, which an interrupted command left");
            match files::remove(&self.dir, name) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(_) => purge::remove(&self.dir, name, &left)?,
            }
        }
        let (current, last) = (self.current()?, self.linked(LAST)?);
        let seen = match (last, current) {
            (Some(last), current) => last.max(current.unwrap_or(0)),
            // An image without the link, made by hand: what is there was meant to be there.
            (None, _) => self.numbers()?.into_iter().max().unwrap_or(0),
        };
        for number in self.numbers()?.into_iter().filter(|number| *number > seen) {
            log::info!("removing {}@{number}, which was not put in service before its build was interrupted", self.name);
            self.remove(number)?;
        }
        if last == Some(seen) || seen == 0 || self.is_unborn()? { Ok(()) } else { self.remember(seen) }
    }
}
