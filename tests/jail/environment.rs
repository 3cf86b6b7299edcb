//! The environment of a program: built from nothing. And the directory it starts in.

use crate::common::call::Call;
use crate::common::executable;
use crate::common::user::User;

const PATH: &str = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

fn usual(user: &User) -> Vec<String> {
    let (home, name) = (&user.home, &user.name);
    let mut all: Vec<String> =
        vec![format!("HOME={home}"), format!("LOGNAME={name}"), PATH.into(), "SHELL=/bin/sh".into(), format!("USER={name}")];
    all.sort();
    all
}

fn sorted(text: &str) -> Vec<String> {
    let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn without_anything_from_the_caller_there_are_five_variables() {
    let user = User::new();
    assert_eq!(sorted(&user.run(&["env"]).well()), usual(&user));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_poisoned_environment_stays_outside() {
    let user = User::new();
    let poison = [
        ("LD_PRELOAD", "/tmp/x.so"),
        ("LD_LIBRARY_PATH", "/tmp"),
        ("LD_AUDIT", "/tmp/x.so"),
        ("LD_DEBUG", "all"),
        ("GLIBC_TUNABLES", "glibc.malloc.check=3"),
        ("MALLOC_CHECK_", "3"),
        ("PATH", "/tmp"),
        ("HOME", "/root"),
        ("USER", "root"),
        ("SHELL", "/tmp/x"),
        ("IFS", "x"),
        ("ENV", "/tmp/x"),
        ("BASH_ENV", "/tmp/x"),
        ("PYTHONPATH", "/tmp"),
        ("PERL5LIB", "/tmp"),
        ("TMPDIR", "/x"),
        ("RUST_BACKTRACE", "full"),
        ("RUST_LOG", "trace"),
        ("LOCPATH", "/tmp"),
        ("NLSPATH", "/tmp"),
        ("TERMINFO", "/tmp"),
        ("TERM", "../../tmp/x"),
        ("LANG", "/tmp/x"),
        ("LC_ALL", ".hidden"),
        ("LC_TIME", "a b"),
        ("LANGUAGE", "de\nfr"),
        ("BASH_FUNC_id%%", "() { echo no; }"),
        ("SUDO_UID", "0"),
        ("NOTIFY_SOCKET", "/run/systemd/notify"),
        ("SSH_AUTH_SOCK", "/tmp/agent"),
    ];
    assert_eq!(sorted(&user.call(&["env"]).env(&poison).run().well()), usual(&user));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn plain_values_of_the_terminal_and_the_locale_come_in() {
    let user = User::new();
    let plain = [
        ("TERM", "xterm-256color"),
        ("LANG", "de_DE.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("LANGUAGE", "de:en"),
        ("EDITOR", "vi"),
        ("TZ", "UTC"),
    ];
    let mut expected = usual(&user);
    expected.extend(["TERM=xterm-256color", "LANG=de_DE.UTF-8", "LC_ALL=C.UTF-8", "LANGUAGE=de:en"].map(str::to_owned));
    expected.sort();
    assert_eq!(sorted(&user.call(&["env"]).env(&plain).run().well()), expected);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_asked_for_comes_in_and_the_last_of_a_name_counts() {
    let user = User::new();
    let words = [
        "-e",
        "A=1",
        "--env",
        "B=x y=z\n",
        "--env=A=2",
        "-e",
        "PATH=/opt/bin:/usr/bin",
        "-e",
        "EMPTY=",
        &user.name,
        "--",
        "env",
        "-0",
    ];
    let done = Call::new(words).run();
    let all: Vec<String> = done.well().split('\0').filter(|v| !v.is_empty()).map(str::to_owned).collect();
    for expected in ["A=2", "B=x y=z\n", "PATH=/opt/bin:/usr/bin", "EMPTY="] {
        assert_eq!(all.iter().filter(|v| *v == expected).count(), 1, "{expected:?} in {all:?}");
    }
    assert!(!all.contains(&"A=1".to_owned()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_without_a_slash_is_looked_up_in_the_fixed_path_whatever_is_asked_for() {
    let user = User::new();
    executable::written("#!/bin/sh\necho mine\n", user.in_home("id"), (0, 0), 0o755);
    let path = format!("PATH={}", user.home);
    let done = Call::new(["-e", &path, "-C", &user.home, &user.name, "--", "id", "-u"]).env(&[("PATH", &user.home)]).run();
    assert_eq!(done.well(), user.uid.to_string());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_starts_in_the_home_and_in_no_other_directory_than_the_one_asked_for() {
    let user = User::new();
    assert_eq!(user.run(&["pwd"]).well(), user.home);
    for dir in ["/", "/tmp", "/usr/bin", "/var/tmp"] {
        assert_eq!(Call::new(["-C", dir, &user.name, "--", "pwd"]).run().well(), dir);
    }
    std::os::unix::fs::symlink("/tmp", user.in_home("link")).unwrap();
    let link = format!("{}/link", user.home);
    assert_eq!(Call::new(["--chdir", &link, &user.name, "--", "/bin/pwd"]).run().well(), "/tmp");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_home_that_its_owner_has_closed_is_an_error_and_another_directory_is_not() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    user.ensure();
    std::fs::set_permissions(&user.home, std::fs::Permissions::from_mode(0o000)).unwrap();
    let said = format!("cannot change to the directory {}: Permission denied (EACCES)", user.home);
    assert_eq!(user.run(&["touch", "/tmp/ran"]).failed(125), said);
    assert_eq!(Call::new(["-C", "/tmp", &user.name, "--", "ls", "-A"]).run().well(), "", "nothing ran");
    std::fs::set_permissions(&user.home, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(user.run(&["pwd"]).well(), user.home);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_missing_or_closed_directory_is_an_error_and_runs_nothing() {
    let user = User::new();
    std::fs::write(user.in_home("file"), "").unwrap();
    let file = format!("{}/file", user.home);
    let cases = [
        ("/nope", "cannot change to the directory /nope: No such file or directory (ENOENT)".to_owned()),
        ("/root", "cannot change to the directory /root: Permission denied (EACCES)".to_owned()),
        (file.as_str(), format!("cannot change to the directory {file}: Not a directory (ENOTDIR)")),
    ];
    for (dir, message) in cases {
        let mark = user.in_home("ran");
        let touch = format!("{}/ran", user.home);
        let done = Call::new(["-C", dir, &user.name, "--", "touch", &touch]).run();
        assert_eq!(done.failed(125), message);
        assert!(!mark.exists(), "the program ran elsewhere");
    }
}
