//! What trampoline asks of the kernel, call by call, in a real entry by uid 33: in which order, on which paths, and what of it
//! with root's rights. What is not on these lists was not thought about.

use crate::common::WWW;
use crate::common::image;
use crate::common::trace::{Call, Process, Scratch, Trace};
use crate::common::user::User;
use crate::common::{LOG, RUN, STATE, program};
use std::collections::BTreeSet;

/// A cold and a warm entry of one user, traced.
fn entries(user: &User) -> [Trace; 2] {
    [true, false].map(|cold| Trace::entry(user, cold, &[]))
}

/// What a C library does before `main`, and what it asks for memory; none of it names a file of the caller's.
fn is_of_the_c_library(call: &Call) -> bool {
    let memory = ["brk", "mmap", "munmap", "mremap", "mprotect", "madvise"];
    let start = ["arch_prctl", "set_tid_address", "set_robust_list", "rseq", "getrandom"];
    let text = call.arguments.as_str();
    memory.contains(&call.name.as_str())
        || start.contains(&call.name.as_str())
        || (call.name == "execve" && text.starts_with(&format!("\"{}\"", program("trampoline").display())))
        || (call.name == "access" && text.starts_with("\"/etc/suid-debug\""))
        || (call.name == "readlink" && text.starts_with("\"/proc/self/exe\""))
        || (call.name == "prlimit64" && text.starts_with("0, RLIMIT_STACK, NULL"))
        || (call.name == "fcntl" && text.ends_with("F_GETFD"))
        || (call.name == "poll" && text.contains("fd=0"))
}

/// The names of calls, each once for as long as it is repeated.
fn names<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<&'a str> {
    let mut names: Vec<&str> = calls.into_iter().map(|c| c.name.as_str()).collect();
    names.dedup();
    names
}

fn set<'a>(calls: impl IntoIterator<Item = &'a Call>) -> BTreeSet<&'a str> {
    names(calls).into_iter().collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_first_thing_it_does_is_to_leave_its_caller_s_reach_and_the_first_twelve_are_these() {
    let user = User::new();
    for trace in entries(&user) {
        let calls = &trace.supervisor().calls;
        let own = calls.iter().skip_while(|c| is_of_the_c_library(c));
        let mut first: Vec<&str> = Vec::new();
        for call in own {
            // musl asks fstat where glibc asks newfstatat, and holds all signals back while it changes ids.
            let name = if call.name == "newfstatat" { "fstat" } else { call.name.as_str() };
            if !first.contains(&name) && !is_of_the_c_library(call) && name != "rt_sigprocmask" {
                first.push(name);
            }
        }
        let expected = [
            "getresuid",
            "getresgid",
            "setresuid",
            "setresgid",
            "setgroups",
            "prctl",
            "close_range",
            "prlimit64",
            "fcntl",
            "fstat",
            "rt_sigaction",
            "setitimer",
        ];
        assert_eq!(first[..12], expected);
        let held = calls.iter().position(|c| c.name == "rt_sigprocmask" && c.arguments.starts_with("SIG_SETMASK, ~[")).unwrap();
        assert!(calls[..held].iter().all(|c| is_of_the_c_library(c) || c.path().is_none()), "a path before signals are held");
        // The two questions before it change nothing; what comes after it the caller can neither stop nor kill.
        let find = |name: &str| calls.iter().find(|c| c.name == name).unwrap();
        assert_eq!(find("setresuid").arguments, "0, 0, 0");
        assert_eq!(find("setresgid").arguments, "0, 0, 0");
        assert_eq!(find("setgroups").arguments, "0, []");
        assert_eq!(find("close_range").arguments, "3, 4294967295, 0");
        let cores = calls.iter().position(|c| c.name == "prctl" && c.arguments.contains("PR_SET_DUMPABLE, SUID_DUMP_DISABLE"));
        assert!(cores < calls.iter().position(|c| c.name == "close_range"), "{cores:?}");
        let first_path = calls.iter().filter(|c| !is_of_the_c_library(c)).find_map(Call::path).unwrap();
        assert_eq!(first_path, "/proc/1/ns/mnt", "a path is looked up before everything is put right");
    }
}

/// The calls of all processes of trampoline's own while they have root's rights.
fn privileged<'a>(user: &User, trace: &'a Trace) -> Vec<&'a Call> {
    let (outside, inside) = (trace.supervisor().around_the_drop(WWW).0, trace.init().around_the_drop(user.uid).0);
    outside.iter().chain(inside).collect()
}

