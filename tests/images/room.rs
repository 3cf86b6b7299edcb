//! What a program of an edit finds in the image that it works on, what it has of root's rights, and that nothing of it stays.

use super::changed::of_debian;
use super::{Own, Said, jailbase};
use crate::common::{program, seen};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_run_in_an_edit_has_little_of_roots_rights_and_sees_nothing_of_the_host() {
    let own = of_debian("edit-rights");
    let all = [
        ("mknod /null c 1 3", "a device was made"),
        ("mount -t tmpfs none /mnt", "it mounted"),
        ("chroot / /bin/true", "it left its root"),
        ("test -e /var/lib/trampoline-check", "it sees the host's files"),
        ("grep -q 'NoNewPrivs:.0' /proc/self/status", "it can gain rights"),
        ("test $(ls -d /proc/[0-9]* | wc -l) -gt 9", "it sees the host's processes"),
        ("hostname other", "it names the host"),
        ("! su -s /bin/sh nobody -c 'echo x > /dev/null && echo x > /tmp/x' > /dev/null", "others have no /dev or /tmp"),
    ];
    let script: String = all.iter().map(|(line, bad)| format!("if {line} 2>/dev/null; then echo \"{bad}\"; fi\n")).collect();
    let said = jailbase(["image", "edit", &own.name, "--", "/bin/sh", "-c", &format!("{script} exit 8")]);
    assert_eq!((said.code, said.out.as_str()), (77, ""), "{}", said.err);
    assert!(said.err.contains("exit status: 8"), "{}", said.err);
    // As root of the image, all files of the image are its own.
    jailbase(["image", "edit", &own.name, "--", "/bin/sh", "-c", "chown 33 /etc/debian_version && echo x > /root/x"]).well();
    assert_eq!(fs::metadata(own.file(2, "etc/debian_version")).unwrap().uid(), 0);
}

/// Each line that this prints is a way out of the room of an edit.
const WAYS_OUT: &str = r#"
import ctypes, errno, fcntl, os, socket, struct
c = ctypes.CDLL(None, use_errno=True)
def errno_of(what):
    try: what()
    except OSError as error: return error.errno
for top, _, names in os.walk('/proc/sys'):
    for name in names:
        if errno_of(lambda: os.close(os.open(os.path.join(top, name), os.O_WRONLY))) is None: print('opens', top, name)
for name in ['sysrq-trigger', 'self/oom_score_adj']:
    if errno_of(lambda: os.close(os.open('/proc/' + name, os.O_WRONLY))) is None: print('opens', name)
