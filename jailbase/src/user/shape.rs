//! What a jail is made of, as `user add`, `user set` and `user sync` are told it: only what is named counts.

use super::about::{About, From};
use super::account::Account;
use crate::parse;
use clap::{Args, ValueEnum};
use jail::error::Error;
use jail::id::Name;
use jail::limits::Limits;
use jail::path::JailPath;
use jail::policy::CEILINGS;
use jail::spec::{self, Filter, Network, Spec};

/// The image of who asked for none.
pub const IMAGE: &str = "host";
/// The host name of who asked for none.
const HOSTNAME: &str = "jail";

/// The values that are named.
#[derive(Args, Clone, Debug)]
pub struct Shape {
    /// The base image [usually: host]
    #[arg(long, value_parser = parse::name)]
    image: Option<Name>,
    /// The login shell [usually: the account's]
    #[arg(long, value_parser = parse::path)]
    pub shell: Option<JailPath>,
    /// How the image is shown; there is one way so far, readonly
    #[arg(long, value_parser = root_kind)]
    root: Option<spec::Root>,
    /// The network the jail sees [usually: none]
    #[arg(long, value_enum)]
    network: Option<Net>,
    /// The system calls its programs may make [usually: web]
    #[arg(long, value_enum)]
    filter: Option<Calls>,
    /// The host name in the jail, or "none" [usually: jail]
    #[arg(long, value_parser = parse::name_or_none)]
    hostname: Option<NameOrNone>,
    /// The NIS domain name in the jail, or "none" [usually: none]
    #[arg(long, value_parser = parse::name_or_none)]
    domain: Option<NameOrNone>,
    /// Seconds of processor time of each process
    #[arg(long)]
    cpu: Option<u64>,
    /// Bytes of address space of each process, as 8G or 500M
    #[arg(long, value_parser = parse::amount)]
    memory: Option<u64>,
    /// Processes and threads of the user, counted over the whole host
    #[arg(long)]
    processes: Option<u64>,
    /// Bytes of each file written, as 4G or 500M
    #[arg(long, value_parser = parse::amount)]
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

/// The kinds of root there are; of those that are only planned it is said.
fn root_kind(text: &str) -> Result<spec::Root, String> {
    match text {
        "readonly" => Ok(spec::Root::ReadOnly),
        "overlay" | "lvm" | "btrfs" => Err("roots that can be written are not there yet; readonly is the only kind".into()),
        _ => Err("readonly is the only kind there is".into()),
    }
}

/// The spec of an account for which nothing was asked.
pub fn usual(account: &Account) -> Result<Spec, Error> {
    Ok(Spec {
        name: account.name.clone(),
        uid: account.uid,
        gid: account.gid,
        groups: account.groups.clone(),
        image: parse::name(IMAGE).map_err(|why| Error::failed("name", "the usual image", why))?,
        home: account.home.clone(),
        shell: account.shell.clone(),
        root: spec::Root::ReadOnly,
        network: Network::None,
        init: spec::Init::Builtin,
        filter: Filter::Web,
        hostname: Name::new(HOSTNAME),
        domain: None,
        limits: Limits::usual(&CEILINGS),
    })
}

/// The least of bytes, processes and descriptors that a session starts with; no ceiling is lower (build/policy.rs).
const LEAST: [u64; 3] = [16 << 20, 4, 16];

impl Shape {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        let Self { image, shell, root, network, filter, hostname, domain, cpu, memory, processes, file_size, open_files } = self;
        let limits = [cpu, memory, processes, file_size, open_files];
        let rest = [root.is_none(), network.is_none(), filter.is_none(), hostname.is_none(), domain.is_none()];
        image.is_none() && shell.is_none() && rest.iter().all(|none| *none) && limits.iter().all(|limit| limit.is_none())
    }

    /// Puts what is named into a spec, which is then read back as trampoline will read it: one that could be written and
    /// not read is not written.
    pub fn put(&self, spec: &mut Spec, about: &mut About) -> Result<(), Error> {
        let network = self.network.map(|network| match network {
            Net::None => Network::None,
            Net::Host => Network::Host,
        });
        let filter = self.filter.map(|filter| match filter {
            Calls::Web => Filter::Web,
            Calls::Dev => Filter::Dev,
        });
        one(&self.image, &mut spec.image, "image", about);
        one(&self.shell, &mut spec.shell, "shell", about);
        one(&self.root, &mut spec.root, "root", about);
        one(&network, &mut spec.network, "network", about);
        one(&filter, &mut spec.filter, "filter", about);
        one(&self.hostname, &mut spec.hostname, "hostname", about);
        one(&self.domain, &mut spec.domain, "domain", about);
        let limited = [("memory", self.memory), ("processes", self.processes), ("open-files", self.open_files)];
        for ((key, asked), least) in limited.into_iter().zip(LEAST) {
            if let Some(asked) = asked.filter(|asked| *asked < least) {
                return Err(Error::Refused(format!(
                    "--{key} {asked} is less than {least}, and no program starts with that; ask for more"
                )));
            }
        }
        let limits = &mut spec.limits;
        one(&self.cpu, &mut limits.cpu, "cpu", about);
        one(&self.memory, &mut limits.memory, "memory", about);
        one(&self.processes, &mut limits.processes, "processes", about);
        one(&self.file_size, &mut limits.file_size, "file-size", about);
        one(&self.open_files, &mut limits.open_files, "open-files", about);
        readable(spec)
    }
}

/// Refuses a spec that trampoline would not read as it is meant.
pub fn readable(spec: &Spec) -> Result<(), Error> {
    if let Some((key, asked, most)) = spec.limits.above(&CEILINGS) {
        let todo = if asked == 0 { "ask for more" } else { "ask for less" };
        return Err(Error::Refused(format!("--{key} {asked} is not between 1 and the compiled ceiling {most}; {todo}")));
    }
    match Spec::read(spec.write().as_bytes()) {
        Ok(read) if read == *spec => Ok(()),
        Ok(_) => Err(Error::Refused("its spec would read otherwise than it is meant; use plainer names".into())),
        Err(why) => Err(Error::Refused(format!("its spec could not be read: {why}"))),
    }
}

fn one<T: Clone>(named: &Option<T>, value: &mut T, key: &str, about: &mut About) {
    if let Some(named) = named {
        value.clone_from(named);
        about.came(key, From::Chosen);
    }
}
