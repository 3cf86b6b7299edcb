//! The second wall of jails in the host's network, where abstract unix sockets have one space of names for all.

use crate::common::call::{Call, Done};
use crate::common::user::User;
use crate::common::{program, seen};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

/// Whether this kernel has scopes: since version 6 of Landlock's interface.
fn has_scopes() -> bool {
    // SAFETY: asked for its version, the kernel reads no memory.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0, 0, 1) >= 6 }
}

/// What a knock is answered with: nothing, or the errno of a barred one.
fn barred() -> String {
    if has_scopes() { libc::EPERM.to_string() } else { String::new() }
}

/// A piece of Python that knocks at an abstract socket, and prints the errno of a refusal.
fn knock(kind: &str, name: &str) -> String {
    format!(
        "import socket\ntry: socket.socket(socket.AF_UNIX, socket.{kind}).connect(b'\\0{name}')\nexcept OSError as e: print(e.errno)"
    )
}

fn in_host_network() -> User {
    User::with(&["--network", "host"])
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_in_the_host_s_network_reaches_none_of_the_host_s_abstract_sockets() {
    let user = in_host_network();
    let name = |kind: &str| format!("trampoline-{kind}-{}", user.uid);
    let address = |kind: &str| SocketAddr::from_abstract_name(name(kind)).unwrap();
    let _stream = UnixListener::bind_addr(&address("stream")).unwrap();
    let _datagram = UnixDatagram::bind_addr(&address("datagram")).unwrap();
    assert_eq!(user.python(&knock("SOCK_STREAM", &name("stream"))), barred());
    assert_eq!(user.python(&knock("SOCK_DGRAM", &name("datagram"))), barred());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn sessions_in_the_host_s_network_are_apart_and_each_is_one() {
    let (one, two) = (in_host_network(), in_host_network());
    let name = format!("trampoline-session-{}", one.uid);
    let serve = format!(
        "import socket, subprocess, sys, time\ns = socket.socket(socket.AF_UNIX)\ns.bind(b'\\0{name}')\ns.listen()\n\
         child = subprocess.Popen(['sleep', '60'])\nchild.terminate()\nassert child.wait() == -15\n\
         open('said', 'wb').write(subprocess.check_output([sys.executable, '-I', '-c', sys.argv[1]]))\n\
         open('ready', 'w')\ntime.sleep(60)"
    );
    let ready = one.in_home("ready");
    let serving = one.call(&["python3", "-I", "-c", &serve, &knock("SOCK_STREAM", &name)]).start();
    assert!(seen::within(Duration::from_secs(10), || ready.exists()));
    assert_eq!(std::fs::read_to_string(one.in_home("said")).unwrap(), "", "a child of the session's own");
    assert_eq!(two.python(&knock("SOCK_STREAM", &name)), barred(), "another user's jail");
    assert_eq!(one.python(&knock("SOCK_STREAM", &name)), barred(), "the same jail in another session");
    serving.signal(libc::SIGTERM);
    serving.end();
}

/// Runs trampoline as root under strace; what it traced is in the file.
fn traced(user: &User, inject: &[&str], words: &[&str]) -> (Done, String) {
    let out = std::env::temp_dir().join(format!("trampoline-landlock-{}", user.uid));
    let mut strace: Vec<String> = ["-f", "-qq", "-o", out.to_str().unwrap(), "-e", "trace=/^landlock"].map(String::from).into();
    strace.extend(inject.iter().flat_map(|inject| ["-e".into(), format!("inject={inject}")]));
    strace.push(program("trampoline").to_str().unwrap().into());
    let done = Call::of("/usr/bin/strace", strace.iter().map(String::as_str).chain(words.iter().copied())).by(0, 0).run();
    let trace = std::fs::read_to_string(&out).unwrap();
    std::fs::remove_file(out).unwrap();
    (done, trace)
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_kernel_without_it_loses_nothing_and_explain_says_so() {
    let user = in_host_network();
    let says = |done: Done| done.well().lines().find(|line| line.starts_with("spaces ")).unwrap().to_owned();
    let bars = "; the host's net, without its abstract sockets (Landlock)";
    assert_eq!(says(Call::new(["--explain", &user.name]).by(0, 0).run()).ends_with(bars), has_scopes());
    for errno in ["ENOSYS", "EOPNOTSUPP", "E2BIG"] {
        let inject = format!("landlock_create_ruleset:error={errno}");
        let (done, trace) = traced(&user, &[&inject], &user.words(&["id", "-u"]));
        assert_eq!(done.well(), user.uid.to_string(), "{errno}");
        assert!(trace.contains("(INJECTED)") && !trace.contains("landlock_restrict_self"), "{errno}: {trace}");
        let (done, _) = traced(&user, &[&inject], &["--explain", &user.name]);
        assert!(says(done).ends_with("(Landlock since Linux 6.12 would bar them)"), "{errno}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_kernel_that_has_it_and_fails_runs_nothing() {
    let user = in_host_network();
    for inject in ["landlock_create_ruleset:error=EMFILE", "landlock_restrict_self:error=E2BIG"] {
        let (done, trace) = traced(&user, &[inject], &user.words(&["id", "-u"]));
        if trace.contains("(INJECTED)") {
            assert!(done.failed(125).contains("cannot keep apart the session"), "{inject}: {}", done.err);
        } else {
            // Without scopes the second call is never made.
            assert!(!has_scopes() && done.code() == 0, "{inject}: {trace}");
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_without_network_does_not_pay_for_it() {
    let user = User::new();
    let (done, trace) = traced(&user, &[], &user.words(&["id", "-u"]));
    assert_eq!((done.well(), trace.as_str()), (user.uid.to_string(), ""));
}
