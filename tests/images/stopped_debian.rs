//! A build by Debian's own tools that a signal ends: they, all that they started and all that they mounted go with it.

use super::killed::running_in;
use super::{Own, Said, jailbase};
use crate::common::{process, program, seen};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One process, as far as it can be seen.
struct Seen {
    pid: u32,
    line: String,
    /// The inode of its pid namespace.
    space: u64,
}

fn processes() -> Vec<Seen> {
    let one = |name: String| {
        let pid = name.parse().ok()?;
        let line = String::from_utf8_lossy(&fs::read(format!("/proc/{name}/cmdline")).ok()?).replace('\0', " ");
        Some(Seen { pid, line, space: fs::metadata(format!("/proc/{name}/ns/pid")).ok()?.ino() })
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| one(entry.ok()?.file_name().into_string().ok()?)).collect()
}

/// The process of jailbase that builds this image.
fn builder(own: &Own) -> Option<Seen> {
    let line = format!("{} image build {} ", program("jailbase").display(), own.name);
    processes().into_iter().find(|one| one.line.starts_with(&line))
}

/// The pid namespace in which the tool works on this image, held open, so that no other gets its number.
fn space(own: &Own) -> Option<File> {
    let outside = [builder(own)?.space, fs::metadata("/proc/self/ns/pid").unwrap().ino()];
    // The shell that becomes the tool names it too.
    let names = |one: &&Seen| !outside.contains(&one.space) && one.line.contains("strap") && one.line.contains(&own.name);
    let tool = processes().iter().find(names)?.pid;
    File::open(format!("/proc/{tool}/ns/pid")).ok()
}

/// The mount tables in which something of the image is mounted, by their processes' command lines.
fn mounted(own: &Own) -> Vec<String> {
    let of = |one: Seen| {
        let table = fs::read_to_string(format!("/proc/{}/mountinfo", one.pid)).ok()?;
        table.contains(&format!("/{}/", own.name)).then_some(one.line)
    };
    processes().into_iter().filter_map(of).collect()
}

/// What the tools and apt have in the host's /tmp.
fn temporary() -> BTreeSet<String> {
    let names = fs::read_dir("/tmp").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| ["mmdebstrap", "debootstrap", "apt", "clearsigned"].iter().any(|of| name.starts_with(of))).collect()
}

/// Starts the build, sends the signal when something in the tool's namespace is as asked, and looks at what is left.
#[track_caller]
fn stopped(
    own: &Own,
    mut build: Command,
    (signal, code, name): (i32, i32, &str),
    to_all: bool,
    moment: fn(&Own, &[Seen]) -> bool,
) {
    let (before, temporary_before) = (own.names(), temporary());
    process::before_exec(&mut build, process::hear_signals);
    let build = build.env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").process_group(0).stdin(Stdio::null());
    let mut child = build.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut held = None;
    let mut there = Vec::new();
    let has_begun = seen::within(Duration::from_secs(120), || {
        held = held.take().or_else(|| space(own));
        let Some(held) = &held else { return child.try_wait().unwrap().is_some() };
        let number = held.metadata().unwrap().ino();
        there = processes().into_iter().filter(|one| one.space == number).collect();
        moment(own, &there) || child.try_wait().unwrap().is_some()
    });
    let lines: Vec<&String> = there.iter().map(|one| &one.line).collect();
    println!("{name} to {} processes: {lines:?}", lines.len());
    let sent = Instant::now();
    match builder(own) {
        Some(_) if to_all => process::signal_group(child.id(), signal),
        Some(builder) => process::kill(builder.pid, signal),
        None => {}
    }
    let said = Said::of(&child.wait_with_output().unwrap());
    assert!(has_begun && said.code == code, "{name}: {}: {}{}", said.code, said.out, said.err);
    assert!(sent.elapsed() < Duration::from_secs(10), "{name}: {:?}", sent.elapsed());
    let lines: Vec<&str> = said.err.lines().filter(|line| !line.contains(" so far") && !line.contains(" left")).collect();
    let reason = format!("{name} came; nothing was published, and it can be done again");
    assert!(lines.len() == 1 && lines[0].ends_with(&reason), "{}", said.err);
    assert_eq!((own.names(), said.out.as_str()), (before, ""), "{name}");
    let held = held.unwrap().metadata().unwrap().ino();
    let left = || processes().into_iter().filter(|one| one.space == held).map(|one| one.line).collect::<Vec<_>>();
    // What was killed is on its way out for a moment, and its mounts are as long.
    let is_gone = || left().is_empty() && running_in(own).is_empty() && mounted(own).is_empty();
    assert!(seen::within(Duration::from_secs(5), is_gone), "{name}: {:?} {:?} {:?}", left(), running_in(own), mounted(own));
    let new: Vec<_> = temporary().difference(&temporary_before).cloned().collect();
    assert!(new.is_empty(), "{name}: {new:?} in /tmp");
}

