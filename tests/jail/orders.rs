//! What the caller can do to a session that runs: hand signals on, stop it, kill it.

use crate::common::call::Running;
use crate::common::seen;
use crate::common::user::User;
use std::time::Duration;

/// A program that answers the signals it gets by writing their numbers into its home.
fn listener(user: &User) -> Running {
    let text = "import signal, os\nfor s in (1, 2, 3, 10, 12, 14, 15, 18, 28):\n signal.signal(s, lambda n, f: print(n, file=open('heard', 'a')))\nopen('ready', 'w')\nwhile not os.path.exists('end'): signal.sigtimedwait([], 0.05)";
    let running = user.call(&["python3", "-I", "-c", text]).start();
    assert!(seen::within(Duration::from_secs(10), || user.in_home("ready").exists()));
    running
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn signals_to_the_supervisor_reach_the_program_once_each() {
    let user = User::new();
    let running = listener(&user);
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGALRM,
        libc::SIGTERM,
        libc::SIGCONT,
        libc::SIGWINCH,
    ] {
        running.signal(signal);
        let heard = || std::fs::read_to_string(user.in_home("heard")).unwrap_or_default();
        assert!(
            seen::within(Duration::from_secs(2), || heard().lines().last() == Some(&signal.to_string())),
            "{signal}: {}",
            heard()
        );
    }
    std::fs::write(user.in_home("end"), "").unwrap();
    assert_eq!(running.end().code(), 0);
    assert_eq!(std::fs::read_to_string(user.in_home("heard")).unwrap().lines().count(), 9);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_without_a_handler_ends_by_the_signal_its_supervisor_was_sent() {
    let user = User::new();
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGALRM] {
        let running = user.call(&["sleep", "60"]).start();
        assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
        running.signal(signal);
        assert_eq!(running.end().code(), 128 + signal);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_terminal_s_signal_reaches_all_that_runs_in_the_foreground() {
    let user = User::new();
    let running = user.call(&["sh", "-c", "sleep 61 & sleep 62; wait"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().filter(|(_, c)| c == "sleep").count() == 2));
    running.signal(libc::SIGINT);
    assert_eq!(running.end().code(), 128 + libc::SIGINT);
    assert_eq!(seen::processes(user.uid), []);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_killed_supervisor_takes_the_whole_session_with_it_within_a_second() {
    let user = User::new();
    let line = "trap '' HUP TERM INT; (sleep 61 &); setsid sleep 62 & while :; do sleep 1; done";
    let running = user.call(&["sh", "-c", line]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().filter(|(_, c)| c == "sleep").count() >= 3));
    running.signal(libc::SIGKILL);
    assert!(seen::within(Duration::from_secs(1), || seen::processes(user.uid).is_empty()), "{:?}", seen::processes(user.uid));
    running.end();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_supervisor_runs_as_its_caller_without_privilege() {
    let user = User::new();
    let running = user.call(&["sleep", "60"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    let status = || std::fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    assert!(seen::within(Duration::from_secs(2), || status().contains("Uid:\t33\t33\t33\t33\n")), "{}", status());
    let status = status();
    for line in [
        "Gid:\t33\t33\t33\t33\n",
        "CapInh:\t0000000000000000\n",
        "CapPrm:\t0000000000000000\n",
        "CapEff:\t0000000000000000\n",
        "NoNewPrivs:\t1\n",
    ] {
        assert!(status.contains(line), "{line} is not in {status}");
    }
    // uid 33 may end it; that is how a web server ends a request.
    let pid = running.pid().to_string();
    crate::common::call::Call::of("/bin/kill", ["-TERM", &pid]).run().well();
    assert_eq!(running.end().code(), 143);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_caller_cannot_look_into_the_supervisor_nor_the_user_s_processes() {
    let user = User::new();
    let running = user.call(&["sleep", "60"]).start();
    let sleeps = || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep");
    assert!(seen::within(Duration::from_secs(5), sleeps));
    let mut pids: Vec<u32> = seen::processes(user.uid).into_iter().map(|(pid, _)| pid).collect();
    pids.push(running.pid());
    for pid in pids {
        for what in ["environ", "mem", "fd/0", "root"] {
            let path = format!("/proc/{pid}/{what}");
            let done = crate::common::call::Call::of(
                "/usr/bin/python3",
                ["-I", "-c", &format!("import os\np = '{path}'\nos.readlink(p) if os.path.islink(p) else open(p).read(1)")],
            )
            .run();
            assert!(done.err.contains("Permission"), "{path}: {} {}", done.text(), done.err);
        }
    }
    running.signal(libc::SIGTERM);
    running.end();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_supervisor_that_was_stopped_and_continued_goes_on() {
    let user = User::new();
    let running = user.call(&["sh", "-c", "sleep 1; echo done"]).start();
    assert!(seen::within(Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
    running.signal(libc::SIGSTOP);
    std::thread::sleep(Duration::from_millis(100));
    running.signal(libc::SIGCONT);
    assert_eq!(running.end().well(), "done");
}
