//! Standard input, output and error pass through byte for byte.

use crate::common::call::Call;
use crate::common::process;
use crate::common::user::User;
use std::fs::File;
use std::process::{Command, Stdio};

/// Bytes that a terminal, a text layer or a line buffer would change.
fn binary(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn binary_data_comes_back_as_it_went_in() {
    let user = User::new();
    for size in [0, 1, 4095, 4096, 65_537, 3_000_000] {
        let bytes = binary(size);
        let done = user.call(&["cat"]).input(bytes.clone()).run();
        assert_eq!((done.code(), done.err.as_str()), (0, ""));
        assert!(done.out == bytes, "{size} bytes changed on the way");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_hundred_megabytes_go_through_cat_unchanged() {
    let user = User::new();
    let source = "openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt < /dev/zero 2>/dev/null | head -c 100000000";
    let line = format!(
        "{source} | {} {} -- cat | sha256sum; {source} | sha256sum",
        crate::common::program("trampoline").display(),
        user.name
    );
    let sums = Call::of("/bin/sh", ["-c", &line]).run();
    let text = sums.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text} {}", sums.err);
    assert_eq!(lines[0], lines[1]);
    assert!(!text.contains("e3b0c44298fc1c14"), "nothing went through");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn standard_error_is_the_program_s_alone_and_apart() {
    let user = User::new();
    let done = user.run(&["sh", "-c", "echo o; echo e >&2; printf 'no end' >&2"]);
    assert_eq!((done.text().as_str(), done.err.as_str()), ("o", "e\nno end"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn arguments_pass_as_they_are_whatever_they_hold() {
    let user = User::new();
    let done = user.run(&["printf", "%s|", "--", "-C", "", "a b", "$HOME", "`id`", "\n", "\u{1b}[2J", "é", "--help"]);
    assert_eq!(done.out, "--|-C||a b|$HOME|`id`|\n|\u{1b}[2J|é|--help|".as_bytes());
    use std::os::unix::ffi::OsStrExt;
    let raw = std::ffi::OsStr::from_bytes(b"\xff\xfe\x80");
    let words = [std::ffi::OsStr::new(&user.name), "--".as_ref(), "printf".as_ref(), "%s".as_ref(), raw];
    assert_eq!(Call::new(words).run().out, b"\xff\xfe\x80");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_mebibyte_of_arguments_passes() {
    let user = User::new();
    let word = "x".repeat(100_000);
    let mut command = vec!["sh", "-c", "echo $# ${#10}", "name"];
    command.extend([word.as_str(); 11]);
    assert_eq!(user.run(&command).well(), "11 100000");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_reader_who_leaves_ends_the_program_by_sigpipe_as_everywhere() {
    let user = User::new();
    let line = format!("{} {} -- yes | head -1; echo", crate::common::program("trampoline").display(), user.name);
    assert!(Call::of("/bin/sh", ["-c", &line]).run().well().starts_with('y'));
    let line = format!("set -o pipefail; {} {} -- yes | head -1", crate::common::program("trampoline").display(), user.name);
    assert_eq!(Call::of("/bin/bash", ["-c", &line]).run().code(), 128 + libc::SIGPIPE);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_failure_whose_words_nobody_reads_keeps_its_exit_code() {
    let user = User::new();
    let unread = |call: Call| {
        let mut call = call;
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        call.command.stderr(writer);
        call.run().code()
    };
    // The first two go wrong before any signal is held back.
    assert_eq!(unread(user.call(&["id"]).after(process::no_new_privs)), 125);
    assert_eq!(unread(user.call(&["id"]).after(|| process::leave_open_path("/", 0))), 125);
    assert_eq!(unread(Call::new(["--nope"])), 64);
    assert_eq!(unread(Call::new(["0", "--", "id"])), 77);
    assert_eq!(unread(user.call(&["/nowhere"])), 127);
    // Nor when they do not fit into a file.
    let mut cut = user.call(&["id"]).after(|| process::no_new_privs().and_then(|()| process::limit(libc::RLIMIT_FSIZE, 0)));
    cut.command.stderr(File::create(user.in_home("err")).unwrap());
    assert_eq!(cut.run().code(), 125);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_reader_sees_the_end_when_the_program_closes_its_output_not_when_it_ends() {
    let user = User::new();
    let mut child = Command::new(crate::common::program("trampoline"))
        .args([&user.name, "--", "sh", "-c", "echo x; exec >&- 2>&-; sleep 3"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    let took = start.elapsed();
    assert_eq!((text.as_str(), took.as_secs() < 2), ("x\n", true), "somebody of ours held the output open: {took:?}");
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn closed_streams_are_dev_null_in_the_program_in_all_eight_combinations() {
    let user = User::new();
    // The C library of a setuid program opens /dev/full, to be written only, for a closed standard input (check_one_fd in
    // csu/check_fds.c), before a line of ours runs. Either device is harmless.
    for closed in 0..8u8 {
        let out = user.in_home("out").to_str().unwrap().to_owned();
        let text = format!(
            "import os\nopen('{out}', 'w').write(' '.join(str(i) + ('n' if os.fstat(i).st_rdev in (os.makedev(1, 3), os.makedev(1, 7)) else 'o') for i in (0, 1, 2)))"
        );
        for _cold_then_warm in 0..2 {
            let done = user.call(&["python3", "-I", "-c", &text]).after(move || {
                (0..3).filter(|n| closed & (1 << n) != 0).for_each(process::close);
                Ok(())
            });
            assert_eq!(done.run().code(), 0, "{closed:03b}");
            let expected: Vec<String> =
                (0..3).map(|n| format!("{n}{}", if closed & (1 << n) == 0 { 'o' } else { 'n' })).collect();
            assert_eq!(std::fs::read_to_string(&out).unwrap(), expected.join(" "), "{closed:03b}");
            std::fs::remove_file(&out).unwrap();
        }
        crate::common::seen::take_down(user.uid);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_terminal_of_the_caller_s_cannot_be_typed_into_nor_taken_over() {
    let user = User::new();
    // The caller's own terminal is its controlling one, as a login shell's is; what would be typed into it is looked for.
    let inside = "import fcntl, termios\nfor call, what in ((termios.TIOCSTI, b'x'), (termios.TIOCSCTTY, 1), (0x541c, b'\\3')):\n \
                  try: fcntl.ioctl(0, call, what); print('done', hex(call))\n except OSError as e: print('no')";
    let outside = "import os, pty, sys\npid, fd = pty.fork()\nif pid == 0: os.execv(sys.argv[1], sys.argv[1:])\nt = b''\ntry:\n while True:\n  \
                   d = os.read(fd, 999)\n  t += d\n  if not d: break\nexcept OSError: pass\nsys.stdout.write(t.decode().replace('\\r', ''))";
    let path = crate::common::program("trampoline").to_str().unwrap().to_owned();
    let words = ["-I", "-c", outside, &path, &user.name, "--", "python3", "-I", "-c", inside];
    assert_eq!(Call::of("/usr/bin/python3", words).run().well(), "no\nno\nno");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_path_only_descriptor_as_a_standard_stream_is_refused() {
    let user = User::new();
    for number in 0..3 {
        let done = user.call(&["id"]).after(move || process::leave_open_path("/", number)).run();
        assert_eq!(done.code(), 125, "{}", done.text());
        user.leaves_nothing();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_as_a_standard_stream_is_refused_for_it_would_lead_out_of_the_jail() {
    let user = User::new();
    let mut call = user.call(&["ls", "/proc/self/fd/0/etc"]);
    call.command.stdin(File::open("/").unwrap());
    let done = call.run();
    assert_eq!(done.code(), 125, "{}", done.text());
    assert_eq!(done.failed(125), "cannot clean up what the caller left: Is a directory (EISDIR)");
}