/// A path of the trace with what differs between two users and two runs taken out.
fn template(user: &User, path: &str) -> String {
    let own = |path: &str| path.replace(&user.name, "NAME").replace(&user.uid.to_string(), "UID");
    let (head, tail) = path.strip_prefix("/proc/").map_or(("", path), |rest| {
        let end = rest.find('/').unwrap_or(rest.len());
        if rest[..end].len() > 1 && rest[..end].parse::<u32>().is_ok() { ("/proc/self", &rest[end..]) } else { ("", path) }
    });
    head.to_owned() + &own(tail)
}

/// Every path that root's rights look up in an entry, and all that can be said of each: the host's, the holder's, or the jail's
/// as it grows below `/root` of its own namespace.
fn known(user: &User) -> BTreeSet<String> {
    let (state, run) = (STATE, RUN);
    let generation = std::fs::read_link(format!("{state}/images/host/current")).unwrap().display().to_string();
    let image = format!("{state}/images/host/{generation}");
    let manifest = std::fs::read_to_string(format!("{image}/image")).unwrap();
    let shown = manifest.lines().find_map(|l| l.strip_prefix("host = ")).unwrap();
    let mut known: Vec<String> = [
        "/proc/1/ns/mnt",
        "/proc/2/ns/mnt",
        "/proc/self/ns",
        "/proc/self/ns/mnt",
        "/proc/self/ns/net",
        "/proc/self/ns/ipc",
        "/proc/self/ns/uts",
        "/proc/self/ns/pid",
        "/home/NAME",
        "/",
        "/ns",
        "/ns/net",
        "/ns/ipc",
        "/ns/uts",
        "/pins",
        "/pins/UID",
        "/template",
        "/dev",
        // In a procfs of the entry's own: what is looked up in the host's stays there as long as the jail.
        "/sys/kernel/shmall",
        "/sys/kernel/msgmni",
        "/sys/kernel/sem",
        "/root/proc/1/oom_score_adj",
        "/root",
        "/root/etc/passwd",
        "/root/etc/group",
        "/root/dev",
        "/root/dev/pts",
        "/root/dev/shm",
        "/root/home",
        "/root/home/NAME",
        "/root/tmp",
        "/root/var/tmp",
        "/root/proc",
    ]
    .map(str::to_owned)
    .into();
    known.extend(
        ["", "/by-name", "/by-name/NAME", "/UID", "/UID/.", "/UID/spec", "/UID/passwd", "/UID/group", "/UID/parents", "/UID/tmp"]
            .map(|p| format!("{state}/jails{p}")),
    );
    known.extend(["", "/host", "/host/current"].map(|p| format!("{state}/images{p}")));
    known.extend(["", "/image", "/root"].map(|p| format!("{image}{p}")));
    known.extend([run.to_owned(), format!("{run}/."), format!("{run}/holder"), LOG.to_owned()]);
    known.extend(shown.split(' ').flat_map(|dir| [format!("/{dir}"), format!("/root/{dir}")]));
    known.into_iter().map(|path| template(user, &path)).collect()
}

