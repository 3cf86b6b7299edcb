//! One call, made up from a number: everything that a caller decides about a process before it is trampoline.

use crate::mutate::{Random, mutated};
use std::ffi::CString;

/// A user of the storm.
#[derive(Clone)]
pub struct Who {
    pub name: String,
    pub uid: u32,
    pub home: String,
}

/// What a standard descriptor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// A file in memory that is looked at afterwards.
    Seen,
    Closed,
    Null,
    Full,
    BrokenPipe,
    Directory,
    PathOnly,
    ReadOnly,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    pub words: Vec<CString>,
    pub variables: Vec<CString>,
    pub uid: u32,
    pub streams: [Stream; 3],
    pub extra: Vec<i32>,
    pub limits: Vec<(u32, u64)>,
    pub ignored: u64,
    pub blocked: u64,
    pub umask: u32,
    pub nice: i32,
    pub no_new_privs: bool,
    pub gone_directory: bool,
    /// Which interval timer runs, and after how many microseconds it strikes again and again.
    pub timer: Option<(i32, i64)>,
    /// After how many microseconds the caller is killed by root, who alone can.
    pub killed: Option<u64>,
}

/// Uids that call: the web server, root, one that the file's group lets in and the policy does not.
const CALLERS: [u32; 8] = [33, 33, 33, 33, 33, 33, 0, 34];

const RESOURCES: [u32; 12] = [
    libc::RLIMIT_NOFILE,
    libc::RLIMIT_AS,
    libc::RLIMIT_FSIZE,
    libc::RLIMIT_STACK,
    libc::RLIMIT_CORE,
    libc::RLIMIT_CPU,
    libc::RLIMIT_DATA,
    libc::RLIMIT_NPROC,
    libc::RLIMIT_MEMLOCK,
    libc::RLIMIT_SIGPENDING,
    libc::RLIMIT_MSGQUEUE,
    libc::RLIMIT_NICE,
];

const VALUES: [u64; 12] = [0, 1, 2, 3, 8, 64, 4096, 65_536, 1 << 20, 16 << 20, 1 << 30, libc::RLIM_INFINITY];

/// Two users with jails, one without, what the corpus of command lines holds, and its words.
pub struct Stock {
    pub users: [Who; 2],
    pub stranger: String,
    pub lines: Vec<Vec<u8>>,
    pub tokens: Vec<Vec<u8>>,
}

impl Call {
    /// The call that this number stands for.
    pub fn of(number: u64, stock: &Stock) -> Self {
        let mut random = Random(number);
        let r = &mut random;
        let mut words: Vec<Vec<u8>> = match r.below(10) {
            0 => mutated(r, &stock.lines, &stock.tokens).split(|b| *b == 0).map(<[u8]>::to_vec).collect(),
            1 => {
                let line = likely(r, stock).join(&0);
                mutated(r, &[line], &stock.tokens).split(|b| *b == 0).map(<[u8]>::to_vec).collect()
            }
            2 => (0..r.below(12)).map(|_| bytes(r, 40)).collect(),
            _ => likely(r, stock),
        };
        if r.one_in(50) {
            words.push(vec![b'x'; 1 << r.below(17)]);
        }
        // Most calls have few oddities: with all at once none would ever get far.
        let often = [2, 5, 12][r.below(3)];
        let stream = |r: &mut Random, n: usize| {
            use Stream::{BrokenPipe, Closed, Directory, Full, Null, PathOnly, ReadOnly, Seen};
            let usual = if n == 0 { Null } else { Seen };
            if r.one_in(often) {
                [Closed, Closed, Null, Full, BrokenPipe, Directory, PathOnly, ReadOnly][r.below(8)]
            } else {
                usual
            }
        };
        Self {
            words: words.into_iter().filter_map(|word| CString::new(word).ok()).collect(),
            variables: (0..r.below(12)).filter_map(|_| CString::new(variable(r)).ok()).collect(),
            uid: CALLERS[r.below(CALLERS.len())],
            streams: [stream(r, 0), stream(r, 1), stream(r, 2)],
            extra: if r.one_in(often) {
                (0..r.below(30)).map(|_| 3 + i32::try_from(r.below(1000)).unwrap()).collect()
            } else {
                Vec::new()
            },
            limits: if r.one_in(often) {
                (0..=r.below(4)).map(|_| (RESOURCES[r.below(RESOURCES.len())], VALUES[r.below(VALUES.len())])).collect()
            } else {
                Vec::new()
            },
            ignored: if r.one_in(often) { r.next() } else { 0 },
            blocked: if r.one_in(often) { r.next() } else { 0 },
            umask: if r.one_in(often) { u32::try_from(r.below(0o1000)).unwrap() } else { 0o022 },
            nice: if r.one_in(often) { i32::try_from(r.below(20)).unwrap() } else { 0 },
            no_new_privs: r.one_in(often * 10),
            gone_directory: r.one_in(often),
            timer: r.one_in(often * 3).then(|| (i32::try_from(r.below(3)).unwrap(), 1 + i64::try_from(r.below(5000)).unwrap())),
            killed: r.one_in(20).then(|| r.next() % 6000),
        }
    }
}

