//! The command line of `user add`, and the account and spec it describes.

use super::about::{About, From};
use super::account::{Account, Numbers};
use super::give::Wanted;
use super::shape::{Shape, usual};
use crate::parse;
use clap::Args;
use jail::error::Error;
use jail::id::{Group, Name, Target};
use jail::path::JailPath;

/// The command line of `user add`. What it leaves out has its usual value, also when a user is added anew.
#[derive(Args, Debug)]
pub struct Words {
    /// The name of the user
    #[arg(value_parser = parse::name)]
    pub name: Name,
    /// The home, the same path outside and inside [default: the account's]
    #[arg(long, value_parser = parse::path)]
    home: Option<JailPath>,
    /// Make the home if there is none: mode 0700, owned by the user
    #[arg(long)]
    pub create_home: bool,
    /// The uid of an account that only the jail knows; the system's accounts are not asked
    #[arg(long, requires = "gid", requires = "home", value_parser = parse::target)]
    uid: Option<Target>,
    /// The primary group of that account
    #[arg(long, requires = "uid", value_parser = parse::group)]
    gid: Option<Group>,
    /// A supplementary group of that account; may be repeated
    #[arg(long = "group", requires = "uid", value_parser = parse::group)]
    groups: Vec<Group>,
    #[command(flatten)]
    shape: Shape,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Words {
    /// Who is meant.
    fn account(&self) -> Result<Account, Error> {
        let (home, shell) = (self.home.clone(), self.shape.shell.clone());
        match (self.uid, self.gid, home) {
            (Some(uid), Some(gid), Some(home)) => {
                Account::of_numbers(&self.name, Numbers { uid, gid, groups: self.groups.clone() }, home, shell)
            }
            (_, _, home) => Account::of_system(&self.name, home, shell),
        }
    }

    /// What is to be.
    pub fn wanted(&self) -> Result<Wanted, Error> {
        let account = self.account()?;
        let (mut about, mut spec) = (About::by_hand(), usual(&account)?);
        if self.uid.is_none() {
            about.account_gave_all();
        } else {
            ["gid", "groups"].iter().for_each(|key| about.came(key, From::Chosen));
        }
        if self.home.is_some() {
            about.came("home", From::Chosen);
        }
        self.shape.put(&mut spec, &mut about)?;
        about.rest_is_usual();
        Ok(Wanted { account, spec, about })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use jail::spec::{Filter, Network, Spec};

    #[derive(Parser, Debug)]
    struct Line {
        #[command(flatten)]
        words: Words,
    }

    fn spec(line: &str) -> Result<Spec, String> {
        let line = Line::try_parse_from(std::iter::once("add").chain(line.split(' '))).map_err(|e| e.to_string())?;
        line.words.wanted().map(|wanted| wanted.spec).map_err(|e| e.to_string())
    }

    #[test]
    fn an_account_that_only_the_jail_knows_becomes_a_spec() -> Result<(), String> {
        let spec = spec(
            "alice --uid 20001 --gid 20001 --group 30 --group 29 --group 30 --home /home/alice --network host --filter dev --hostname none --cpu 5",
        )?;
        assert_eq!(
            (spec.uid.get(), spec.groups.len(), spec.network, spec.filter, spec.hostname, spec.limits.cpu),
            (20001, 2, Network::Host, Filter::Dev, None, 5)
        );
        assert_eq!((spec.image.as_str(), spec.shell.as_str()), ("host", "/bin/sh"));
        Ok(())
    }

    #[test]
    fn what_no_spec_may_hold_is_refused_before_anything_is_written() {
        for bad in [
            "alice --uid 20001 --home /home/alice",
            "alice --uid 20001 --gid 20001",
            "alice --gid 5",
            "alice --group 5",
            "5 --uid 1 --gid 1 --home /home/a",
            "alice --uid 0 --gid 1 --home /home/a",
            "alice --uid 1 --gid 0 --home /home/a",
            "alice --uid 1 --gid 1 --group 0 --home /home/a",
            "alice --uid 1 --gid 1 --home home",
            "alice --uid 1 --gid 1 --home /home/a --network bridge",
            "alice --uid 1 --gid 1 --home /home/a --filter none",
            "alice --uid 1 --gid 1 --home /home/a --cpu 0",
            "alice --uid 1 --gid 1 --home /home/a --memory 18446744073709551615",
            "alice --uid 1 --gid 1 --home /home/a --hostname a/b",
            "alice --uid 1 --gid 1 --home /home/a --root overlay",
        ] {
            assert!(spec(bad).is_err(), "{bad}");
        }
    }
}
