//! A crash while it is root, and the core it might leave where the caller is.

use crate::common::attacker::rounds;
use crate::common::call::Call;
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::common::{WWW, process, seen};
use std::fs;
use std::os::unix::fs::chown;
use std::time::Duration;

/// A directory of the caller's own, with everything set for a core to be written there.
fn place_for_a_core(user: &User) -> Scratch {
    let place = Scratch::new(&user.name);
    chown(&place.0, Some(WWW), Some(WWW)).unwrap();
    place
}

fn in_wait_of_a_core(user: &User, place: &Scratch, command: &[&str], also: fn() -> std::io::Result<()>) -> Call {
    let at = place.0.clone();
    user.call(command).by(0, 0).after(move || {
        process::limit(libc::RLIMIT_CORE, libc::RLIM_INFINITY)?;
        std::env::set_current_dir(&at)?;
        also()?;
        process::become_user(WWW, WWW)
    })
}

fn files_in(dir: &std::path::Path) -> Vec<std::ffi::OsString> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_signal_of_a_crash_at_any_instant_leaves_no_core_and_no_half_made_jail() {
    let user = User::new();
    let place = place_for_a_core(&user);
    let rounds = rounds(40);
    for round in 0..rounds {
        if round % 2 == 0 {
            seen::take_down(user.uid);
        }
        let running = in_wait_of_a_core(&user, &place, &["true"], || Ok(())).start();
        std::thread::sleep(Duration::from_micros(u64::from(round % 40) * 100));
        // Only root could send it to root.
        running.signal([libc::SIGSEGV, libc::SIGABRT, libc::SIGQUIT, libc::SIGILL][round as usize % 4]);
        running.end();
    }
    println!("{rounds} rounds");
    assert_eq!(files_in(&place.0), [""; 0]);
    // And a program's own crash leaves none either: its limit is a byte, and the shell counts blocks.
    assert_eq!(user.run(&["sh", "-c", "ulimit -c; ulimit -Hc; kill -SEGV $$"]).text(), "0\n0");
    assert_eq!(files_in(std::path::Path::new(&user.home)), [""; 0]);
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_who_makes_it_crash_as_root_by_taking_the_clock_away_gets_no_core_and_leaves_nothing() {
    let user = User::new();
    let place = place_for_a_core(&user);
    let no_clock = || {
        const SIGSEGV_AT_THE_COUNTER: libc::c_int = 2;
        // SAFETY: numbers. The flag outlives execve, a setuid program's too.
        process::said(unsafe { libc::prctl(libc::PR_SET_TSC, SIGSEGV_AT_THE_COUNTER, 0, 0, 0) }).map(|_| ())
    };
    let done = in_wait_of_a_core(&user, &place, &["true"], no_clock).start().end();
    // Where the clock is not read from the processor's counter nothing happens.
    let source = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource").unwrap();
    if ["tsc", "kvm-clock"].contains(&source.trim()) {
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&done.status), Some(libc::SIGSEGV), "{}", done.err);
        user.leaves_nothing();
    }
    assert_eq!(files_in(&place.0), [""; 0]);
    user.run(&["true"]).well();
}
