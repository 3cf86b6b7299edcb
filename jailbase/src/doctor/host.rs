//! The rest of the host: what else a program in a jail, or a log, has to do with.

use super::finding::{Fault, Report, advice};
use super::mounts;
use jail::policy::{ENTER, LOG};
use nix::unistd::{Uid, User};
use std::fs::read_dir;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Modules that the kernel loads when a plain user opens a socket of their kind, and in which holes were found. Jails cannot
/// open such sockets.
const MODULES: [&str; 9] = ["af_alg", "algif_aead", "algif_skcipher", "dccp", "esp4", "rds", "rxrpc", "sctp", "tipc"];

/// `system-log`, `policy-callers`, `cgroups`, `binary-formats`, `socket-modules`.
pub fn look(report: &mut Report) {
    let socket = std::fs::metadata(LOG).is_ok_and(|meta| meta.file_type().is_socket());
    let no_log = advice(
        format!("{LOG} is no socket: why a caller was refused is written nowhere"),
        "start a log daemon (journald, rsyslogd), or name its socket in policy.toml and build anew",
    );
    report.note("system-log", (!socket).then_some(no_log), format!("{LOG} is a socket"));
    report.note("policy-callers", callers(), "every caller of the policy has an account");
    report.note("cgroups", cgroups(), "cgroup v2");
    report.note(
        "binary-formats",
        formats(Path::new("/proc/sys/fs/binfmt_misc")),
        "no interpreter runs with a program's own rights",
    );
    report.note("socket-modules", modules(), "no module of a rare socket family waits to be loaded");
}

/// A caller without an account is a uid that the next account may get.
fn callers() -> Vec<Fault> {
    let uids = ENTER.iter().flat_map(|rule| rule.callers).copied();
    let unknown = uids.filter(|uid| matches!(User::from_uid(Uid::from_raw(*uid)), Ok(None)));
    unknown
        .map(|uid| {
            advice(
                format!("the policy lets uid {uid} call, and no account has it; the next that is made may get it"),
                "take it out of policy.toml and build anew, or make its account",
            )
        })
        .collect()
}

fn cgroups() -> Option<Fault> {
    let table = mounts::table();
    let v2 = mounts::of(&table, "/sys/fs/cgroup").is_some_and(|mount| mount.kind == "cgroup2");
    (!v2).then(|| {
        advice(
            "/sys/fs/cgroup is not cgroup v2 alone",
            "start the kernel with systemd.unified_cgroup_hierarchy=1; the old hierarchies run a program of their choice as root",
        )
    })
}

/// KERNEL: flag C runs the interpreter with the ids and capabilities of the program that it interprets
/// (Documentation/admin-guide/binfmt-misc.rst).
fn formats(dir: &Path) -> Vec<Fault> {
    let names = read_dir(dir).into_iter().flatten().flatten();
    let with_rights = names.filter(|entry| {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        text.lines().any(|line| line.strip_prefix("flags: ").is_some_and(|flags| flags.contains('C')))
    });
    with_rights
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            advice(
                format!("binfmt_misc runs the interpreter of {name} with the rights of the program it interprets"),
                format!("register {name} without the flag C if no setuid program needs it"),
            )
        })
        .collect()
}

fn modules() -> Option<Fault> {
    let release = nix::sys::utsname::uname().ok()?.release().to_string_lossy().into_owned();
    let known = std::fs::read_to_string(format!("/lib/modules/{release}/modules.dep")).unwrap_or_default();
    let places = ["/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];
    let entries = places.iter().flat_map(|dir| read_dir(dir).into_iter().flatten().flatten());
    let rules: String = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect::<Vec<_>>().join("\n");
    let waiting = waiting(&known, &rules);
    (!waiting.is_empty()).then(|| {
        advice(
            format!("users outside of jails can have the kernel load {}", waiting.join(", ")),
            "for each that nothing here needs, write \"install NAME /bin/false\" into a file of /etc/modprobe.d",
        )
    })
}

/// The modules that are there and that nothing keeps from being loaded.
fn waiting(dependencies: &str, rules: &str) -> Vec<&'static str> {
    let there = |name: &str| {
        let files = dependencies.lines().filter_map(|line| line.split(':').next()?.rsplit('/').next()?.split('.').next());
        files.map(|file| file.replace('-', "_")).any(|file| file == name)
    };
    let barred = |name: &str| {
        rules.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words.as_slice(), ["install", module, "/bin/false" | "/bin/true" | "/usr/bin/false" | "/usr/bin/true", ..] if *module == name)
        })
    };
    MODULES.into_iter().filter(|name| there(name) && !barred(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_waits_if_it_is_there_and_nothing_bars_it() {
        let there =
            "kernel/net/sctp/sctp.ko.xz: kernel/lib/libcrc32c.ko.xz\nkernel/net/tipc/tipc.ko:\nkernel/crypto/af_alg.ko:\n";
        assert_eq!(waiting(there, "# install sctp /bin/false\nblacklist tipc\n"), ["af_alg", "sctp", "tipc"]);
        assert_eq!(waiting(there, "install sctp /bin/false\n install  tipc /bin/true\n"), ["af_alg"]);
        assert!(waiting("", "").is_empty());
    }

    #[test]
    fn an_interpreter_with_the_rights_of_its_program_is_named() -> std::io::Result<()> {
        let dir = std::env::temp_dir().join(format!("jailbase-formats-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join("qemu-arm"), "enabled\ninterpreter /usr/bin/qemu-arm\nflags: POCF\n")?;
        std::fs::write(dir.join("python"), "enabled\ninterpreter /usr/bin/python\nflags: F\n")?;
        let found = formats(&dir);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found.iter().all(|fault| fault.1.contains("qemu-arm")));
        std::fs::remove_dir_all(dir)
    }
}
