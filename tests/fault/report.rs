//! What the probe saw, judged.

use super::scene::GROUP;
use super::start::KEYRING;
use crate::common::user::User;

/// The lines of the probe, in order: subject and what.
#[derive(Clone, Default, Debug)]
pub struct Report(Vec<(String, String)>);

/// Namespaces a session has of its own, or shares with its jail; and those it has from the host.
const OWN: [&str; 5] = ["mnt", "pid", "ipc", "uts", "net"];
const HOSTS: [&str; 3] = ["user", "cgroup", "time"];

/// What stands for a line that is not there.
const NOT_SAID: &str = "(not said)";

fn host(kind: &str) -> String {
    std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().display().to_string()
}

impl Report {
    /// A last line without its end was cut by a signal, and says nothing.
    pub fn read(text: &str) -> Self {
        Self(
            text.split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'))
                .filter_map(|line| line.split_once(": ").or(line.split_once(':')))
                .map(|(a, b)| (a.into(), b.into()))
                .collect(),
        )
    }

    /// Whether the program ran to its last line.
    pub fn is_complete(&self) -> bool {
        self.0.last().is_some_and(|(subject, _)| subject == "end")
    }

    fn one(&self, subject: &str) -> &str {
        self.0.iter().find(|(s, _)| s == subject).map_or(NOT_SAID, |(_, what)| what)
    }

    /// Which namespace it is.
    pub fn namespace(&self, kind: &str) -> &str {
        self.one(&format!("namespace {kind}"))
    }

    /// All that is not as expected. The namespaces are not those of the expected report, but none is the host's. Of a program
    /// that was ended the report may be cut, in the middle of its one write too; what it says until then counts.
    pub fn amiss(&self, expected: &Self, may_be_cut: bool) -> Vec<String> {
        let may_be_cut = may_be_cut && !self.is_complete();
        let lines = |report: &Self| -> Vec<String> {
            // What else the host mounts below what it shows is the host's affair, and may change at any time.
            let shown = |what: &str| what.split(' ').nth(1).is_some_and(|at| at.starts_with("/usr/") || at.starts_with("/opt/"));
            let kept = report.0.iter().filter(|(s, what)| !s.starts_with("namespace ") && (s != "mount" || !shown(what)));
            kept.map(|(subject, what)| format!("{subject}: {what}")).collect()
        };
        // A line that is there twice is there twice; in which order the kernel lists mounts is its own affair.
        let (mut found, mut amiss) = (lines(self), Vec::new());
        for line in lines(expected) {
            match found.iter().position(|other| *other == line) {
                Some(at) => drop(found.remove(at)),
                None if may_be_cut => {}
                None => amiss.push(format!("missing: {line}")),
            }
        }
        amiss.extend(found.iter().map(|line| format!("too much: {line}")));
        let said = |kind: &&&str| !may_be_cut || self.namespace(kind) != NOT_SAID;
        let kinds = OWN
            .iter()
            .filter(said)
            .filter(|kind| !self.namespace(kind).starts_with(**kind) || self.namespace(kind) == host(kind));
        amiss.extend(kinds.map(|kind| format!("not the jail's: {kind} {}", self.namespace(kind))));
        amiss.extend(
            HOSTS
                .iter()
                .filter(said)
                .filter(|kind| self.namespace(kind) != host(kind))
                .map(|kind| format!("not the host's: {kind}")),
        );
        amiss
    }

    /// What of uids, groups, capabilities and what takes them away is not as expected. A program without /proc can say less.
    pub fn privileges_amiss(&self, expected: &Self) -> Vec<String> {
        let subjects =
            ["asked", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];
        let seen = if self.0.is_empty() {
            &[][..]
        } else if self.one("root").starts_with('(') {
            &subjects[..1]
        } else {
            &subjects
        };
        let differ = seen.iter().filter(|subject| self.one(subject) != expected.one(subject));
        differ.map(|subject| format!("{subject}: {}", self.one(subject))).collect()
    }

