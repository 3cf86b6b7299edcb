//! What the kernel has only so many of, and all jails share.

use super::finding::{Fault, Level, Report};
use super::settings;
use jail::limits::Limits;
use jail::policy::CEILINGS;
use jail::spec::Spec;

/// Namespaces beyond one for each jail: for the sessions of a moment.
const SESSIONS: u64 = 64;

/// How many terminals the host should keep for itself.
const TERMINALS: u64 = 64;

/// The kinds of namespaces that a jail or a session has of its own.
const KINDS: [&str; 5] = ["mnt", "pid", "net", "ipc", "uts"];

/// `namespaces-room`, `processes-room`, `terminals-room`.
pub fn look(users: &[Spec], report: &mut Report) {
    let jails = u64::try_from(users.len()).unwrap_or(u64::MAX);
    let namespaces = KINDS.iter().filter_map(|kind| {
        let file = format!("user/max_{kind}_namespaces");
        few(
            &file,
            settings::number(&file)?,
            jails.saturating_add(SESSIONS),
            "one for each jail and some for sessions",
            Level::Problem,
        )
    });
    report.note("namespaces-room", namespaces, "the kernel gives enough namespaces");

    let usual = Limits::usual(&CEILINGS).processes;
    let most = users.iter().map(|spec| spec.limits.processes).fold(usual, u64::max);
    let processes = ["kernel/pid_max", "kernel/threads-max"].iter().filter_map(|file| {
        few(
            file,
            settings::number(file)?,
            most.saturating_mul(2),
            "twice what one user may have, or that user can take all",
            Level::Advice,
        )
    });
    report.note("processes-room", processes, "no single user can take all process numbers");

    let terminals = settings::number("kernel/pty/reserve");
    let fault = terminals.and_then(|kept| {
        few("kernel/pty/reserve", kept, TERMINALS, "terminals that jails cannot take from the host", Level::Advice)
    });
    report.note("terminals-room", fault, "the host keeps terminals for itself");
}

fn few(file: &str, value: u64, least: u64, what_for: &str, level: Level) -> Option<Fault> {
    let name = file.replace('/', ".");
    (value < least).then(|| {
        (
            level,
            format!("{name} = {value}; it should be {least} at least: {what_for}"),
            format!("say \"{name} = {least}\" or more in a file of /etc/sysctl.d, then run sysctl --system"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_is_less_than_is_needed() {
        assert!(few("user/max_net_namespaces", 64, 64, "x", Level::Problem).is_none());
        let said = few("user/max_net_namespaces", 63, 64, "x", Level::Problem).map(|fault| fault.1).unwrap_or_default();
        assert!(said.starts_with("user.max_net_namespaces = 63;"), "{said}");
    }
}
