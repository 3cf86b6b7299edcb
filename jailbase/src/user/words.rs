//! The command line of `user add`, and the account and spec it describes.

use super::account::{Account, Numbers};
use crate::parse;
use clap::{Args, ValueEnum};
use jail::error::Error;
use jail::id::{Group, Name, Target};
use jail::limits::Limits;
use jail::path::JailPath;
use jail::policy::CEILINGS;
use jail::spec::{self, Filter, Network, Spec};

/// The command line of `user add`. What it leaves out has its usual value, also when a user is added anew.
#[derive(Args, Debug)]
pub struct Words {
    /// The name of the user
    #[arg(value_parser = parse::name)]
    pub name: Name,
    /// The base image
    #[arg(long, default_value = "host", value_parser = parse::name)]
    pub image: Name,
    /// The home, the same path outside and inside [default: the account's]
    #[arg(long, value_parser = parse::path)]
    home: Option<JailPath>,
    /// Make the home if there is none: mode 0700, owned by the user
    #[arg(long)]
    pub create_home: bool,
    /// The login shell [default: the account's]
    #[arg(long, value_parser = parse::path)]
    shell: Option<JailPath>,
    /// The network the jail sees
    #[arg(long, value_enum, default_value = "none")]
    network: Net,
    /// The system calls its programs may make
    #[arg(long, value_enum, default_value = "web")]
    filter: Calls,
    /// The host name in the jail, or "none"
    #[arg(long, default_value = "jail", value_parser = parse::name_or_none)]
    hostname: NameOrNone,
    /// The NIS domain name in the jail, or "none"
    #[arg(long, default_value = "none", value_parser = parse::name_or_none)]
    domain: NameOrNone,
    /// The uid of an account that only the jail knows; the system's accounts are not asked
    #[arg(long, requires = "gid", requires = "home", value_parser = parse::target)]
    uid: Option<Target>,
    /// The primary group of that account
    #[arg(long, requires = "uid", value_parser = parse::group)]
    gid: Option<Group>,
    /// A supplementary group of that account; may be repeated
    #[arg(long = "group", requires = "uid", value_parser = parse::group)]
    groups: Vec<Group>,
    /// Seconds of processor time of each process
    #[arg(long)]
    cpu: Option<u64>,
    /// Bytes of address space of each process
    #[arg(long)]
    memory: Option<u64>,
    /// Processes and threads of the user, counted over the whole host
    #[arg(long)]
    processes: Option<u64>,
    /// Bytes of each file written
    #[arg(long)]
    file_size: Option<u64>,
    /// Open descriptors of each process
    #[arg(long)]
    open_files: Option<u64>,
}

/// A name of which "none" clears the value; an alias, because clap takes `Option` in a field's type for "may be left out".
type NameOrNone = Option<Name>;

/// The networks of a spec, as words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Net {
    /// Its own, with nothing but the loopback interface
    None,
    /// The host's
    Host,
}

/// The filters of a spec, as words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Calls {
    /// What programs need that serve, compute and compile
    Web,
    /// The same, and what debuggers and tracers need
    Dev,
}

impl Words {
    /// Who is meant.
    pub fn account(&self) -> Result<Account, Error> {
        let (home, shell) = (self.home.clone(), self.shell.clone());
        match (self.uid, self.gid, home) {
            (Some(uid), Some(gid), Some(home)) => {
                Account::of_numbers(&self.name, Numbers { uid, gid, groups: self.groups.clone() }, home, shell)
            }
            (_, _, home) => Account::of_system(&self.name, home, shell),
        }
    }

    fn limits(&self) -> Limits {
        let usual = Limits::usual(&CEILINGS);
        Limits {
            cpu: self.cpu.unwrap_or(usual.cpu),
            memory: self.memory.unwrap_or(usual.memory),
            processes: self.processes.unwrap_or(usual.processes),
            file_size: self.file_size.unwrap_or(usual.file_size),
            open_files: self.open_files.unwrap_or(usual.open_files),
        }
    }

    /// The spec, read back as trampoline will read it: one that could be written and not read is not written.
    pub fn spec(&self, account: &Account) -> Result<Spec, Error> {
        let limits = self.limits();
        if let Some((key, asked, most)) = limits.above(&CEILINGS) {
            return Err(Error::Refused(format!(
                "--{key} {asked} is not between 1 and the compiled ceiling {most}; ask for less"
            )));
        }
        let spec = Spec {
            name: account.name.clone(),
            uid: account.uid,
            gid: account.gid,
            groups: account.groups.clone(),
            image: self.image.clone(),
            home: account.home.clone(),
            shell: account.shell.clone(),
            root: spec::Root::ReadOnly,
            network: match self.network {
                Net::None => Network::None,
                Net::Host => Network::Host,
            },
            init: spec::Init::Builtin,
            filter: match self.filter {
                Calls::Web => Filter::Web,
                Calls::Dev => Filter::Dev,
            },
            hostname: self.hostname.clone(),
            domain: self.domain.clone(),
            limits,
        };
        match Spec::read(spec.write().as_bytes()) {
            Ok(read) if read == spec => Ok(spec),
            Ok(_) => Err(Error::Refused("its spec would read otherwise than it is meant; use plainer names".into())),
            Err(why) => Err(Error::Refused(format!("its spec could not be read: {why}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(flatten)]
        words: Words,
    }

    fn spec(line: &str) -> Result<Spec, String> {
        let line = Line::try_parse_from(std::iter::once("add").chain(line.split(' '))).map_err(|e| e.to_string())?;
        let account = line.words.account().map_err(|e| e.to_string())?;
        line.words.spec(&account).map_err(|e| e.to_string())
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
        ] {
            assert!(spec(bad).is_err(), "{bad}");
        }
    }
}
