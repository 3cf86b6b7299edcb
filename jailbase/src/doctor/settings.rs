//! What the kernel was told by sysctl. trampoline relies on none of it; each is a second wall.

use super::finding::{Fault, Report, advice, problem};

/// Which values are good.
#[derive(Clone, Copy, Debug)]
enum Good {
    Is(u64),
    AtLeast(u64),
}

/// One setting: the name of its check, its file below `/proc/sys`, its good values, what another allows, and whether a kernel
/// without it is as good.
struct Setting {
    check: &'static str,
    file: &'static str,
    good: Good,
    allows: &'static str,
    may_be_missing: bool,
}

const fn setting(check: &'static str, file: &'static str, good: Good, allows: &'static str) -> Setting {
    Setting { check, file, good, allows, may_be_missing: true }
}

const SETTINGS: [Setting; 10] = [
    setting(
        "protected-symlinks",
        "fs/protected_symlinks",
        Good::Is(1),
        "a user's link in /tmp leads programs of other users astray",
    ),
    setting("protected-hardlinks", "fs/protected_hardlinks", Good::Is(1), "a user can give files of others a second name"),
    setting(
        "protected-fifos",
        "fs/protected_fifos",
        Good::AtLeast(1),
        "a user's pipe in /tmp is opened for the file it poses as",
    ),
    setting("protected-regular", "fs/protected_regular", Good::AtLeast(1), "a user's file in /tmp is written as another's"),
    Setting {
        check: "ptrace-scope",
        file: "kernel/yama/ptrace_scope",
        good: Good::AtLeast(1),
        allows: "a process of a user's, outside of jails, can look into all others of that user, in jails too",
        may_be_missing: false,
    },
    setting(
        "terminal-input",
        "dev/tty/legacy_tiocsti",
        Good::Is(0),
        "whoever has a terminal open can type into it; jails filter that, the rest of the host does not",
    ),
    setting(
        "unprivileged-bpf",
        "kernel/unprivileged_bpf_disabled",
        Good::AtLeast(1),
        "every user outside of jails reaches bpf(2)",
    ),
    setting(
        "perf-events",
        "kernel/perf_event_paranoid",
        Good::AtLeast(2),
        "every user outside of jails reaches perf_event_open(2)",
    ),
    setting(
        "io-uring",
        "kernel/io_uring_disabled",
        Good::AtLeast(1),
        "every user outside of jails reaches io_uring, where many holes were found",
    ),
    setting(
        "userfaultfd",
        "vm/unprivileged_userfaultfd",
        Good::Is(0),
        "every user outside of jails can stop the kernel in the middle of a copy",
    ),
];

/// All of them, and the three that are no plain number.
pub fn look(report: &mut Report) {
    for one in &SETTINGS {
        let value = read(one.file);
        report.note(one.check, fault(one, value.as_deref()), shown(one.file, value.as_deref()));
    }
    let dumpable = read("fs/suid_dumpable");
    report.note("suid-dumpable", suid_dumpable(dumpable.as_deref()), shown("fs/suid_dumpable", dumpable.as_deref()));
    let pattern = read("kernel/core_pattern");
    report.note("core-pattern", core_pattern(pattern.as_deref()), shown("kernel/core_pattern", pattern.as_deref()));
    let (most, clone) = (read("user/max_user_namespaces"), read("kernel/unprivileged_userns_clone"));
    report.note("user-namespaces", user_namespaces(most.as_deref(), clone.as_deref()), "plain users cannot make user namespaces");
}

/// The value of a setting; `None` if this kernel does not have it.
pub fn read(file: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/sys/{file}")).ok().map(|text| text.trim().to_owned())
}

/// The value of a setting that is a number.
pub fn number(file: &str) -> Option<u64> {
    read(file)?.parse().ok()
}

fn name(file: &str) -> String {
    file.replace('/', ".")
}

fn shown(file: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{} = {value}", name(file)),
        None => format!("this kernel has no {}", name(file)),
    }
}

fn set(file: &str, value: u64) -> String {
    format!("say \"{} = {value}\" in a file of /etc/sysctl.d, then run sysctl --system", name(file))
}

