//! The system-call filter, from inside: what the kernel makes of every call, beside what the policy says on paper.

#[path = "../seccomp/call.rs"]
mod call;
#[path = "../seccomp/oracle.rs"]
mod oracle;

use crate::common::call::Call;
use crate::common::executable;
use crate::common::user::User;
use call::Answer;
use oracle::{ALLOW, Arch, ENOSYS, Whom};
use std::process::Command;

const NATIVE: &Arch = if cfg!(target_arch = "x86_64") { &oracle::X86_64 } else { &oracle::AARCH64 };

/// The errnos that the filter gives.
const OURS: [i32; 5] = [1, 38, 93, 94, 97];

/// A call and its first three arguments; the others are -1.
type Asked = (u32, [u64; 3]);

/// A user with a filter, and the probe in the home.
fn prober(filter: &str) -> User {
    let user = User::with(&["--filter", filter]);
    compile(&user, "probe", include_str!("probe.c"));
    user
}

/// Compiles a C program into the home.
fn compile(user: &User, name: &str, text: &str) {
    let (source, program) = (user.in_home(&format!("{name}.c")), user.in_home(name));
    std::fs::write(&source, text).unwrap();
    let done = Command::new("gcc").args(["-O1", "-Wall", "-o"]).arg(&program).arg(&source).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// What came of each call: its errno, 0, or -1 if it never came back.
fn answers(probe: Call, asked: &[Asked]) -> Vec<i32> {
    let lines: String = asked.iter().map(|(nr, [a, b, c])| format!("{nr:x} {a:x} {b:x} {c:x}\n")).collect();
    let done = probe.input(lines).run();
    let answers: Vec<i32> = done.well().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(answers.len(), asked.len());
    answers
}

/// The same, inside a jail.
fn inside(user: &User, asked: &[Asked]) -> Vec<i32> {
    answers(user.call(&["./probe"]), asked)
}

/// The same, outside and without a filter, as the same user and as unprivileged. What is made of System V objects goes with it.
fn outside(user: &User, asked: &[Asked]) -> Vec<i32> {
    let id = user.uid.to_string();
    let setpriv = ["--ipc", "/usr/bin/setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--no-new-privs"];
    let words = setpriv.into_iter().chain(["--bounding-set", "-all"]);
    let path = user.in_home("probe");
    answers(Call::of("/usr/bin/unshare", words.chain([path.to_str().unwrap()])).by(0, 0), asked)
}

fn says(whom: Whom, (nr, [a, b, c]): Asked) -> Answer {
    oracle::says(NATIVE, whom, &call::Call { arch: NATIVE.audit, nr, args: [a, b, c, u64::MAX, u64::MAX, u64::MAX] })
}

/// What the policy denies must fail as it says; what it allows must end as it does without a filter.
fn compare(user: &User, whom: Whom, asked: &[Asked]) {
    let (allowed, denied): (Vec<Asked>, Vec<Asked>) = asked.iter().partition(|asked| says(whom, **asked) == ALLOW);
    for (asked, seen) in denied.iter().zip(inside(user, &denied)) {
        assert_eq!(Answer::Errno(seen.unsigned_abs()), says(whom, *asked), "{asked:x?} for {whom:?}");
    }
    let of_ours = |errno: &i32| OURS.contains(errno).then_some(*errno);
    for ((asked, seen), free) in allowed.iter().zip(inside(user, &allowed)).zip(outside(user, &allowed)) {
        assert_eq!(of_ours(&seen), of_ours(&free), "{asked:x?} for {whom:?}: {seen} inside, {free} without a filter");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_number_is_answered_as_the_policy_says() {
    for (filter, whom) in [("web", Whom::Web), ("dev", Whom::Dev)] {
        let user = prober(filter);
        // All but sync, which makes everybody on the machine wait.
        let sync = if NATIVE.name == "x86_64" { 162 } else { 81 };
        let asked: Vec<Asked> = (0..=600).filter(|nr| *nr != sync).map(|nr| (nr, [u64::MAX; 3])).collect();
        compare(&user, whom, &asked);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_number_of_the_x32_interface_is_a_call() {
    for filter in ["web", "dev"] {
        let asked: Vec<Asked> = (0..=600).map(|nr| (0x4000_0000 | nr, [u64::MAX; 3])).collect();
        let seen = inside(&prober(filter), &asked);
        assert!(seen.iter().all(|errno| Answer::Errno(errno.unsigned_abs()) == ENOSYS), "{seen:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_arguments_that_decide_are_compared_in_their_lower_halves() {
    let user = prober("web");
    let mut asked: Vec<Asked> = Vec::new();
    for upper in [0, 1 << 32, 0xffff_ffff << 32] {
        for family in 0..64 {
            asked.push((NATIVE.socketpair, [upper | family, upper | 1, upper]));
            let kinds = if [2, 10].contains(&family) { 0..12 } else { 1..4 };
            for kind in kinds {
                let protocols =
                    if [2, 10, 16].contains(&family) { &[0, 1, 6, 9, 12, 17, 33, 58, 132, 136, 255, 256, 262][..] } else { &[0] };
                asked.extend(
                    protocols.iter().map(|protocol| (NATIVE.socket, [upper | family, upper | kind | 0x80000, upper | protocol])),
                );
            }
        }
        asked.extend([0x5411, 0x5412, 0x5413, 0x541c, 0x5423, 0x5424].map(|what| (NATIVE.ioctl, [0, upper | what, 0])));
        asked.extend([0x8008_6601, 0x4008_6602, 0x801c_581f, 0x401c_5820].map(|what| (NATIVE.ioctl, [0, upper | what, 0])));
        asked.extend([3, 1023, 1024, 1025, 1026].map(|what| (NATIVE.fcntl, [0, upper | what, 0])));
        asked.extend(
            [0, 8, 0x2_0000, 0x4_0000, 0x6_0008, 0x10_0000, 0x40_0000, 0xffff_ffff]
                .map(|p| (NATIVE.personality, [upper | p, 0, 0])),
        );
        asked.extend((0..32).map(|bit| (NATIVE.unshare, [upper | 1 << bit, 0, 0])));
        // A clone that is allowed would run on, with the memory or the descriptors of the probe.
        asked.extend([17, 25, 26, 27, 28, 29, 30].map(|bit| (NATIVE.clone, [upper | 1 << bit | 17, 0, 0])));
        asked.extend(NATIVE.not_of_init.iter().flat_map(|nr| [0, 1].map(|pid| (*nr, [upper | pid, 0, 0]))));
        asked.extend([(0, 0), (0, 1), (1, 0), (2, 0)].map(|(which, who)| (NATIVE.setpriority, [upper | which, upper | who, 5])));
        asked.extend([(1, 0), (1, 1), (2, 0), (3, 0)].map(|(which, who)| (NATIVE.ioprio_set, [upper | which, upper | who, 0])));
    }
    compare(&user, Whom::Web, &asked);
}

#[test]
#[cfg(target_arch = "x86_64")]
#[ignore = "needs root and installed programs: make check"]
fn a_call_of_the_32_bit_interface_ends_the_program() {
    let user = User::new();
    compile(
        &user,
        "gate",
        "int main(void) { int n = 20; __asm__ volatile(\"int $0x80\" : \"+a\"(n) :: \"memory\"); return n > 0 ? 3 : 4; }\n",
    );
    // getpid of a 32-bit program of its own: mov eax, 20; int 0x80; mov ebx, 3; mov eax, 1; int 0x80.
    let code = b"\xb8\x14\0\0\0\xcd\x80\xbb\x03\0\0\0\xb8\x01\0\0\0\xcd\x80";
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0\x01\0\0\0\x54\x80\x04\x08\x34\0\0\0".to_vec();
    elf.extend(b"\0\0\0\0\0\0\0\0\x34\0\x20\0\x01\0\0\0\0\0\0\0"); // no sections; one header of a segment, at 0x34
    elf.extend(b"\x01\0\0\0\0\0\0\0\0\x80\x04\x08\0\x80\x04\x08\x80\0\0\0\x80\0\0\0\x05\0\0\0\0\x10\0\0");
    elf.extend(code);
    elf.resize(0x80, 0);
    executable::written(elf, user.in_home("small"), (0, 0), 0o755);
    let without = |name: &str| Command::new(user.in_home(name)).status().unwrap().code();
    for name in ["gate", "small"] {
        let code = user.run(&[&format!("./{name}")]).code();
        match without(name) {
            Some(3) => assert_eq!(code, 128 + 31, "{name}: SIGSYS"),
            // A kernel without that interface has nothing to end, but must not run it either.
            other => assert!(code != 3 && other != Some(3), "{name}: {code} {other:?}"),
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_debugger_s_filter_shows_the_user_s_own_processes_and_not_the_session_s_init() {
    let user = User::with(&["--filter", "dev"]);
    let text = "import ctypes, os, signal\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        def trace(pid): return libc.ptrace(0x4206, pid, 0, 0) == 0 or os.strerror(ctypes.get_errno())\n\
        child = os.fork()\n\
        if child == 0: signal.pause()\n\
        print(trace(child), trace(1), end=' ')\n\
        try: os.open('/proc/1/mem', os.O_RDONLY)\n\
        except OSError as e: print(e.strerror)\n\
        os.kill(child, 9)";
    assert_eq!(user.python(text), "True Operation not permitted Permission denied");
}

const TRACE_ME: &str = "import ctypes, os, signal\nlibc = ctypes.CDLL(None, use_errno=True)\n\
    print(libc.ptrace(0, 0, 0, 0) == 0 or os.strerror(ctypes.get_errno()), flush=True)";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_filter_of_the_spec_counts_from_the_next_call_on_and_a_spec_without_one_means_web() {
    let user = User::new();
    assert_eq!(user.python(TRACE_ME), "Operation not permitted");
    user.set("filter", "dev");
    assert_eq!(user.python(TRACE_ME), "True");
    user.respec(|text| text.replace("filter = dev\n", ""));
    assert_eq!(user.python(TRACE_ME), "Operation not permitted");
    for odd in ["none", "Web", "web dev"] {
        user.respec(|text| text.replace("init = builtin\n", &format!("init = builtin\nfilter = {odd}\n")));
        user.run(&["true"]).failed(77);
        user.respec(|text| text.replace(&format!("filter = {odd}\n"), ""));
    }
    user.run(&["true"]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_that_makes_the_session_s_init_its_tracer_and_stops_is_ended_by_the_timeout() {
    let user = User::with(&["--filter", "dev"]);
    let text = format!("{TRACE_ME}\nos.kill(os.getpid(), signal.SIGSTOP)\nprint('went on')");
    let done = Call::new(["-t", "1", &user.name, "--", "python3", "-I", "-c", &text]).run();
    assert_eq!((done.code(), done.text().as_str()), (137, "True"), "{}", done.err);
}
