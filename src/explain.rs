//! The policy and the plan of a jail as text. trampoline gives up its privileges before it comes here.
#![forbid(unsafe_code)]

use crate::layout;
use crate::limits::Limits;
use crate::plan::{Plan, Step};
use crate::policy::{CEILINGS, ENTER, LOG, LOG_RUNS, OWN, RUN, Rule, SHM_BYTES, STATE};
use crate::spec::{FILTERS, Filter, NETWORKS, Network, Spec};
use std::fmt;

/// The policy as `trampoline --policy` shows it.
pub fn policy() -> String {
    let mut out = String::new();
    for Rule { callers, first, last } in ENTER {
        let callers: Vec<String> = callers.iter().map(u32::to_string).collect();
        out += &format!("enter   callers {}, targets {first}-{last}\n", callers.join(" "));
    }
    if OWN.0 <= OWN.1 {
        out += &format!("own     targets {}-{}, each its own jail only\n", OWN.0, OWN.1);
    }
    out + &format!(
        "state   {STATE}\nrun     {RUN}\nlog     {LOG}, {}\nlimits  at most {CEILINGS}\nshm     {SHM_BYTES} bytes\n",
        if LOG_RUNS { "one line for each run" } else { "refusals and failures only" }
    )
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("/                ro,nosuid,nodev          the base image"),
            Self::Host(dir) => write!(f, "/{dir:<15} ro,nosuid,nodev          the host's /{dir}"),
            Self::Own { file, at } => write!(f, "/{at:<15} ro,nosuid,nodev,noexec   the jail's own {file}"),
            Self::Dev => f.write_str("/dev             ro,nosuid,noexec         null zero full random urandom tty, links"),
            Self::Pts => f.write_str("/dev/pts         nosuid,noexec            own instance"),
            Self::Shm(bytes) => write!(f, "/dev/shm         nosuid,nodev,noexec      own, {bytes} bytes"),
            Self::Parents(at) => write!(f, "/{at:<15} ro,nosuid,nodev,noexec   empty but for the way to the home"),
            Self::Home(path) => write!(f, "{:<16} nosuid,nodev             the user's home, opened as the user", path.as_str()),
            Self::Tmp(at) => write!(f, "/{at:<15} nosuid,nodev             the user's tmp"),
        }
    }
}

/// What a spec calls a value.
pub fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| word)
}

/// What `--explain` shows: every mount, id, limit and namespace of the jail, nothing done.
///
/// `scoped`: whether this kernel keeps abstract sockets apart.
pub fn jail(spec: &Spec, plan: &Plan, generation: u32, scoped: bool) -> String {
    let groups: Vec<String> = spec.groups.iter().map(ToString::to_string).collect();
    let none = |n: &Option<crate::id::Name>| n.as_ref().map_or_else(|| "(cleared)".to_owned(), ToString::to_string);
    let mut out = format!(
        "user      {} uid {} gid {} groups [{}]\nspec      {}/{}\nimage     {} generation {generation}\nshell     {}\n\
         hostname  {}\ndomain    {}\nnetwork   {}\nfilter    {}: {}\nlimits    {}\n\
         process   no capability, bounding set empty, no_new_privs, own session and session keyring, umask 022\n\
         spaces    own mount, pid, ipc, uts{}\nmounts\n",
        spec.name,
        spec.uid,
        spec.gid,
        groups.join(" "),
        layout::jail_dir(spec.uid),
        layout::SPEC,
        spec.image,
        spec.shell,
        none(&spec.hostname),
        none(&spec.domain),
        word(&NETWORKS, spec.network),
        word(&FILTERS, spec.filter),
        if spec.filter == Filter::Web { "no debugging" } else { "with debugging of own processes" },
        spec.limits,
        match (spec.network, scoped) {
            (Network::None, _) => ", net (loopback only)",
            (Network::Host, true) => "; the host's net, without its abstract sockets (Landlock)",
            (Network::Host, false) => "; the host's net, abstract sockets included (Landlock since Linux 6.12 would bar them)",
        },
    );
    for step in &plan.0 {
        out += &format!("  {step}\n");
    }
    out + "  /proc            nosuid,nodev,noexec      of the session, made at each entry\n"
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.table() {
            write!(f, "{key} {value}, ")?;
        }
        f.write_str("no core dump")
    }
}
