//! What schroot needs to know of the bench before it starts anything.
//!
//! It reads /etc/schroot, asks PAM and NSS about its user, and keeps sessions below /var/lib and /run. All of these
//! are covered inside the stage's mount namespace only: the machine's own configuration is never touched.

use std::fs;

use crate::Outcome;
use crate::crew::{Crew, Who};
use crate::stage::Scratch;

/// Gives schroot a chroot named `bench` and begins a session in it; returns the session's name.
pub fn ready(crew: &mut Crew, scratch: &mut Scratch, program: &str) -> Outcome<String> {
    let conf = scratch.path("schroot");
    crew.look(Who::Stage, &["cp", "-a", "/etc/schroot", &conf])?;
    // Nobody else's chroots: reading them is not part of the work, and they may be thousands.
    crew.look(Who::Stage, &["find", &format!("{conf}/chroot.d"), "-type", "f", "-delete"])?;
    // Its own scripts write /etc/debian_chroot inside, so it cannot have the read-only tree for a root.
    let base = scratch.path("skeleton");
    scratch.file(
        "schroot/chroot.d/bench",
        &format!(
            "[bench]\ntype=directory\ndirectory={base}\nusers=root,bench\nroot-users=root,bench\n\
             setup.fstab=bench/fstab\nsetup.copyfiles=\nsetup.nssdatabases=\n"
        ),
    )?;
    let (home, tmp) = (scratch.path("home"), scratch.path("tmp"));
    scratch.file(
        "schroot/bench/fstab",
        &format!(
            "/usr /usr none ro,bind,nosuid,nodev 0 0\nproc /proc proc nosuid,nodev,noexec 0 0\n/dev /dev none rw,bind 0 0\n\
             {home} /home/bench none rw,bind,nosuid,nodev 0 0\n{tmp} /tmp none rw,bind,nosuid,nodev 0 0\n\
             {tmp} /var/tmp none rw,bind,nosuid,nodev 0 0\n"
        ),
    )?;
    let known = |path: &str| fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"));
    scratch.file("passwd", &format!("{}bench:x:2001:2001::/home/bench:/bin/sh\n", known("/etc/passwd")?))?;
    scratch.file("group", &format!("{}bench:x:2001:\n", known("/etc/group")?))?;
    // Not a copy: nobody's password hash belongs into a scratch directory.
    scratch.file("shadow", "root:*:19000::::::\nbench:*:19000::::::\n")?;
    scratch.lend("/run/schroot")?;

    let mut steps = vec![format!("mount --bind {conf} /etc/schroot")];
    for name in ["passwd", "group", "shadow"] {
        steps.push(format!("mount --bind {} /etc/{name}", scratch.path(name)));
    }
    for place in ["/var/lib/schroot", "/run/schroot", "/run/lock"] {
        steps.push(format!("mount -t tmpfs -o mode=755 bench {place}"));
    }
    for place in ["session", "mount", "unpack", "union/overlay", "union/underlay"] {
        steps.push(format!("mkdir -p /var/lib/schroot/{place}"));
    }
    for step in &steps {
        let words: Vec<&str> = step.split(' ').collect();
        crew.look(Who::Stage, &words).map_err(|why| format!("{step}: {why}"))?;
    }
    crew.look(Who::Stage, &[program, "-b", "-c", "bench"])
}