/// Calls that look a path up and change nothing.
const LOOKING: [&str; 9] = ["openat", "openat2", "open", "readlinkat", "connect", "chdir", "chroot", "newfstatat", "statx"];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_paths_it_looks_up_with_root_s_rights_are_these_and_no_others() {
    let user = User::new();
    let known = known(&user);
    for trace in entries(&user) {
        for call in
            privileged(&user, &trace).into_iter().filter(|c| LOOKING.contains(&c.name.as_str()) && !is_of_the_c_library(c))
        {
            let Some(path) = call.path() else { continue };
            let relative = ["chdir", "chroot"].contains(&call.name.as_str()) && ["/root", "/.", "/"].contains(&path.as_str());
            assert!(relative || known.contains(&template(&user, &path)), "{call:?}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_symbolic_link_is_followed_with_root_s_rights_but_those_of_proc() {
    let user = User::new();
    for trace in entries(&user) {
        for call in privileged(&user, &trace).into_iter().filter(|c| !is_of_the_c_library(c)) {
            let path = call.path().unwrap_or_default();
            let of_proc = path.starts_with("/proc/") || call.arguments.contains("</proc/");
            match call.name.as_str() {
                "openat2" => assert!(
                    call.arguments.contains("RESOLVE_NO_SYMLINKS") && call.arguments.contains("RESOLVE_NO_MAGICLINKS"),
                    "{call:?}"
                ),
                // The namespaces of process 1 and of its own; and a new file, which a link in its place makes fail.
                "openat" => {
                    let is_new = ["O_CREAT|O_EXCL", "O_NOFOLLOW"].iter().all(|flags| call.arguments.contains(flags));
                    assert!(of_proc || is_new, "{call:?}");
                }
                "open" => assert!(of_proc, "{call:?}"),
                "stat" | "lstat" | "readlink" | "creat" => panic!("{call:?}"),
                "newfstatat" | "statx" => assert!(call.arguments.contains("AT_EMPTY_PATH"), "{call:?}"),
                "open_tree" | "mount_setattr" => assert_eq!(call.texts()[0], "", "{call:?}"),
                "move_mount" => assert_eq!(call.texts()[..2], ["", ""], "{call:?}"),
                _ => {}
            }
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_path_leads_a_write_of_root_s_below_what_a_user_owns() {
    let user = User::new();
    let writing = [
        "mkdir",
        "mkdirat",
        "mknod",
        "mknodat",
        "symlink",
        "symlinkat",
        "link",
        "linkat",
        "unlink",
        "unlinkat",
        "rmdir",
        "rename",
        "renameat",
        "renameat2",
        "chmod",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "chown",
        "lchown",
        "fchown",
        "fchownat",
        "truncate",
        "ftruncate",
        "utime",
        "utimes",
        "utimensat",
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "mount",
        "umount2",
        "pivot_root",
        "creat",
        "write",
        "pwrite64",
        "writev",
        "sendfile",
        "fallocate",
    ];
    let writes = |call: &&Call| {
        let opens = call.name.starts_with("open")
            && ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_TMPFILE"].iter().any(|f| call.arguments.contains(f));
        opens || writing.contains(&call.name.as_str())
    };
    // Names in directories that nobody else has ever seen: a procfs that goes at once, a new jail's namespace; and the pin.
    let new = [
        "openat2 /sys/kernel/shmall",
        "openat2 /sys/kernel/msgmni",
        "openat2 /sys/kernel/sem",
        "write /sys/kernel/shmall/16384",
        "write /sys/kernel/msgmni/64",
        "write /sys/kernel/sem/250 32000 32 128",
        "openat /ns/net",
        "openat /ns/ipc",
        "openat /ns/uts",
        "openat /pins/UID",
    ];
    // And the session's own procfs, in which there is only the process itself.
    let own = [
        "mount \"proc\", \"proc\", \"proc\", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL",
        "openat2 /root/proc/1/oom_score_adj",
        "write /root/proc/1/oom_score_adj/0\\n",
        "write a line of the log",
    ];
    for (trace, expected) in entries(&user).iter().zip([&new[..], &[]]) {
        let mut found: Vec<String> = privileged(&user, trace)
            .into_iter()
            .filter(writes)
            .map(|call| match call.name.as_str() {
                "mount" => format!("mount {}", call.arguments),
                // The new name comes after the descriptor.
                "symlinkat" => format!("symlinkat /{}", call.texts()[1]),
                "write" if call.arguments.contains("<socket:") => "write a line of the log".to_owned(),
                name => format!("{name} {}", template(&user, &call.path().unwrap_or_default())),
            })
            .collect();
        // A young holder may refuse a jail's first copies; then its place is removed, and made again.
        found.retain(|call| call != "unlinkat /pins/UID");
        let mut expected = [expected, &own].concat();
        found.sort();
        found.dedup();
        expected.sort();
        assert_eq!(found, expected);
    }
}

/// What can be mounted, and with which flags it came to be: the calls that made a descriptor, in order.
fn flags_of(calls: &[&Call], at: usize) -> String {
    let mut wanted = calls[at].first_descriptor();
    // A duplicate is what it is a duplicate of.
    if let Some(copy) = calls[..at].iter().rfind(|c| c.arguments.contains("F_DUPFD") && c.made() == wanted) {
        wanted = copy.first_descriptor();
    }
    let made =
        calls[..at].iter().rposition(|c| ["open_tree", "fsmount"].contains(&c.name.as_str()) && c.made() == wanted).unwrap();
    let given = calls[made..at].iter().filter(|c| c.name == "mount_setattr" && c.first_descriptor() == wanted);
    given.fold(calls[made].arguments.clone(), |all, c| all + " " + &c.arguments)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_mount_has_its_flags_before_anybody_can_reach_it() {
    let user = User::new();
    let trace = Trace::entry(&user, true, &[]);
    let calls = privileged(&user, &trace);
    let mut hung = 0;
    for (at, call) in calls.iter().enumerate().filter(|(_, c)| c.name == "move_mount") {
        // The template's /dev had its flags before there was a jail; tests/jail/mounts.rs looks at them.
        if call.arguments.split('>').next().is_some_and(|moved| moved.ends_with("</dev")) {
            continue;
        }
        let flags = flags_of(&calls, at);
        let namespace = ["net:[", "ipc:[", "uts:[", "mnt:["].iter().any(|kind| flags.contains(kind));
        assert!(namespace || flags.contains("MOUNT_ATTR_NOSUID"), "{call:?}: {flags}");
        let terminal = call.arguments.contains("/dev/pts>");
        assert_eq!(flags.contains("MOUNT_ATTR_NODEV"), !(namespace || terminal), "{call:?}: {flags}");
        hung += usize::from(!namespace);
    }
    assert!(hung >= 10, "{hung} mounts: the test looks at the wrong calls");
    // The remount of a bind mount in two steps, as mount(8) may do it, is not among the calls at all.
    assert!(calls.iter().all(|c| c.name != "mount" || !c.arguments.contains("MS_BIND")), "{calls:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn only_file_systems_without_a_device_and_without_a_server_are_ever_mounted() {
    let user = User::new();
    for trace in entries(&user) {
        for call in privileged(&user, &trace) {
            match call.name.as_str() {
                "fsopen" => assert!(["tmpfs", "devpts", "proc"].contains(&call.texts()[0].as_str()), "{call:?}"),
                "mount" => assert_eq!(call.texts(), ["proc", "proc", "proc"]),
                "fspick" | "swapon" | "quotactl" => panic!("{call:?}"),
                "ioctl" => assert!(["SIOCSIFFLAGS", "FIONBIO"].iter().any(|what| call.arguments.contains(what)), "{call:?}"),
                "unshare" | "clone3" | "setns" => assert!(!call.arguments.contains("CLONE_NEWUSER"), "{call:?}"),
                _ => {}
            }
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_but_these_calls_is_made_after_the_drop() {
    let user = User::new();
    let dropping = ["setresuid", "capget", "capset", "prctl", "getresuid", "getresgid", "getgroups"];
    let memory = ["brk", "mmap", "munmap", "mremap", "madvise", "mprotect"];
    let supervising = ["close", "rt_sigtimedwait", "wait4", "exit_group", "clock_gettime"];
    let being_process_1 = [
        "seccomp",
        "chdir",
        "sched_setscheduler",
        "getpriority",
        "ioprio_set",
        "personality",
        "signalfd4",
        "clone",
        "close",
        "wait4",
        "poll",
        "read",
        "exit_group",
    ];
    for trace in entries(&user) {
        let allowed = |more: &[&'static str]| dropping.iter().chain(&memory).chain(more).copied().collect::<BTreeSet<&str>>();
        let is_within = |process: &Process, uid: u32, allowed: &BTreeSet<&str>| {
            let after = set(process.around_the_drop(uid).1);
            // musl holds all signals back while it changes ids.
            let strange: Vec<_> = after.difference(allowed).filter(|name| **name != "rt_sigprocmask").collect();
            assert!(strange.is_empty(), "{strange:?} after the drop to {uid}");
        };
        is_within(trace.supervisor(), WWW, &allowed(&supervising));
        is_within(trace.init(), user.uid, &allowed(&being_process_1));
        let launch: Vec<&str> = trace.program().calls.iter().take(4).map(|c| c.name.as_str()).collect();
        assert_eq!(launch, ["setsid", "rt_sigprocmask", "close_range", "execve"]);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn groups_go_before_the_gid_and_the_gid_before_the_uid_and_each_is_looked_at_again() {
    let user = User::with(&["--group", "29991"]);
    for trace in entries(&user) {
        for (process, uid, groups) in [(trace.supervisor(), WWW, "0, []"), (trace.init(), user.uid, "1, [29991]")] {
            let (before, after) = process.around_the_drop(uid);
            let own = before.iter().rev().filter(|c| c.name != "rt_sigprocmask");
            let last: Vec<(&str, &str)> = own.take(2).map(|c| (c.name.as_str(), c.arguments.as_str())).collect();
            let four = format!("{uid}, {uid}, {uid}");
            assert_eq!(last, [("setresgid", four.as_str()), ("setgroups", groups)]);
            let tries = |c: &&Call| c.name == "setresuid" && c.arguments == "-1, 0, -1" && c.result.contains("EPERM");
            assert_eq!(after.iter().filter(tries).count(), 1, "the way back was not tried");
            for question in ["getresuid", "getresgid", "getgroups", "capget"] {
                assert!(after.iter().any(|c| c.name == question), "{question} is not asked");
            }
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_first_program_after_its_own_is_the_target_s_and_starts_without_privilege() {
    let user = User::new();
    for trace in entries(&user) {
        let executes = |process: &Process| process.calls.iter().filter(|c| c.name.starts_with("execve")).count();
        assert_eq!(executes(trace.supervisor()), 1, "its own");
        assert_eq!(executes(trace.init()), 0);
        let (before, after) = trace.init().around_the_drop(user.uid);
        assert!(before.iter().all(|c| !["clone", "fork", "vfork", "clone3"].contains(&c.name.as_str())));
        let at = |name: &str| after.iter().position(|c| c.name == name).unwrap();
        assert!(at("seccomp") < at("clone"), "the filter comes before the launch");
        assert_eq!(trace.program().calls[3].texts(), ["/bin/true", "/bin/true"]);
        assert_eq!(trace.0.len(), 3, "one process became three");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_descriptor_it_opens_is_closed_by_an_execve() {
    let user = User::new();
    for trace in entries(&user) {
        for call in [trace.supervisor(), trace.init()].iter().flat_map(|p| &p.calls).filter(|c| c.worked()) {
            let opens = call.name.starts_with("open")
                || ["socket", "pipe2", "fsopen", "fsmount", "signalfd4"].contains(&call.name.as_str());
            let copies = call.name == "fcntl" && call.arguments.contains("F_DUPFD");
            assert!(!(opens || copies) || call.arguments.contains("CLOEXEC"), "{call:?}");
            assert!(
                !["dup", "dup2", "pipe", "socketpair", "accept", "recvmsg", "creat"].contains(&call.name.as_str()),
                "{call:?}"
            );
        }
    }
}

/// What libraries, interpreters and shells have been led astray by; the values point to what an attacker can write.
const POISON: [(&str, &str); 30] = [
    ("LD_PRELOAD", "/tmp/x.so"),
    ("LD_AUDIT", "/tmp/x.so"),
    ("LD_LIBRARY_PATH", "/tmp"),
    ("LD_DEBUG", "all"),
    ("LD_DEBUG_OUTPUT", "/tmp/x"),
    ("LD_PROFILE", "libc.so.6"),
    ("LD_PROFILE_OUTPUT", "/tmp"),
    ("LD_PREFER_MAP_32BIT_EXEC", "1"),
    ("GLIBC_TUNABLES", "glibc.malloc.mxfast=glibc.malloc.mxfast=A"),
    ("GCONV_PATH", "/tmp"),
    ("CHARSET", "X"),
    ("OUTPUT_CHARSET", "X"),
    ("LOCPATH", "/tmp"),
    ("NLSPATH", "/tmp/%N"),
    ("LC_ALL", "../../tmp/x"),
    ("LANGUAGE", "/tmp/x"),
    ("TZ", ":/tmp/x"),
    ("TZDIR", "/tmp"),
    ("HOSTALIASES", "/tmp/x"),
    ("LOCALDOMAIN", "x"),
    ("RES_OPTIONS", "attempts:9"),
    ("RESOLV_HOST_CONF", "/tmp/x"),
    ("MALLOC_CHECK_", "3"),
    ("MALLOC_TRACE", "/tmp/x"),
    ("TMPDIR", "/tmp/x"),
    ("RUST_BACKTRACE", "full"),
    ("RUST_LOG", "trace"),
    ("RUST_MIN_STACK", "garbage"),
    ("HOME", "/root"),
    ("LIBMOUNT_FORCE_MOUNT2", "always"),
];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_poisoned_environment_makes_it_ask_the_kernel_nothing_else() {
    let user = User::new();
    // The first entry of all makes the holder.
    user.ensure();
    // Up to the launch; how often it is waited for the program after that is a matter of chance.
    let until = |process: &Process, last: &str| -> BTreeSet<String> {
        let own = process.calls.iter().take_while(|c| c.name != last);
        let own = own.filter(|c| !["execve", "brk", "mmap"].contains(&c.name.as_str()));
        // Where a young holder refuses a pin there are calls more.
        let more = ["sched_", "unlinkat ", "getrandom "];
        own.map(|c| format!("{} {:?}", c.name, c.texts())).filter(|c| !more.iter().any(|m| c.starts_with(m))).collect()
    };
    let asked = |cold, variables: &[(&str, &str)]| {
        let trace = Trace::entry(&user, cold, variables);
        [until(trace.supervisor(), "rt_sigtimedwait"), until(trace.init(), "clone")]
    };
    // The line of the log, with its number.
    let by_chance = |c: &String| c.starts_with("write [\"<86>trampoline[");
    for cold in [true, false] {
        let differing = || -> BTreeSet<String> {
            let (clean, poisoned) = (asked(cold, &[]), asked(cold, &POISON));
            let differing = clean.iter().zip(&poisoned).flat_map(|(clean, poisoned)| clean.symmetric_difference(poisoned));
            differing.filter(|c| !by_chance(c)).cloned().collect()
        };
        // What the environment brings about it brings about each time; what else works on the machine does so once.
        let mut difference = differing();
        for _ in 0..3 {
            if !difference.is_empty() {
                println!("differing: {difference:#?}");
                difference = &difference & &differing();
            }
        }
        assert!(difference.is_empty(), "{difference:#?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_programs_of_the_tests_are_traced_as_uid_33_and_the_image_is_the_usual_one() {
    image::host();
    let user = User::new();
    let trace = Trace::entry(&user, false, &[]);
    let before = trace.supervisor().calls.iter().find(|c| c.name == "getresuid").unwrap();
    assert_eq!(before.arguments, "[33], [0], [0]", "the traces of this file are not those of a web server's call");
}

/// The note of a sweep in the holder, and what it is called while it is written.
const NOTE: [&str; 2] = ["marked", ".marked.new"];

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_sweep_asks_names_without_a_path_and_once_in_the_holder_opens_nothing_of_anybody_s() {
    let user = User::new();
    let sweeps = crate::common::sweep::ours();
    user.ensure();
    let mut said = Vec::new();
    for _ in 0..2 {
        let dir = Scratch::new(&user.name);
        let trace = Trace::of(&program("reaper"), "root", &POISON[10..], &[], &dir.0);
        assert_eq!(trace.0.len(), 1, "a sweep is one process");
        let calls = &trace.0[0].calls;
        assert_eq!(calls.iter().filter(|c| c.name.starts_with("exec")).count(), 1, "its own");
        let holder = format!("<{RUN}/holder>");
        let entered = calls.iter().position(|c| c.name == "setns" && c.arguments.contains(&holder)).unwrap();
        for call in calls[entered + 1..].iter().take_while(|c| c.name != "setns") {
            match call.name.as_str() {
                "umount2" => {
                    assert!(!call.texts()[0].contains('/') && call.arguments.ends_with("MNT_EXPIRE|UMOUNT_NOFOLLOW"), "{call:?}");
                    if call.texts()[0] == user.uid.to_string() {
                        said.push(call.worked());
                    }
                }
                "openat2" => {
                    let path = call.path().unwrap();
                    let ours = ["/", "/pins", "/pins/."].contains(&path.as_str()) || path.starts_with(&format!("{STATE}/jails/"));
                    assert!(ours && call.arguments.contains("RESOLVE_NO_SYMLINKS"), "{call:?}");
                }
                "newfstatat" => assert!(
                    call.arguments.contains("AT_EMPTY_PATH") || call.arguments.contains("AT_SYMLINK_NOFOLLOW"),
                    "{call:?}"
                ),
                "unlinkat" => {
                    let place =
                        call.arguments.contains("</pins>") || call.texts().iter().all(|name| NOTE.contains(&name.as_str()));
                    assert!(place && !call.arguments.contains("AT_REMOVEDIR"), "{call:?}");
                }
                // The table of the holder's own mounts, and the note of whom the sweep marked.
                "openat" => {
                    let note = call.arguments.contains("</>, \".marked.new\"") && call.arguments.contains("O_EXCL|O_NOFOLLOW");
                    assert!(note || call.arguments.contains("</proc>, \"self/mountinfo\""), "{call:?}");
                }
                "renameat" => assert_eq!(call.texts(), [NOTE[1], NOTE[0]], "{call:?}"),
                "open" | "creat" | "rename" | "renameat2" | "unlink" | "rmdir" | "mount" | "chdir" | "chmod" | "chown"
                | "fchmodat" | "fchownat" | "clone" | "clone3" | "fork" | "vfork" => panic!("{call:?}"),
                _ => {}
            }
        }
    }
    drop(sweeps);
    assert_eq!(said, [false, true], "marked, then unmounted");
}