const TERM: (i32, i32, &str) = (libc::SIGTERM, 143, "SIGTERM");
const INT: (i32, i32, &str) = (libc::SIGINT, 130, "SIGINT");

/// It has begun.
fn begins(_: &Own, there: &[Seen]) -> bool {
    !there.is_empty()
}

/// It fetches lists or packages.
fn fetches(_: &Own, there: &[Seen]) -> bool {
    ["/apt/methods/", "wget "].iter().any(|word| there.iter().any(|one| one.line.contains(word)))
}

/// It runs packages' programs in the tree.
fn installs(own: &Own, there: &[Seen]) -> bool {
    let is_in = |one: &Seen| fs::read_link(format!("/proc/{}/root", one.pid)).is_ok_and(|root| root.starts_with(own.dir()));
    there.iter().any(|one| is_in(one) && one.line.contains("dpkg")) && !mounted(own).is_empty()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_of_debian_that_a_signal_ends_leaves_the_old_generation_nothing_running_and_nothing_mounted() {
    let (own, ..) = Own::of_words("stopped-debian", &["one"]);
    // A terminal's signals reach the tools as well, which have their own answer to them.
    let all = [
        (TERM, false, begins as fn(&Own, &[Seen]) -> bool),
        (INT, true, fetches),
        (INT, false, installs),
        (TERM, true, installs),
    ];
    for (signal, to_all, moment) in all {
        let mut build = Command::new(program("jailbase"));
        build.args(["image", "build", &own.name, "--from", "debian:bookworm"]);
        stopped(&own, build, signal, to_all, moment);
        assert_eq!((own.current(), own.names()), (1, ["1", "current", "last"].map(str::to_owned).to_vec()));
    }
    jailbase(["image", "verify", &own.name]).well();
    own.clear_image();
    // Where nothing was in service nothing is left at all.
    let mut build = Command::new(program("jailbase"));
    build.args(["image", "build", &own.name, "--from", "debian:bookworm"]);
    stopped(&own, build, TERM, false, fetches);
    assert!(!own.dir().exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_by_debootstrap_that_a_signal_ends_leaves_as_little() {
    let (own, ..) = Own::of_words("stopped-strap", &["one"]);
    for (signal, moment) in [(TERM, fetches as fn(&Own, &[Seen]) -> bool), (INT, installs)] {
        // A machine of its own, as far as mounts go, on which nobody installed mmdebstrap.
        let script = "set -e
mount -t tmpfs none \"$0\"
mkdir \"$0/upper\" \"$0/work\"
mount -t overlay none -o lowerdir=/usr/bin,upperdir=\"$0/upper\",workdir=\"$0/work\" /usr/bin
rm /usr/bin/mmdebstrap
exec \"$1\" image build \"$2\" --from debian:bookworm";
        let mut build = Command::new("unshare");
        build.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", script]);
        build.arg(&own.place).arg(program("jailbase")).arg(&own.name);
        stopped(&own, build, signal, false, moment);
        assert_eq!((own.current(), own.names()), (1, ["1", "current", "last"].map(str::to_owned).to_vec()));
    }
    jailbase(["image", "verify", &own.name]).well();
}
