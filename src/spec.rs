//! The spec: the root-owned file that says a uid has a jail, and what the jail is made of.
#![forbid(unsafe_code)]

use crate::id::{Group, Name, Target, decimal};
use crate::limits::Limits;
use crate::path::JailPath;
use crate::policy::CEILINGS;
use crate::record::Record;

/// The most supplementary groups a spec may list: what fits the file with room to spare.
pub const MOST_GROUPS: usize = 256;

/// How the base image is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Root {
    /// As it is, and nobody writes.
    ReadOnly,
}

/// Which network the jail sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// Its own, with nothing but the loopback interface.
    None,
    /// The host's.
    Host,
}

/// Which system calls the programs may make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// What programs need that serve, compute and compile.
    Web,
    /// The same, and looking into one's own processes: debuggers and tracers work.
    Dev,
}

/// The networks and what a spec calls them.
pub const NETWORKS: [(&str, Network); 2] = [("none", Network::None), ("host", Network::Host)];

/// The filters and what a spec calls them.
pub const FILTERS: [(&str, Filter); 2] = [("web", Filter::Web), ("dev", Filter::Dev)];

/// Who is process 1 of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Init {
    /// trampoline's own.
    Builtin,
}

/// One target's jail, as its file says. Read by [`Spec::read`], written by `Spec::write`; the two are inverse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// The user's name.
    pub name: Name,
    /// The uid programs run as.
    pub uid: Target,
    /// The primary group.
    pub gid: Group,
    /// The supplementary groups, at most [`MOST_GROUPS`].
    pub groups: Vec<Group>,
    /// The base image.
    pub image: Name,
    /// The home, the same path outside and inside.
    pub home: JailPath,
    /// The login shell; informs `SHELL` and `/etc/passwd`.
    pub shell: JailPath,
    /// How the base is shown.
    pub root: Root,
    /// Which network.
    pub network: Network,
    /// Who is process 1.
    pub init: Init,
    /// Which system calls.
    pub filter: Filter,
    /// The host name; `None` clears it.
    pub hostname: Option<Name>,
    /// The NIS domain name; `None` clears it.
    pub domain: Option<Name>,
    /// The limits, each within the compiled ceilings.
    pub limits: Limits,
}

impl Spec {
    /// Reads the text of a spec. Whatever is missing, unknown, repeated or out of range refuses the whole.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut record = Record::read(bytes)?;
        record.take("format", |v| (v == "1").then_some(()))?;
        let spec = Self {
            name: record.take("name", Name::new)?,
            uid: record.take("uid", Target::parse)?,
            gid: record.take("gid", Group::parse)?,
            groups: record.take("groups", groups)?,
            image: record.take("image", Name::new)?,
            home: record.take("home", JailPath::new)?,
            shell: record.take("shell", JailPath::new)?,
            root: record.take("root", |v| (v == "readonly").then_some(Root::ReadOnly))?,
            network: record.take("network", |v| meant(&NETWORKS, v))?,
            init: record.take("init", |v| (v == "builtin").then_some(Init::Builtin))?,
            // A spec written before there was a choice has no such key, and gets the filter that allows less.
            filter: record.take_or("filter", Filter::Web, |v| meant(&FILTERS, v))?,
            hostname: record.take("hostname", name_or_none)?,
            domain: record.take("domain", name_or_none)?,
            limits: Limits {
                cpu: record.take("cpu", decimal)?,
                memory: record.take("memory", decimal)?,
                processes: record.take("processes", decimal)?,
                file_size: record.take("file-size", decimal)?,
                open_files: record.take("open-files", decimal)?,
            },
        };
        record.end()?;
        match spec.limits.above(&CEILINGS) {
            Some((key, asked, most)) => Err(format!("\"{key} = {asked}\" is not between 1 and the compiled ceiling {most}")),
            None => Ok(spec),
        }
    }
}

fn meant<T: Copy>(words: &[(&str, T)], text: &str) -> Option<T> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}

fn name_or_none(text: &str) -> Option<Option<Name>> {
    if text == "none" { Some(None) } else { Name::new(text).map(Some) }
}

