//! Real use, as uid 33.

use crate::common::call::Call;
use crate::common::user::User;
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn python_runs_with_threads_subprocesses_and_temporary_files() {
    let user = User::new();
    let text = "import subprocess, tempfile, threading, json, ssl, sqlite3, multiprocessing\n\
        t = threading.Thread(target=lambda: None); t.start(); t.join()\n\
        f = tempfile.NamedTemporaryFile(); f.write(b'x'); f.flush()\n\
        q = multiprocessing.Queue(); p = multiprocessing.Process(target=q.put, args=(7,)); p.start(); n = q.get(); p.join()\n\
        print(f.name.startswith('/tmp/'), n, subprocess.check_output(['id', '-u']).decode().strip(), json.dumps([1]))";
    assert_eq!(user.python(text), format!("True 7 {} [1]", user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn perl_runs() {
    let user = User::new();
    let text = "use POSIX; print join(' ', $<, $>, (getpwuid($<))[0], POSIX::strftime('%Y', gmtime(0)), scalar(qx(id -u)));";
    assert_eq!(user.run(&["perl", "-e", text]).well(), format!("{0} {0} {1} 1970 {0}", user.uid, user.name));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_c_program_is_compiled_and_runs() {
    let user = User::new();
    std::fs::write(user.in_home("hello.c"), "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n").unwrap();
    assert_eq!(user.shell("gcc -Wall -O2 hello.c && ./a.out"), "hello");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn git_makes_a_repository_and_a_commit() {
    let user = User::new();
    let line = "git init -q -b main r && cd r && git config user.email t@example.org && git config user.name T && echo x > f && git add f && \
                git commit -q -m 'one thing' && git log --format=%s && git status --short && git clone -q . ../s && ls ../s";
    assert_eq!(user.shell(line), "one thing\nf");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_pipeline_of_the_shell_runs() {
    let user = User::new();
    assert_eq!(user.shell("seq 1 1000 | grep 7 | sort -rn | head -3 | tr '\\n' ' ' | tee t | wc -c; cat t"), "12\n997 987 979 ");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_fork_bomb_is_held_by_the_limit_and_disturbs_nobody() {
    let (bomber, other) = (User::with(&["--processes", "60"]), User::new());
    other.ensure();
    let bomb = Call::new([
        "-t",
        "4",
        &bomber.name,
        "--",
        "python3",
        "-I",
        "-c",
        "import os\nwhile True:\n try: os.fork()\n except OSError: open('held', 'w')",
    ])
    .start();
    assert!(
        crate::common::seen::within(Duration::from_secs(10), || bomber.in_home("held").exists()),
        "the limit was never reached"
    );
    assert!(crate::common::seen::processes(bomber.uid).len() <= 60);
    for _ in 0..5 {
        let done = other.run(&["id", "-u"]);
        done.well();
        assert!(done.took < Duration::from_secs(1), "another user's entry took {:?}", done.took);
    }
    // The user's own next program is told what is the matter.
    let more = bomber.run(&["true"]);
    assert!([0, 126, 125].contains(&more.code()), "{}", more.code());
    let done = bomb.end();
    assert!([137, 143].contains(&done.code()), "{}", done.code());
    assert!(crate::common::seen::within(Duration::from_secs(2), || crate::common::seen::processes(bomber.uid).is_empty()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_full_shared_memory_and_a_big_file_are_the_program_s_own_trouble() {
    let user = User::new();
    let done = user.run(&["sh", "-c", "head -c 70000000 /dev/zero > /dev/shm/x; stat -c %s /dev/shm/x"]);
    assert_eq!(done.text(), "67108864");
    assert!(done.err.contains("No space left"), "{}", done.err);
}
