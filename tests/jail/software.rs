//! Software that people run, under the filter: compilers, runtimes, debuggers. All of it is the host's own.

use crate::common::user::User;
use std::time::Duration;

/// Compilers on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A file of the home.
fn write(user: &User, name: &str, text: &str) {
    std::fs::write(user.in_home(name), text).unwrap();
}

/// Runs a line of shell that may take its time and must end well.
fn shell(user: &User, line: &str) -> String {
    user.call(&["/bin/sh", "-ec", line]).patient(PATIENCE).run().well()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn make_and_gcc_build_a_program_of_threads_from_two_files_at_once() {
    let user = User::new();
    write(
        &user,
        "main.c",
        "#include <pthread.h>\n#include <stdio.h>\nvoid *add(void *);\nint main(void) {\n pthread_t t[8]; int n = 0;\n\
        for (int i = 0; i < 8; i++) if (pthread_create(&t[i], 0, add, &n)) return 1;\n for (int i = 0; i < 8; i++) pthread_join(t[i], 0);\n\
        printf(\"%d\\n\", n); }\n",
    );
    write(&user, "add.c", "void *add(void *n) { __atomic_add_fetch((int *)n, 1, __ATOMIC_SEQ_CST); return 0; }\n");
    write(&user, "Makefile", "CFLAGS = -O2 -Wall -pthread\nmain: main.o add.o\n\t$(CC) $(CFLAGS) -o $@ $^\n");
    assert_eq!(shell(&user, "make -s -j2 && ./main"), "8");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn python_serves_and_asks_itself_with_asyncio_and_pools_of_threads_and_processes() {
    let user = User::new();
    let text = "import asyncio, concurrent.futures as pools\n\
        def double(n): return 2 * n\n\
        async def answer(reader, writer): writer.write(b'got ' + await reader.readline()); await writer.drain(); writer.close()\n\
        async def main():\n \
            server = await asyncio.start_server(answer, '127.0.0.1', 0)\n \
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())\n \
            writer.write(b'word\\n'); said = (await reader.read()).decode().strip()\n \
            loop = asyncio.get_running_loop()\n \
            with pools.ProcessPoolExecutor(2) as many, pools.ThreadPoolExecutor(4) as threads:\n  \
                both = await loop.run_in_executor(many, double, 21), await loop.run_in_executor(threads, double, 4)\n \
            child = await asyncio.create_subprocess_exec('id', '-u', stdout=asyncio.subprocess.PIPE)\n \
            print(said, *both, (await child.communicate())[0].decode().strip())\n\
        if __name__ == '__main__': asyncio.run(main())\n";
    write(&user, "main.py", text);
    assert_eq!(shell(&user, "python3 -I main.py"), format!("got word 42 8 {}", user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn node_serves_and_asks_itself_with_workers_and_children() {
    // Its fetch is WebAssembly, for which it reserves more address space than is usual in a jail.
    let user = User::with(&["--memory", "68719476736"]);
    let text = "const http = require('http'), fs = require('fs/promises'), w = require('worker_threads'), cp = require('child_process');\n\
        if (!w.isMainThread) w.parentPort.postMessage(21 * 2);\n\
        else http.createServer(async (q, a) => { await fs.writeFile('f', q.url); a.end(await fs.readFile('f')); })\n\
        .listen(0, '127.0.0.1', async function () {\n\
        const said = await (await fetch('http://127.0.0.1:' + this.address().port + '/word')).text();\n\
        const n = await new Promise(ok => new w.Worker(__filename).on('message', ok));\n\
        console.log(said, n, cp.execSync('id -u').toString().trim()); process.exit(); });\n";
    write(&user, "main.js", text);
    assert_eq!(shell(&user, "node main.js"), format!("/word 42 {}", user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn java_compiles_and_runs_with_threads_and_children() {
    let user = User::new();
    let text = "import java.util.stream.*;\npublic class Main { public static void main(String[] words) throws Exception {\n\
        int n = IntStream.range(0, 1000).parallel().map(i -> i * 2).sum();\n\
        Process child = new ProcessBuilder(\"id\", \"-u\").start();\n\
        System.out.println(n + \" \" + new String(child.getInputStream().readAllBytes()).trim()); } }\n";
    write(&user, "Main.java", text);
    assert_eq!(shell(&user, "javac Main.java && java Main"), format!("999000 {}", user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn cargo_builds_and_tests_a_crate_without_a_network() {
    let user = User::new();
    let line =
        "cargo init -q --lib --name tiny --vcs none crate && cd crate && cargo test -q --offline 2>&1 | grep -o '1 passed'";
    assert_eq!(shell(&user, line), "1 passed");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_go_program_runs_whose_runtime_makes_its_calls_without_the_c_library() {
    let user = User::new();
    assert_eq!(shell(&user, "seq 1 20000 | fzf --filter=^1999 | wc -l"), "11");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn go_builds_and_tests_a_program_of_many_goroutines() {
    let user = User::new();
    let text = "package main\nimport (\"fmt\"; \"net\"; \"os/exec\"; \"strings\"; \"sync\")\n\
        func sum(n int) int { var w sync.WaitGroup; c := make(chan int, n); for i := 0; i < n; i++ { w.Add(1)\n\
        go func(i int) { defer w.Done(); c <- i }(i) }\nw.Wait(); close(c); s := 0; for i := range c { s += i }; return s }\n\
        func main() { l, e := net.Listen(\"tcp\", \"127.0.0.1:0\"); if e != nil { panic(e) }\n\
        go func() { c, _ := l.Accept(); fmt.Fprint(c, \"word\"); c.Close() }()\n\
        c, e := net.Dial(\"tcp\", l.Addr().String()); if e != nil { panic(e) }\nvar said string; fmt.Fscan(c, &said)\n\
        id, e := exec.Command(\"id\", \"-u\").Output(); if e != nil { panic(e) }\n\
        fmt.Println(sum(1000), said, strings.TrimSpace(string(id))) }\n";
    write(&user, "main.go", text);
    let test = "package main\nimport \"testing\"\nfunc TestSum(t *testing.T) { if sum(10) != 45 { t.Fail() } }\n";
    write(&user, "main_test.go", test);
    let line = "export GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=0; go mod init tiny 2>/dev/null; \
        go build -o tiny . && ./tiny && go test . | cut -f1";
    assert_eq!(shell(&user, line), format!("499500 word {}\nok  ", user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_ssh_client_logs_in_at_a_server_in_the_same_jail_and_runs_a_command_on_a_terminal() {
    let user = User::new();
    let line = "umask 077; mkdir .ssh; ssh-keygen -q -t ed25519 -N '' -f key; cp key.pub .ssh/authorized_keys\n\
        dropbearkey -t ed25519 -f host >/dev/null 2>&1; /usr/sbin/dropbear -F -E -s -p 127.0.0.1:2222 -r host 2>log &\n\
        for i in $(seq 100); do ssh-keyscan -p 2222 127.0.0.1 >.ssh/known_hosts 2>/dev/null || :; [ ! -s .ssh/known_hosts ] || break; sleep 0.1; done\n\
        ssh -o BatchMode=yes -i key -p 2222 127.0.0.1 'cat; id -u' <key.pub | cut -d' ' -f1 || cat log\n\
        ssh -tt -o BatchMode=yes -i key -p 2222 127.0.0.1 'tty; stty size' 2>/dev/null </dev/null | tr -d '\\r' || cat log\n\
        echo from here >copied; scp -q -O -o BatchMode=yes -i key -P 2222 copied 127.0.0.1:there && cat there";
    let said = shell(&user, line);
    assert_eq!(said, format!("ssh-ed25519\n{}\n/dev/pts/0\n0 0\nfrom here", user.uid));
    // And where nobody listens it says so.
    let nobody = "ssh -T -o BatchMode=yes somebody@127.0.0.1 2>&1 | tr -d '\\r' || :";
    assert_eq!(shell(&user, nobody), "ssh: connect to host 127.0.0.1 port 22: Connection refused");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn sqlite_keeps_one_database_for_several_writers() {
    let user = User::new();
    let line = "sqlite3 d 'pragma journal_mode=wal; create table t(n)' >/dev/null; \
        for w in 1 2 3 4; do (for n in 1 2 3 4 5; do sqlite3 -cmd '.timeout 20000' d \"insert into t values($n)\"; done) & done; wait; \
        sqlite3 d 'select count(*), sum(n) from t'";
    assert_eq!(shell(&user, line), "20|60");
}

const TWICE: &str = "static int twice(int n) { return n * 2; }\nint main(void) { return twice(21) == 42 ? 0 : 1; }\n";
const DEBUG: &str = "gdb -q -batch -nx -ex 'break twice' -ex run -ex 'print n' -ex finish -ex continue ./twice 2>&1";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn gdb_and_strace_work_for_a_user_with_the_debugger_s_filter() {
    let user = User::with(&["--filter", "dev"]);
    write(&user, "twice.c", TWICE);
    let said = shell(&user, &format!("gcc -g -O0 -o twice twice.c && {DEBUG}"));
    for part in ["Breakpoint 1, twice (n=21)", "$1 = 21", "$2 = 42", "exited normally"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("Error disabling address space randomization"), "{said}");
    assert_eq!(shell(&user, "strace -f -o trace sh -c 'id -u; true' && grep -c 'execve(' trace"), format!("{}\n2", user.uid));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn gdb_is_refused_plainly_for_everybody_else() {
    let user = User::new();
    write(&user, "twice.c", TWICE);
    let said = shell(&user, &format!("gcc -g -O0 -o twice twice.c && {DEBUG} || :"));
    assert!(said.contains("ptrace: Operation not permitted") && !said.contains("$1"), "{said}");
    assert_eq!(shell(&user, "strace true 2>&1 | grep -o -m1 'PTRACE_TRACEME.*' || :"), "PTRACE_TRACEME: Operation not permitted");
}
