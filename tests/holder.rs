//! The holder: made, lost and made again. Its own program, because it takes the holder from under every jail there is.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

#[path = "holder/run.rs"]
mod run;
#[path = "holder/young.rs"]
mod young;

use common::user::User;
use common::{RUN, STATE, process, program, reaped, seen};
use std::process::Command;

fn holder() -> String {
    format!("{RUN}/holder")
}

/// Takes the holder away, and with it every jail.
fn lose() {
    if seen::mounts().iter().any(|line| line.contains(&holder())) {
        process::unmount(&holder(), 0).unwrap();
    }
}

/// Users with jails that are not made yet.
fn users(count: usize) -> Vec<User> {
    (0..count).map(|_| User::new()).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_holder_that_was_unmounted_or_replaced_by_a_file_is_made_again() {
    let user = User::new();
    user.run(&["true"]).well();
    lose();
    user.run(&["true"]).well();
    lose();
    std::fs::remove_file(holder()).unwrap();
    std::fs::write(holder(), "no namespace").unwrap();
    user.run(&["true"]).well();
    assert_eq!(seen::mounts().iter().filter(|line| line.contains(RUN)).count(), 1);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_directory_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    lose();
    let mode = |mode| std::fs::set_permissions(RUN, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let done = user.run(&["true"]);
    mode(0o700);
    done.failed(77);
    user.run(&["true"]).well();
}

/// Calls trampoline and the reaper, and says how trampoline ended. Neither may run or unmount anything.
fn refused_by_both(user: &User, what: &str) -> i32 {
    let done = user.run(&["id"]);
    let reaper = Command::new(program("reaper")).env_clear().output().unwrap();
    assert!([77, 125].contains(&done.code()), "{what}: {} {}", done.text(), done.err);
    done.failed(done.code());
    assert!(matches!(reaper.status.code(), Some(0 | 77 | 125)), "{what}: {reaper:?}");
    done.code()
}

/// Something that lies on a path for the length of a test.
struct Lain(String);

impl Drop for Lain {
    fn drop(&mut self) {
        drop(process::unmount(&self.0, libc::MNT_DETACH));
    }
}

/// The same, and nobody has missed it: as if the machine had just started.
fn forget() {
    lose();
    drop(std::fs::remove_file(holder()));
}

/// The reaper finds nothing to do, says so only when asked, and after the next call all is as ever.
#[track_caller]
fn nothing_to_do_and_then_as_ever(user: &User) {
    reaped::run(&[]).well();
    reaped::run(&["--dry-run", "--json"]).well();
    let said = reaped::run(&["-v"]);
    assert_eq!((said.code, said.err.as_str()), (0, "no jail is up: nothing to do\n"));
    as_ever(user);
}

/// A call makes the jail, and two sweeps take it.
#[track_caller]
fn as_ever(user: &User) {
    user.run(&["true"]).well();
    for outcome in ["marked", "unmounted"] {
        let swept = reaped::run(&["--json"]);
        assert_eq!((swept.code, swept.outcome(user.uid).as_str()), (0, outcome), "{swept:?}");
    }
    user.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_directory_or_a_holder_that_is_somebody_else_s_or_leads_elsewhere_is_believed_by_nobody() {
    use std::os::unix::fs::{chown, symlink};
    let user = User::new();
    user.run(&["true"]).well();
    let aside = format!("{RUN}.aside");
    lose();
    chown(RUN, Some(33), Some(33)).unwrap();
    assert_eq!(refused_by_both(&user, "owner"), 77);
    chown(RUN, Some(0), Some(0)).unwrap();
    // In the place of the holder: links, a directory, a pin of another kind of namespace.
    let before = seen::mounts();
    std::fs::remove_file(holder()).unwrap();
    for to in ["/proc/1/ns/mnt", "/proc/self/ns/mnt", "/etc/passwd", "elsewhere"] {
        symlink(to, holder()).unwrap();
        refused_by_both(&user, to);
        std::fs::remove_file(holder()).unwrap();
    }
    std::fs::write(holder(), "").unwrap();
    process::hang(&process::open("/proc/self/ns/uts", libc::O_RDONLY).unwrap(), &holder()).unwrap();
    refused_by_both(&user, "another kind");
    process::unmount(&holder(), 0).unwrap();
    // In the place of its directory: a link to one that looks right, a file.
    std::fs::rename(RUN, &aside).unwrap();
    symlink(&aside, RUN).unwrap();
    refused_by_both(&user, "a link");
    std::fs::remove_file(RUN).unwrap();
    std::fs::write(RUN, "").unwrap();
    refused_by_both(&user, "a file");
    std::fs::remove_file(RUN).unwrap();
    std::fs::rename(&aside, RUN).unwrap();
    assert_eq!(seen::mounts(), before, "something was mounted on the way");
    user.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_a_holder_there_is_nothing_to_sweep_to_look_at_or_to_drain() {
    let user = User::new();
    user.run(&["true"]).well();
    forget();
    reaped::run(&["--drain", &user.name]).well();
    nothing_to_do_and_then_as_ever(&user);
    forget();
    std::fs::remove_dir(RUN).unwrap();
    reaped::run(&["--drain", &user.name]).well();
    nothing_to_do_and_then_as_ever(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_finds_the_holder_unmounted_says_that_nobody_knows_who_runs_and_concludes_nothing() {
    let user = User::new();
    for replaced in [false, true] {
        let running = user.call(&["sleep", "60"]).start();
        assert!(seen::within(std::time::Duration::from_secs(5), || seen::processes(user.uid).iter().any(|(_, c)| c == "sleep")));
        process::unmount(&holder(), libc::MNT_DETACH).unwrap();
        if replaced {
            std::fs::write(holder(), "somebody's").unwrap();
        }
        let said = format!("somebody unmounted {}, and who runs in a jail is known to nobody; remove that file", holder());
        for (words, code) in [(&[][..], 0), (&["--dry-run"], 0), (&["--drain", &user.name], 125), (&["--drain", "--all"], 125)] {
            let done = reaped::run(words);
            assert!(done.code == code && done.err.contains(&said), "{words:?}: {done:?}");
        }
        let blind = reaped::run(&["--json"]);
        assert_eq!((blind.code, blind.object()["blind"].as_bool()), (0, Some(true)));
        let metrics = format!("{}/x.prom", user.home);
        assert_eq!(reaped::run(&["--metrics", &metrics]).code, 0);
        assert!(std::fs::read_to_string(&metrics).unwrap().contains("\ntrampoline_sweep_success 0\n"));
        let name = user.name.as_str();
        for words in
            [&["user", "rm", name, "--wait", "0"][..], &["ls"], &["ps", name], &["stat"], &["stat", name], &["kill", name]]
        {
            let done = Command::new(program("jailbase")).args(words).output().unwrap();
            let told = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.code() == Some(125) && done.stdout.is_empty() && told.contains(&said), "{words:?}: {done:?}");
        }
        let plan = Command::new(program("jailbase")).args(["explain", name, "--", "true"]).output().unwrap();
        let live = String::from_utf8_lossy(&plan.stdout).lines().find(|line| line.starts_with("live jail ")).unwrap().to_owned();
        assert!(plan.status.code() == Some(0) && live.contains(&said), "{plan:?}");
        running.signal(libc::SIGTERM);
        running.end();
        as_ever(&user);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn while_the_first_holder_is_being_made_nobody_says_that_one_was_unmounted() {
    let user = User::new();
    user.run(&["true"]).well();
    lose();
    let making = process::flock(RUN);
    for words in [&[][..], &["--dry-run"], &["--drain", &user.name]] {
        let done = reaped::run(words);
        assert!(done.code == 0 && !done.err.contains("somebody unmounted"), "{words:?}: {done:?}");
    }
    drop(making);
    assert!(reaped::run(&[]).err.contains("somebody unmounted"));
    forget();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_it_makes_has_the_same_modes_under_every_umask() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let user = User::new();
    let mode = |path: &str| {
        let meta = std::fs::symlink_metadata(path).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (0, 0), "{path}");
        meta.permissions().mode() & 0o7777
    };
    for umask in [0o000, 0o777, 0o022, 0o077] {
        lose();
        drop(std::fs::remove_file(holder()));
        std::fs::remove_dir(RUN).unwrap();
        let call = user.call(&["stat", "-c", "%n %a %u %g", "/dev", "/dev/pts", "/dev/shm", "/home", "/proc"]).after(move || {
            process::umask(umask);
            Ok(())
        });
        assert_eq!(call.run().well(), "/dev 755 0 0\n/dev/pts 755 0 0\n/dev/shm 1777 0 0\n/home 755 0 0\n/proc 555 0 0");
        assert_eq!(mode(RUN), 0o700);
        let found = seen::in_holder(|| Ok(u8::from(mode("/") == 0o700 && mode("/pins") == 0o700) + 1));
        assert_eq!(found, 2, "the holder, umask {umask:o}");
        let pin = format!("/pins/{}", user.uid);
        let inside = process::apart(|| {
            process::join(&holder(), libc::CLONE_NEWNS)?;
            process::join(&pin, libc::CLONE_NEWNS)?;
            Ok(u8::from(mode("/") == 0o700 && mode("/ns") == 0o700) + 1)
        });
        assert_eq!(inside, 2, "the jail, umask {umask:o}");
        // The places of pins, when the pins are gone.
        let place = seen::in_holder(|| {
            process::unmount(&pin, libc::MNT_DETACH)?;
            Ok(u8::from(mode(&pin) == 0o600) + 1)
        });
        assert_eq!(place, 2, "the place of the pin, umask {umask:o}");
        lose();
        assert_eq!(mode(&holder()), 0o600);
    }
    forget();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_no_holder_is_neither_entered_nor_changed_and_the_message_names_it() {
    let user = User::new();
    user.run(&["true"]).well();
    lose();
    let put: [(&str, &dyn Fn()); 3] = [
        ("cannot join the holder: ", &|| process::mount("/proc/self/ns/net", &holder(), "", libc::MS_BIND, "").unwrap()),
        ("a symbolic link is on the way", &|| {
            std::fs::remove_file(holder()).unwrap();
            std::os::unix::fs::symlink("/proc/1/ns/mnt", holder()).unwrap();
        }),
        // A mount namespace, but not one of ours: a copy of the host's.
        ("cannot open the pins of the holder", &|| {
            std::fs::remove_file(holder()).unwrap();
            std::fs::write(holder(), "").unwrap();
            let done = Command::new("unshare").arg(format!("--mount={}", holder())).arg("true").status().unwrap();
            assert!(done.success());
        }),
    ];
    for (message, put) in put {
        put();
        let _lain = Lain(holder());
        let lines = seen::mount_count();
        for words in [&["--json"][..], &["--dry-run", "--json"], &["--drain", &user.name, "--json"]] {
            let done = reaped::run(words);
            assert_eq!(done.code, 125, "{words:?}: {done:?}");
            assert!(done.err.contains(message) || done.err.contains("cannot open the pins"), "{words:?}: {done:?}");
            assert_eq!(done.object()["result"], "failed", "{words:?}");
        }
        assert_eq!(seen::mount_count(), lines);
    }
    as_ever(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_the_directory_of_jails_the_sweep_fails_and_says_so_and_the_next_one_recovers() {
    let user = User::new();
    user.run(&["true"]).well();
    let (dir, aside) = (format!("{STATE}/jails"), format!("{STATE}/jails.aside"));
    std::fs::rename(&dir, &aside).unwrap();
    let done = reaped::run(&["--json"]);
    std::fs::rename(&aside, &dir).unwrap();
    assert_eq!((done.code, done.object()["result"].as_str()), (125, Some("failed")), "{done:?}");
    assert!(done.err.contains(&format!("{dir} is missing")), "{done:?}");
    as_ever(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn on_a_full_run_directory_no_jail_is_made_and_it_is_said_and_with_room_again_all_is_as_ever() {
    let user = User::new();
    forget();
    {
        process::mount("tmpfs", RUN, "tmpfs", 0, "mode=700,nr_inodes=1").unwrap();
        let _lain = Lain(RUN.to_owned());
        let done = user.run(&["true"]);
        assert!(done.failed(125).contains("make room first"), "{}", done.err);
        reaped::run(&[]).well();
    }
    nothing_to_do_and_then_as_ever(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_directory_that_cannot_be_written_stops_no_sweep_and_no_entry_once_the_holder_is_there() {
    let user = User::new();
    forget();
    {
        process::mount("tmpfs", RUN, "tmpfs", 0, "mode=700").unwrap();
        let _lain = Lain(RUN.to_owned());
        let read_only = |flag| process::mount("", RUN, "", libc::MS_REMOUNT | flag, "").unwrap();
        read_only(libc::MS_RDONLY);
        let done = user.run(&["true"]);
        assert!(done.failed(125).contains("EROFS"), "{}", done.err);
        reaped::run(&[]).well();
        read_only(0);
        user.run(&["true"]).well();
        read_only(libc::MS_RDONLY);
        as_ever(&user);
        as_ever(&user);
    }
    nothing_to_do_and_then_as_ever(&user);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_machine_that_is_young_itself_gets_its_holder_whichever_processor_makes_it() {
    let user = User::new();
    let processors = std::thread::available_parallelism().unwrap().get();
    let line = format!("mount -t tmpfs -o mode=700 tmpfs {RUN} && taskset -c $1 $2 --ensure {}", user.name);
    for round in 0..30 {
        // A container's process 1, as far as trampoline can tell; its namespace goes with it, and the holder with that.
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", &line, "sh"]);
        command.arg((round / processors % processors).to_string()).arg(program("trampoline"));
        process::before_exec(&mut command, move || process::run_on(round % processors));
        let done = command.output().unwrap();
        assert!(done.status.success(), "round {round}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