if errno_of(lambda: socket.socket(socket.AF_UNIX)) != errno.EAFNOSUPPORT: print('a unix socket')
if errno_of(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) != errno.EAFNOSUPPORT: print('a unix socket of datagrams')
if c.syscall(SOCKET, ctypes.c_long(0x700000001), 1, 0) != -1: print('a unix socket by the upper half')
if c.syscall(425, 1, ctypes.create_string_buffer(256)) != -1 or ctypes.get_errno() != errno.ENOSYS: print('io_uring')
for number in NONE:
    if c.syscall(number, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != errno.ENOSYS: print('call', number)
if 'CapBnd:\t00000000000000fb\n' not in open('/proc/self/status').read(): print('more of root\'s rights')
if c.syscall(0x40000000 | SOCKET, 1, 1, 0) != -1 or ctypes.get_errno() != errno.ENOSYS: print('x32')
for request in [0x5412, 0x541c, 0x5423]:
    if errno_of(lambda: fcntl.ioctl(2, request, b'x')) != errno.EPERM: print('ioctl', hex(request))
    if c.syscall(IOCTL, 2, ctypes.c_long(0x700000000 | request), b'x') != -1 or ctypes.get_errno() != errno.EPERM: print('ioctl', request)
if [fd for fd in range(3, 100) if errno_of(lambda: os.fstat(fd)) is None]: print('an open descriptor')
socket.socketpair()
socket.socket(socket.AF_INET).close()
"#;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_of_an_edit_turns_no_knob_of_the_kernel_s_meets_nobody_of_the_host_s_and_types_into_no_terminal() {
    let own = Own::new("edit-ways-out");
    // The last are open_by_handle_at, setns, add_key, request_key and keyctl.
    let numbers = match cfg!(target_arch = "x86_64") {
        true => "41, 16, [304, 308, 248, 249, 250]",
        false => "198, 29, [265, 268, 217, 218, 219]",
    };
    own.build("host", &[]).well();
    let script = format!("SOCKET, IOCTL, NONE = {numbers}\n{WAYS_OUT}");
    // Whoever calls leaves a directory of the host's open.
    let line = "exec 8</root 9</; exec \"$@\"";
    let mut edit = Command::new("/bin/sh");
    edit.args(["-c", line, "sh"]).arg(program("jailbase"));
    edit.args(["image", "edit", &own.name, "--", "/usr/bin/python3", "-c", &script]);
    let done = edit.env_clear().output().unwrap();
    let said = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{said:?}");
    assert!(said.0.starts_with("nothing was changed") || said.0.starts_with(&own.name), "{said:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_whose_program_cannot_be_run_exits_as_trampoline_does_and_leaves_nothing() {
    let (own, source, from) = Own::of_words("edit-none", &["one"]);
    let mode = |name: &str, mode| fs::set_permissions(source.join(name), fs::Permissions::from_mode(mode)).unwrap();
    fs::write(source.join("bin/lost"), "#!/bin/nosuch\n").unwrap();
    fs::write(source.join("bin/data"), "neither\n").unwrap();
    mode("bin/lost", 0o755);
    mode("bin/data", 0o755);
    own.build(&from, &[]).well();
    let all = [
        ("/bin/none", 127, "/bin/none: not found in the jail"),
        ("none", 127, "none: not found in the jail"),
        ("/data/word/none", 127, "/data/word/none: not found in the jail"),
        ("/data/word", 126, "cannot execute /data/word: Permission denied (EACCES)"),
        ("/bin/lost", 126, "cannot execute /bin/lost: it is there, but its interpreter or loader is not"),
        // A script for /bin/sh, which this image has not.
        ("/bin/data", 126, "cannot execute /bin/data: it is there, but its interpreter or loader is not"),
    ];
    for (program, code, why) in all {
        jailbase(["image", "edit", &own.name, "--", program]).no(code, why);
        assert_eq!(own.names(), ["1", "2", "current", "last"], "{program}");
    }
    // What a program that ran exits with is its own, and no word about whether it is there.
    jailbase(["image", "edit", &own.name, "--", "/bin/say", "end", "127"]).no(77, "it ended with exit status: 127");
    let said = |words: &[&str]| jailbase(["image", "edit", &own.name, "--dry-run"].iter().chain(words)).well();
    assert_eq!(
        said(&["--", "/bin/say", "as", "two"]),
        format!("would run /bin/say as two in a clone of {0}@2, to become {0}@3\n", own.name)
    );
    assert_eq!(said(&[]), format!("would open a shell in a clone of {0}@2, to become {0}@3\n", own.name));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_dies_with_jailbase_and_leaves_nothing() {
    let (own, ..) = Own::of_words("edit-killed", &["one"]);
    let mut command = Command::new(program("jailbase"));
    command.args(["image", "edit", &own.name, "--", "/bin/say", "until killed"]).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let running = || {
        let found = Command::new("pgrep").args(["-fx", "/bin/say until killed"]).output().unwrap();
        !found.stdout.is_empty()
    };
    let patience = Duration::from_secs(60);
    let started = seen::within(patience, running);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(started, "it did not start");
    assert!(seen::within(patience, || !running()), "it outlived jailbase");
    jailbase(["image", "gc", &own.name]).well();
    assert_eq!(own.names(), ["1", "current", "last"]);
}

/// Nobody's but the thief's, here and in the image.
const THIEF: u32 = 64_321;

/// Somebody else.
const NEIGHBOUR: u32 = 64_322;

/// Waits for a program of its uid that sleeps, which is `pid` then.
const ASLEEP: &str = r#"
import ctypes, errno, os, sys, time
def asleep():
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if os.stat('/proc/' + pid).st_uid == os.getuid() and open(f'/proc/{pid}/comm').read() == 'sleep\n': return int(pid)
        except OSError: pass
while not (pid := asleep()): time.sleep(0.02)
"#;

/// Takes descriptors 7 and 8 over from the program of its uid in the image, and says so into the first; the second argument says
/// whether it keeps that. When the edit is over, so is its standard input; then it writes beneath the second, and prints how that went.
const THIEF_S: &str = r#"
victim = os.pidfd_open(pid)
take = lambda number: ctypes.CDLL(None).syscall(438, victim, number, 0)
file, directory = take(7), take(8)
os.pwrite(file, b'taken', 0)
if sys.argv[1] == 'false': os.close(file)
sys.stdin.read()
try: print(os.open('own', os.O_WRONLY, dir_fd=directory))
except OSError as error: print(errno.errorcode[error.errno])
"#;

/// Becomes its arguments, with a kernel that makes no user namespace.
const WITHOUT_USERS: &str = r#"
import ctypes, os, struct, sys
lines = [(0x20, 0, 0, 0), (0x15, 0, 3, UNSHARE), (0x20, 0, 0, 16), (0x45, 0, 1, 0x10000000), (6, 0, 0, 0x5001c), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in lines))
program = struct.pack('HxxxxxxQ', len(lines), ctypes.addressof(code))
if ctypes.CDLL(None).prctl(22, 2, program, 0, 0): sys.exit('no filter')
os.execv(sys.argv[1], sys.argv[1:])
"#;

fn jailbase_without_users(words: &[&str]) -> Said {
    let script = format!("UNSHARE = {}\n{WITHOUT_USERS}", if cfg!(target_arch = "x86_64") { 272 } else { 97 });
    let mut command = Command::new("/usr/bin/python3");
    Said::of(&command.args(["-c", &script]).arg(program("jailbase")).args(words).env_clear().output().unwrap())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_there_is_no_user_namespace_nobody_takes_the_end_of_a_pair_over_because_there_is_no_pair() {
    let own = Own::new("edit-no-pairs");
    own.build("host", &[]).well();
    let pair = "import errno, socket\ntry: socket.socketpair()\nexcept OSError as error: print(errno.errorcode[error.errno])";
    let edit = ["image", "edit", &own.name, "--", "/usr/bin/python3", "-c", pair];
    let said = jailbase_without_users(&edit).well();
    assert!(said.starts_with("EAFNOSUPPORT\n"), "{said}");
    let said = jailbase(edit).well();
    assert!(!said.contains("EAFNOSUPPORT"), "{said}");
}

/// Tries what a process may do to another of its uid, on each that the image has; prints what it can.
const NEIGHBOUR_S: &str = r#"
c = ctypes.CDLL(None)
if c.syscall(438, os.pidfd_open(pid), 7, 0) != -1: print('took a descriptor over')
for name in ['root/etc', 'cwd/etc', 'fd/7', 'ns/mnt', 'mem']:
    try: os.close(os.open(f'/proc/{pid}/{name}', os.O_RDONLY))
    except OSError: continue
    print('opened', name)
if c.ptrace(16, pid, 0, 0) != -1: print('traces it')
os.kill(pid, 9)
"#;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_process_outside_of_the_uid_of_a_program_in_an_edit_takes_nothing_over_from_it_and_does_not_trace_it() {
    let own = Own::new("edit-neighbour");
    own.build("host", &[]).well();
    let mut neighbour = Command::new("/usr/bin/python3");
    neighbour
        .args(["-c", &format!("{ASLEEP}{NEIGHBOUR_S}")])
        .uid(NEIGHBOUR)
        .gid(NEIGHBOUR)
        .current_dir("/")
        .stdout(Stdio::piped());
    let neighbour = neighbour.stderr(Stdio::piped()).spawn().unwrap();
    let program = format!("exec 7</etc/passwd; setpriv --reuid {NEIGHBOUR} --regid {NEIGHBOUR} --clear-groups sleep 60; true");
    jailbase(["image", "edit", &own.name, "--", "/bin/sh", "-c", &program]).well();
    let done = neighbour.wait_with_output().unwrap();
    let said = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(said, ("".into(), "".into()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_took_over_a_file_or_a_directory_of_an_image_that_is_edited_writes_nothing_into_what_is_published() {
    let own = Own::new("edit-robbed");
    own.build("host", &[]).well();
    let program = format!(
        "mkdir /etc/theirs; echo first > /etc/theirs/own; echo first > /etc/word; chown -R {THIEF} /etc/theirs
        exec 7<>/etc/word 8</etc/theirs
        setpriv --reuid {THIEF} --regid {THIEF} --clear-groups sleep 600 &
        until grep -q taken /etc/word; do sleep 0.05; done"
    );
    for (keep, published) in [(true, 1), (false, 2)] {
        let mut thief = Command::new("/usr/bin/python3");
        thief.args(["-c", &format!("{ASLEEP}{THIEF_S}"), &keep.to_string()]).uid(THIEF).gid(THIEF).current_dir("/");
        let mut thief = thief.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // With one, there is no thief.
        let said = jailbase_without_users(&["image", "edit", &own.name, "--", "/bin/sh", "-c", &program]);
        drop(thief.stdin.take());
        let wrote = String::from_utf8(thief.wait_with_output().unwrap().stdout).unwrap();
        if keep {
            said.no(77, "a process outside took over a file of the image that is open for writing, and nothing was published");
        } else {
            said.well();
            assert_eq!(fs::read_to_string(own.file(2, "etc/theirs/own")).unwrap(), "first\n");
            jailbase(["image", "verify", &own.name]).well();
        }
        // What was not published is gone, and of what was all is root's.
        assert_eq!(wrote, if keep { "ENOENT\n" } else { "EACCES\n" });
        assert_eq!(own.current(), published);
    }
    assert_eq!(own.names(), ["1", "2", "current", "last"]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_word_by_which_an_edit_starts_its_program_mounts_nothing_for_anybody_else() {
    let (own, ..) = Own::of_words("edit-by-hand", &["one"]);
    let tree = own.file(1, "").display().to_string();
    for tree in ["/", tree.trim_end_matches('/'), "", "relative"] {
        let mut by_hand = Command::new("unshare");
        by_hand.args(["--mount", "--pid", "--fork"]).arg(program("jailbase")).args(["in-image", tree, "/bin/say", "end", "3"]);
        Said::of(&by_hand.output().unwrap()).no(64, "in-image is only for the process that image edit and update start");
    }
}