fn groups(text: &str) -> Option<Vec<Group>> {
    let words = text.split(' ').filter(|_| text != "none");
    words.map(Group::parse).collect::<Option<Vec<_>>>().filter(|groups| groups.len() <= MOST_GROUPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn specs()(
            name in "[a-z_][a-z0-9_.-]{0,30}", uid in 1..u32::MAX, gid in 1..u32::MAX,
            groups in prop::collection::vec(1..u32::MAX, 0..20), home in "(/[a-zA-Z0-9_ +-]{0,8}[a-z]){1,4}",
            host: bool, dev: bool, hostname in "[a-z]{1,8}|none", limits in (1..=CEILINGS.cpu, 1..=CEILINGS.memory, 1..=CEILINGS.processes),
        ) -> Option<Spec> {
            Some(Spec {
                name: Name::new(&name)?, uid: Target::new(uid)?, gid: Group::new(gid)?,
                groups: groups.into_iter().map(Group::new).collect::<Option<_>>()?,
                image: Name::new("host")?, home: JailPath::new(&home)?, shell: JailPath::new("/bin/sh")?,
                root: Root::ReadOnly, network: if host { Network::Host } else { Network::None }, init: Init::Builtin,
                filter: if dev { Filter::Dev } else { Filter::Web },
                hostname: if hostname == "none" { None } else { Name::new(&hostname) }, domain: None,
                limits: Limits { cpu: limits.0, memory: limits.1, processes: limits.2, file_size: 1, open_files: CEILINGS.open_files },
            })
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_the_same(spec in specs()) {
            if let Some(spec) = spec {
                prop_assert_eq!(Spec::read(spec.write().as_bytes()), Ok(spec));
            }
        }

        #[test]
        fn what_is_read_is_written_back_the_same_up_to_the_order_of_lines(spec in specs(), turn in 0usize..19) {
            if let Some(spec) = spec {
                let text = spec.write();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.rotate_left(turn);
                let turned = lines.join("\n") + "\n";
                prop_assert_eq!(Spec::read(turned.as_bytes()).map(|s| s.write()), Ok(text));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            prop_assert!(Spec::read(&bytes).map_or(true, |spec| Spec::read(spec.write().as_bytes()).is_ok()));
        }
    }

    #[test]
    fn whatever_is_odd_refuses_the_whole() {
        let good = "format = 1\nname = a\nuid = 2001\ngid = 2001\ngroups = none\nimage = host\nhome = /home/a\nshell = /bin/sh\n\
                    root = readonly\nnetwork = none\ninit = builtin\nfilter = web\nhostname = none\ndomain = none\ncpu = 1\nmemory = 1\n\
                    processes = 1\nfile-size = 1\nopen-files = 1\n";
        assert!(Spec::read(good.as_bytes()).is_ok());
        for (from, to) in [
            ("uid = 2001\n", ""),
            ("uid = 2001", "uid = 0"),
            ("uid = 2001", "uid = -1"),
            ("uid = 2001", "uid = 4294967295"),
            ("gid = 2001", "gid = 0"),
            ("groups = none", "groups = 0"),
            ("groups = none", "groups = 5 5x"),
            ("cpu = 1", "cpu = 0"),
            ("cpu = 1", "cpu = 18446744073709551615"),
            ("network = none", "network = bridge"),
            ("filter = web", "filter = none"),
            ("filter = web", "filter = "),
            ("filter = web\n", "filter = web\nfilter = dev\n"),
            ("format = 1", "format = 2"),
            ("home = /home/a", "home = /home/../etc"),
            ("home = /home/a", "home = home"),
            ("name = a\n", "name = a\nname = b\n"),
            ("name = a\n", "name = a\nnmae = b\n"),
            ("name = a\n", "name = a\n\n"),
            ("name = a", "name=a"),
            ("name = a", "name = ä"),
            ("name = a", " name = a"),
            ("open-files = 1\n", "open-files = 1"),
            ("shell = /bin/sh", "shell = /bin/sh\r"),
        ] {
            assert!(Spec::read(good.replacen(from, to, 1).as_bytes()).is_err(), "{from:?} -> {to:?}");
        }
        assert!(Spec::read(format!("{good}{}", "#".repeat(4096)).as_bytes()).is_err());
        let old = Spec::read(good.replacen("filter = web\n", "", 1).as_bytes());
        assert_eq!(old, Spec::read(good.as_bytes()), "a spec from before there was a choice of filters");
    }
}