fn fault(one: &Setting, value: Option<&str>) -> Option<Fault> {
    let (Good::Is(wanted) | Good::AtLeast(wanted)) = one.good;
    let Some(value) = value else {
        let without = format!("{}: {}", shown(one.file, None), one.allows);
        return (!one.may_be_missing).then(|| advice(without, "use a kernel that has it"));
    };
    let good = value.parse().is_ok_and(|number: u64| match one.good {
        Good::Is(wanted) => number == wanted,
        Good::AtLeast(least) => number >= least,
    });
    (!good).then(|| advice(format!("{}: {}", shown(one.file, Some(value)), one.allows), set(one.file, wanted)))
}

fn suid_dumpable(value: Option<&str>) -> Option<Fault> {
    let (file, to) = ("fs/suid_dumpable", set("fs/suid_dumpable", 0));
    match value {
        None | Some("0") => None,
        // KERNEL: 2 writes such a dump for root alone, and only by a pipe or an absolute pattern (proc_sys_fs(5)).
        Some("2") => Some(advice(format!("{}: a setuid program that crashes is dumped for root", shown(file, value)), to)),
        Some(_) => Some(problem(format!("{}: whoever calls a setuid program can have its memory", shown(file, value)), to)),
    }
}

/// KERNEL: of all limits of core dumps only 1, which is that of a jail, keeps a handler behind a pipe away (`do_coredump`,
/// fs/coredump.c). A program may lower its own to 0, and then crash.
fn core_pattern(value: Option<&str>) -> Option<Fault> {
    let handler = value?.strip_prefix('|')?;
    let program = handler.split(' ').next().unwrap_or_default();
    Some(advice(
        format!("{program} runs as root, on the host, when a program in a jail sets its limit of core dumps to 0 and crashes"),
        "see that it takes no file, name or number from the crashed program on trust, or write \"core\" to kernel.core_pattern",
    ))
}

fn user_namespaces(most: Option<&str>, clone: Option<&str>) -> Option<Fault> {
    let closed = matches!(most, None | Some("0")) || clone == Some("0");
    (!closed).then(|| {
        advice(
            "every user outside of jails can make user namespaces, by which many holes of kernels were reached",
            "if nothing here needs them (browsers, rootless containers), say \"user.max_user_namespaces = 0\" in a file of /etc/sysctl.d",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_value_is_judged_by_number_and_a_missing_setting_by_what_it_is_for() {
        for one in &SETTINGS {
            let (Good::Is(wanted) | Good::AtLeast(wanted)) = one.good;
            assert!(fault(one, Some(&wanted.to_string())).is_none(), "{}", one.check);
            assert_eq!(fault(one, None).is_none(), one.may_be_missing, "{}", one.check);
            for bad in ["", "x", "-1"] {
                assert!(fault(one, Some(bad)).is_some(), "{}: {bad:?}", one.check);
            }
            let above = fault(one, Some(&(wanted + 1).to_string()));
            assert_eq!(above.is_none(), matches!(one.good, Good::AtLeast(_)), "{}", one.check);
        }
    }

    #[test]
    fn a_dump_of_a_setuid_program_for_everybody_is_a_problem() {
        let level = |value| suid_dumpable(Some(value)).map(|fault| fault.0);
        assert_eq!([level("0"), level("2"), level("1")], [None, Some(Level::Advice), Some(Level::Problem)]);
    }

    #[test]
    fn a_handler_of_crashes_is_named_and_a_file_is_none() {
        assert!(
            core_pattern(Some("core")).is_none() && core_pattern(Some("/var/core/%e")).is_none() && core_pattern(None).is_none()
        );
        let said = core_pattern(Some("|/usr/share/apport/apport -p%p")).map(|fault| fault.1).unwrap_or_default();
        assert!(said.starts_with("/usr/share/apport/apport runs as root"), "{said}");
    }

    #[test]
    fn either_of_two_settings_closes_user_namespaces() {
        assert!(user_namespaces(Some("0"), None).is_none() && user_namespaces(Some("5"), Some("0")).is_none());
        assert!(user_namespaces(Some("5"), Some("1")).is_some() && user_namespaces(Some("5"), None).is_some());
    }
}
