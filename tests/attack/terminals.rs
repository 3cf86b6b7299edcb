//! A terminal that the caller hands in: what a program could type into it, or take of it.

use crate::common::call::Call;
use crate::common::program;
use crate::common::user::User;

/// Runs trampoline from a session of the caller's own whose controlling terminal is a new pseudo-terminal, handed in as 0, 1
/// and 2; then reads, without waiting, what somebody typed into it. Prints what the terminal showed and what was typed.
const AT_A_TERMINAL: &str = "
import fcntl, os, pty, sys, termios, tty
pid, master = pty.fork()
if pid == 0:
    tty.setraw(0)
    before = termios.tcgetattr(0), os.tcgetpgrp(0), os.fstat(0)[:7]
    inner = os.fork()
    if inner == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    os.waitpid(inner, 0)
    fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK | os.O_RDWR)
    try: typed = os.read(0, 999)
    except BlockingIOError: typed = b''
    fcntl.fcntl(0, fcntl.F_SETFL, os.O_RDWR)
    after = termios.tcgetattr(0), os.tcgetpgrp(0), os.fstat(0)[:7]
    os.write(1, b'typed: %s\\nsame: %s\\n' % (repr(typed).encode(), str(before == after).encode()))
    os._exit(0)
shown = b''
try:
    while True:
        more = os.read(master, 999)
        if not more: break
        shown += more
except OSError:
    pass
sys.stdout.write(shown.decode())
";

/// Inside: every way to type into a terminal or to take it over, with the number of the call also in 64 bits of which the
/// kernel reads 32.
const TYPIST: &str = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
IOCTL = {'x86_64': 16, 'aarch64': 29}[os.uname().machine]
TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCSPGRP, TIOCNOTTY, TIOCCONS, TIOCVHANGUP = 0x5412, 0x541c, 0x540e, 0x5410, 0x5422, 0x541d, 0x5437
byte, number = ctypes.create_string_buffer(b'x'), ctypes.c_int(os.getpid())
done = []
for upper in (0, 1 << 32, 0xffffffff << 32, 1 << 63):
    for fd in (0, 1, 2):
        for call, word in ((TIOCSTI, byte), (TIOCLINUX, ctypes.create_string_buffer(b'\\x03')), (TIOCLINUX, ctypes.create_string_buffer(b'\\x02' + b'\\0' * 9)), (TIOCSCTTY, None),
                           (TIOCSPGRP, ctypes.byref(number)), (TIOCNOTTY, None), (TIOCCONS, None), (TIOCVHANGUP, None)):
            if call == TIOCSCTTY: word = ctypes.c_ulong(1)
            if libc.syscall(ctypes.c_long(IOCTL), ctypes.c_long(fd), ctypes.c_ulong(call | upper), word) == 0: done.append((hex(call | upper), fd))
print('done:', done, os.getsid(0) == os.getpid(), end='\\r\\n')
";

fn from_a_terminal(user: &User, caller: u32, command: &[&str]) -> String {
    let path = program("trampoline").to_str().unwrap().to_owned();
    let words: Vec<&str> = ["-I", "-c", AT_A_TERMINAL, &path].into_iter().chain(user.words(command)).collect();
    Call::of("/usr/bin/python3", words).by(caller, 33).run().well().replace('\r', "")
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_is_typed_into_the_terminal_of_a_caller_be_it_a_web_server_s_a_user_s_or_root_s() {
    let user = User::new();
    for caller in [33, 0, user.uid] {
        for _cold_then_warm in 0..2 {
            let said = from_a_terminal(&user, caller, &["python3", "-I", "-c", TYPIST]);
            assert_eq!(said, "done: [] True\ntyped: b''\nsame: True", "uid {caller}");
        }
        crate::common::seen::take_down(user.uid);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_has_no_controlling_terminal_even_if_its_caller_has() {
    let user = User::new();
    let text = "
import os
try: os.open('/dev/tty', os.O_RDWR)
except OSError as e: print(e.errno, end=' ')
print(open('/proc/self/stat').read().rsplit(')', 1)[1].split()[4], os.getsid(0) == os.getpid(), end='\\r\\n')
";
    let said = from_a_terminal(&user, 33, &["python3", "-I", "-c", text]);
    assert_eq!(said.lines().next(), Some(format!("{} 0 True", libc::ENXIO).as_str()), "{said}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_byte_of_a_caller_s_words_reaches_a_terminal_raw() {
    let user = User::new();
    let evil = "\u{1b}]0;x\u{7}\u{1b}[2J\r\n\u{9b}31m\u{202e}";
    let path = program("trampoline").to_str().unwrap().to_owned();
    let (env, dir) = (format!("{evil}=1"), format!("/{evil}"));
    let ways: [&[&str]; 7] = [
        &[evil, "--", "id"],
        &["-C", &dir, &user.name, "--", "id"],
        &["-e", &env, &user.name, "--", "id"],
        &["-t", evil, &user.name, "--", "id"],
        &[&user.name, "--", evil],
        &["--ensure", evil],
        &["--explain", &user.name, evil],
    ];
    for words in ways {
        let all: Vec<&str> = ["-I", "-c", AT_A_TERMINAL, &path].into_iter().chain(words.iter().copied()).collect();
        let shown = Call::of("/usr/bin/python3", all).run().well();
        let (line, rest) = shown.split_once('\n').unwrap();
        assert!(
            line.starts_with("trampoline: ") && !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{words:?}: {shown:?}"
        );
        assert_eq!(rest, "typed: b''\nsame: True", "{words:?}: more than one line");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_cannot_change_the_line_discipline_of_a_terminal() {
    let user = User::new();
    let set = "
import errno, fcntl, os, struct
for terminal in os.openpty():
    for number in range(32):
        try: fcntl.ioctl(terminal, 0x5423, struct.pack('i', number)); print('set', number)
        except OSError as e: e.errno == errno.EPERM or print(number, e)
";
    assert_eq!(user.python(set), "");
}