/// A command line that means something, or nearly.
fn likely(r: &mut Random, stock: &Stock) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = vec![[&b"trampoline"[..], b"", b"-sh", b"--help", b"a\nb"][r.below(5)].to_vec()];
    for _ in 0..r.below(3) {
        let option: &[&[u8]] = match r.below(7) {
            0 => &[b"-C", b"/"],
            1 => &[b"--chdir=/tmp"],
            2 => &[b"-e", b"A=1"],
            3 => &[b"--env=PATH=/home"],
            4 => &[b"-e", b"LD_PRELOAD=/home/x.so"],
            5 => &[b"-t", b"7"],
            _ => &[b"-C", b"/nowhere"],
        };
        words.extend(option.iter().map(|word| word.to_vec()));
    }
    let user = &stock.users[r.below(2)];
    let target = match r.below(12) {
        0 => stock.stranger.clone(),
        1 => "0".to_owned(),
        2 => "33".to_owned(),
        3 => format!("../{}", user.name),
        4..6 => user.uid.to_string(),
        _ => user.name.clone(),
    };
    if r.one_in(12) {
        let what = [&b"--ensure"[..], b"--explain", b"--policy", b"--version", b"--help"][r.below(5)];
        return vec![b"trampoline".to_vec(), what.to_vec(), target.into_bytes()];
    }
    words.extend([target.into_bytes(), b"--".to_vec()]);
    let other = &stock.users[r.below(2)];
    let program = match r.below(12) {
        0 => format!("{}/canary", other.home),
        1 => "/bin/true".to_owned(),
        2 => "true".to_owned(),
        3 => format!("{}/proof", user.home),
        4 => user.home.clone(),
        5 => format!("{}/../{}/canary", user.home, user.name),
        6 => "canary".to_owned(),
        _ => format!("{}/canary", user.home),
    };
    words.push(program.into_bytes());
    words.extend((0..r.below(4)).map(|_| bytes(r, 30)));
    words
}

/// Bytes without a zero, some of them letters.
fn bytes(r: &mut Random, most: usize) -> Vec<u8> {
    let plain = r.one_in(2);
    let byte = |r: &mut Random| if plain { b"abc-/=.0129 "[r.below(12)] } else { u8::try_from(1 + r.below(255)).unwrap() };
    (0..r.below(most)).map(|_| byte(r)).collect()
}

fn variable(r: &mut Random) -> Vec<u8> {
    let names = [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "GLIBC_TUNABLES",
        "MALLOC_CHECK_",
        "RUST_BACKTRACE",
        "RUST_LOG",
        "PATH",
        "HOME",
        "IFS",
        "BASH_ENV",
        "TERM",
        "LANG",
        "LC_ALL",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LOCPATH",
        "GCONV_PATH",
        "NLSPATH",
        "HOSTALIASES",
    ];
    match r.below(8) {
        0 => bytes(r, 60),
        1 => b"=".to_vec(),
        2 => Vec::new(),
        _ => {
            let values = [&b"/home"[..], b"1", b"full", b"../../x", b"C", b"xterm", b"glibc.malloc.check=3", b"%n%n\x1b[2J"];
            [names[r.below(names.len())].as_bytes(), b"=", values[r.below(values.len())]].concat()
        }
    }
}