    /// What the tracer saw at the start of an untouched run is what the program saw itself, but for what follows from where one
    /// looks from, and for SIGPIPE, which Rust's start ignores.
    #[track_caller]
    pub fn is_that_from_outside(&self, inside: &Self, user: &User) {
        const OTHERWISE: [&str; 3] = ["directory", "root", "SigIgn"];
        let told = |(subject, _): &&(String, String)| !OTHERWISE.contains(&subject.as_str()) && self.one(subject) != NOT_SAID;
        let all = |report: &Self| Self(report.0.iter().filter(told).cloned().collect());
        assert_eq!(all(self).amiss(&all(inside), false), [""; 0], "seen from outside");
        assert!(self.0.len() > 60, "so little was seen: {self:?}");
        // The place of the jail's tree in the jail's own mount namespace.
        let root = self.one("root");
        assert_eq!(self.one("directory"), format!("{root}{}", user.home));
        assert_eq!(self.one("SigIgn"), "0000000000000000");
    }

    /// The report that others are compared with says itself what a jail promises.
    #[track_caller]
    pub fn is_sound(&self, user: &User) {
        let uid = user.uid;
        let four = format!("{uid}\t{uid}\t{uid}\t{uid}");
        let none = "0000000000000000";
        let home = format!("{} can be", user.home);
        let asked = format!("[{uid}, {uid}, {uid}] [{uid}, {uid}, {uid}] 1 [{GROUP}] [0, 0, 0, 0, 0, 0] [] 1 2");
        for (subject, what) in [
            ("asked", asked.as_str()),
            ("Uid", &four),
            ("Gid", &four),
            ("Groups", GROUP),
            ("CapInh", none),
            ("CapPrm", none),
            ("CapEff", none),
            ("CapBnd", none),
            ("CapAmb", none),
            ("NoNewPrivs", "1"),
            ("Seccomp", "2"),
            ("Seccomp_filters", "1"),
            ("Umask", "0022"),
            ("SigBlk", none),
            ("NSpid", "2"),
            ("PPid", "1"),
            ("session", "2"),
            ("terminal", "0"),
            ("nice", "0"),
            ("policy", "0"),
            ("personality", "00000000"),
            ("directory", &user.home),
            ("root", "/"),
            ("open", "0 1 2"),
            ("hostname", "inner"),
            ("domainname", "nis"),
            ("loopback", "up"),
            ("processes", "2"),
            ("image", "cannot be written"),
            (&home, "written"),
            ("/tmp can be", "written"),
            ("/dev/shm can be", "written"),
            ("end", "of all that was looked at"),
        ] {
            assert_eq!(self.one(subject), what, "{subject} of an untouched run");
        }
        let all = |subject: &str| self.0.iter().filter(|(s, _)| s == subject).map(|(_, what)| what.as_str()).collect::<Vec<_>>();
        assert!(all("key").iter().all(|key| !key.contains(KEYRING)), "{:?}", all("key"));
        for limit in ["Max cpu time 77 77", "Max processes 55 55", "Max open files 99 99", "Max core file size 1 1"] {
            assert!(all("limit").iter().any(|l| l.starts_with(limit)), "{limit}: {:?}", all("limit"));
        }
        let flags = |at: &str| {
            let line =
                all("mount").into_iter().rev().find(|line| line.split(' ').nth(1) == Some(at)).unwrap_or_default().to_owned();
            line.split(' ').nth(2).unwrap_or_default().replace(",relatime", "")
        };
        for (at, wanted) in [
            ("/", "ro,nosuid,nodev"),
            ("/usr", "ro,nosuid,nodev"),
            ("/dev", "ro,nosuid,noexec"),
            ("/home", "ro,nosuid,nodev,noexec"),
            (&user.home, "rw,nosuid,nodev"),
            ("/tmp", "rw,nosuid,nodev"),
            ("/proc", "rw,nosuid,nodev,noexec"),
        ] {
            assert_eq!(flags(at), wanted, "{at}");
        }
        assert_eq!(self.amiss(self, false), Vec::<String>::new());
    }
}
