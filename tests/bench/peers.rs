//! The peers, each told to do the same work: read-only base and /usr, a home, a tmp, uid 2001, `/bin/true`, and as
//! much isolation as it has to offer.

use std::path::Path;

use crate::crew::{Crew, TARGET, Who};
use crate::probe::{self, Asked, FULL};
use crate::rounds::Contender;
use crate::stage::Scratch;
use crate::table::Report;
use crate::{Outcome, oci, schroot};

/// A peer: who starts it, how, what it must have unshared, and what else the reader should know.
struct Peer {
    who: Who,
    start: Start,
    own: &'static [&'static str],
    note: &'static str,
}

enum Start {
    /// The program to run is appended.
    Before(Vec<String>),
    /// The program to run is inside a bundle, one to look around and one to be timed.
    Bundles { look: Vec<String>, timed: Vec<String> },
}

const HOME: &str = "/home/bench";

/// Every peer that works on this machine, looked at from inside; the report learns of those that do not.
pub fn all(crew: &mut Crew, scratch: &mut Scratch, report: &mut Report) -> Vec<Contender> {
    let mut ready = Vec::new();
    let mut session = Err("schroot did not begin a session".to_string());
    for (program, names) in [
        ("chroot", &["chroot(8)"][..]),
        ("unshare", &["unshare(1)"]),
        ("bwrap", &["bubblewrap", "bubblewrap as root"]),
        ("schroot", &["schroot -r", "schroot, fresh"]),
        ("crun", &["crun", "crun without cgroups"]),
        ("runc", &["runc"]),
    ] {
        let found = installed(program);
        if let Ok(path) = &found {
            let told = crew.look(Who::Root, &[path, "--version"]).unwrap_or_else(|why| why);
            report.version(told.lines().next().unwrap_or(program));
            if program == "schroot" {
                session = schroot::ready(crew, scratch, path);
            } else if program == "crun" || program == "runc" {
                one_hierarchy(crew);
            }
        }
        for name in names {
            let made = found.clone().and_then(|path| peer(name, &path, scratch, &session));
            match made.and_then(|peer| looked_at(crew, name, peer)) {
                Ok(contender) => ready.push(contender),
                Err(why) => report.absent(name, &why),
            }
        }
    }
    ready
}

fn peer(name: &str, path: &str, scratch: &Scratch, session: &Outcome<String>) -> Outcome<Peer> {
    let at = |place: &str| scratch.path(place);
    let words = |line: String| line.split(' ').map(str::to_string).collect::<Vec<_>>();
    let before = |line: String| Start::Before(words(format!("{path} {line}")));
    let (tree, base, home, tmp) = (at("tree"), at("base"), at("home"), at("tmp"));
    let bwrap = format!(
        "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --ro-bind {base} / --ro-bind /usr /usr --proc /proc \
         --dev /dev --bind {home} {HOME} --bind {tmp} /tmp --bind {tmp} /var/tmp --hostname bench --new-session \
         --die-with-parent --chdir {HOME}"
    );
    let container = |options: &str| -> Outcome<Start> {
        let look = oci::bundle(scratch, "bundle-look", &["/bin/sh", "-c", &probe::script(HOME)])?;
        let timed = oci::bundle(scratch, "bundle-timed", &["/bin/true"])?;
        let state = at(&format!("state/{}", name.replace(' ', "-")));
        let run = |bundle: &str| words(format!("{path} --root {state}{options} run -b {bundle} bench-{}", std::process::id()));
        Ok(Start::Bundles { look: run(&look), timed: run(&timed) })
    };
    let (who, own, start, note) = match name {
        "chroot(8)" => (Who::Stage, &[][..], before(format!("--userspec={TARGET}:{TARGET} {tree}")), "mounts made beforehand"),
        "unshare(1)" => (
            Who::Stage,
            FULL,
            before(format!(
                "--mount --pid --fork --ipc --uts --net --mount-proc --root={tree} --setgid {TARGET} --setuid {TARGET}"
            )),
            "mounts made beforehand, loopback down",
        ),
        "bubblewrap" => {
            (Who::StageTarget, FULL, before(format!("--unshare-user {bwrap}")), "started by uid 2001, own user namespace")
        }
        "bubblewrap as root" => (
            Who::Stage,
            FULL,
            before(format!(
                "{bwrap} --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP \
                 setpriv --reuid {TARGET} --regid {TARGET} --clear-groups --no-new-privs"
            )),
            "setpriv(1) drops to the uid inside",
        ),
        "schroot -r" => (
            Who::Stage,
            &[][..],
            before(format!("-r -c {} -u bench -d / --", session.as_ref().map_err(String::clone)?)),
            "session begun beforehand",
        ),
        "schroot, fresh" => (Who::Stage, &[][..], before("-c bench -u bench -d / --".into()), "begins and ends a session"),
        "crun without cgroups" => (Who::Stage, FULL, container(" --cgroup-manager=disabled")?, ""),
        _ => (Who::Stage, FULL, container("")?, "a cgroup each"),
    };
    Ok(Peer { who, start, own, note })
}

fn looked_at(crew: &mut Crew, name: &str, peer: Peer) -> Outcome<Contender> {
    let (look, timed) = match peer.start {
        Start::Bundles { look, timed } => (look, timed),
        Start::Before(words) => {
            let script = ["/bin/sh".to_string(), "-c".into(), probe::script(HOME)];
            ([words.clone(), script.to_vec()].concat(), [words, vec!["/bin/true".into()]].concat())
        }
    };
    let spaces = probe::inside(crew, peer.who, &look, &Asked { uid: TARGET, home: HOME, own: peer.own })?;
    let note = [spaces.as_str(), peer.note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    Ok(Contender::spawned(name, peer.who, timed, &note))
}

/// crun refuses a machine with both cgroup hierarchies, and runc would make ten directories on it: on such a machine
/// both get the one unified hierarchy to see, as they would on a current one.
fn one_hierarchy(crew: &mut Crew) {
    if Path::new("/sys/fs/cgroup/unified").is_dir() {
        // If it does not work, the runtimes say so themselves.
        crew.look(Who::Stage, &["umount", "-R", "/sys/fs/cgroup"]).ok();
        crew.look(Who::Stage, &["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"]).ok();
    }
}

fn installed(program: &str) -> Outcome<String> {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .map(|directory| format!("{directory}/{program}"))
        .find(|path| Path::new(path).is_file())
        .ok_or_else(|| format!("{program} is not installed"))
}
