//! Hostile archives: a name for each, its bytes, and why it is refused. `OUT` in a name or link is a directory of the host.

use super::packing::{Header, Tar, gzip, run, zstd_of_zeros};

/// One archive that must be refused.
pub struct Hostile {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// What the administrator reads.
    pub reason: &'static str,
    /// Further words of the build.
    pub words: &'static [&'static str],
}

fn tar() -> Tar {
    Tar::default().dir("./").dir("etc/")
}

fn sized(kind: u8, name: &str, size: u64) -> Tar {
    tar().header(&Header { name: name.into(), kind, mode: 0o644, size, link: Vec::new() })
}

/// Every one of them.
pub fn all(out: &str) -> Vec<Hostile> {
    let of = |name, tar: Tar, reason| Hostile { name, bytes: tar.end(), reason, words: &[] };
    let raw = |name, bytes, reason| Hostile { name, bytes, reason, words: &[] };
    let victim = format!("{out}/victim");
    let (absolute, upwards, through, there, twice, device) = (
        "is absolute",
        "leads upwards",
        "it leads through a symbolic link",
        "something else of that name is there already",
        "it is there twice",
        "it is a device or a pipe",
    );
    let mut all = vec![
        of("an absolute name", tar().file(&format!("{out}/x")), absolute),
        of("an absolute name with two slashes", tar().file(&format!("/{out}/x")), absolute),
        of("an absolute directory", tar().dir(&format!("{out}/x/")), absolute),
        of("a name that leads upwards", tar().file("../x"), upwards),
        of("a name that leads upwards in the middle", tar().file("etc/../../x"), upwards),
        of("a name that leads upwards after a dot", tar().file("./.././x"), upwards),
        of("a directory that leads upwards", tar().dir("etc/../.."), upwards),
        of("a name of two dots", tar().dir(".."), upwards),
        of(
            "a long name of GNU's that leads upwards",
            tar().entry(b'L', b"././@LongLink", "", b"../../x\0").file("etc/y"),
            upwards,
        ),
        of("a long name of POSIX's that leads upwards", tar().extended("path", "../../x").file("etc/y"), upwards),
        of("a hard link to an absolute name", tar().hard("h", &victim), absolute),
        of("a hard link that leads upwards", tar().hard("h", "../victim"), upwards),
        of("a long link of POSIX's", tar().extended("linkpath", &victim).hard("h", "etc/x"), absolute),
        of("a long link of GNU's", tar().entry(b'K', b"././@LongLink", "", b"../../victim\0").hard("h", "etc/x"), upwards),
        of("a hard link to nothing", tar().hard("h", "etc/none"), "what it links to is not in the image"),
        of("a hard link to what comes later", tar().hard("h", "etc/x").file("etc/x"), "or comes later"),
        of("a hard link to a symbolic link", tar().link("s", &victim).hard("h", "s"), "what it links to is"),
        of("a hard link through a symbolic link", tar().link("d", out).hard("h", "d/victim"), "a symbolic link"),
        of("a hard link to a directory", tar().hard("h", "etc"), "what it links to is not a file"),
        of("a hard link to the tree itself", tar().hard("h", "./"), "what it links to is"),
        of("a symbolic link and a file behind it", tar().link("d", out).file("d/x"), through),
        of("a relative link and a file behind it", tar().link("d", "../../../../../../../../tmp").file("d/x"), through),
        of("a link to the tree itself and a file behind it", tar().link("d", ".").file("d/x"), through),
        of("a symbolic link and a directory behind it", tar().link("d", out).dir("d/x/"), through),
        of("a symbolic link and another behind it", tar().link("d", out).link("d/x", "y"), through),
        of("a symbolic link and a hard link behind it", tar().file("f").link("d", out).hard("d/x", "f"), through),
        of("a chain of links and a file behind it", tar().link("a", out).link("b", "a").file("b/x"), through),
        of("a link deep below and a file behind it", tar().link("etc/a/b/c", out).file("etc/a/b/c/d/x"), through),
        of("a link to the processes' own roots", tar().link("d", "/proc/self/root").file("d/x"), through),
        of("a link and a file of the same name", tar().link("s", &victim).file("s"), twice),
        of("a link and a file of the same name, spelled with a dot", tar().link("s", &victim).file("./s"), twice),
        of("a link and a directory of the same name", tar().link("s", out).dir("s/").file("s/x"), twice),
        of("a file and a link of the same name", tar().file("s").link("s", &victim), twice),
        of("a directory and a link of the same name", tar().dir("d/").link("d", out).file("d/x"), twice),
        of("a directory nobody named and a link of its name", tar().file("d/x").link("d", out), there),
        of("a file twice", tar().file("f").file("f"), twice),
        of("a file twice, spelled with two slashes", tar().file("etc/f").file("etc//f"), twice),
        of("a file twice, once by its long name", tar().file("f").extended("path", "f").file("g"), twice),
        of("a directory twice", tar().dir("d/").dir("d/"), twice),
        of("a hard link in the place of a file", tar().file("f").file("g").hard("f", "g"), twice),
        of("a file for a directory", tar().file("f").file("f/x"), "it leads through what is no directory"),
        of("the tree itself as a link", Tar::default().link("./", out), "is no directory"),
        of("the tree itself as a file", Tar::default().file("./"), "is no directory"),
        of("a character device", tar().entry(b'3', b"null", "", b""), device),
        of("a block device", tar().entry(b'4', b"sda", "", b""), device),
        of("a pipe", tar().entry(b'6', b"pipe", "", b""), device),
        of("a kind that nobody knows", tar().entry(b'Z', b"what", "", b""), "it is of the kind 'Z'"),
        of("a volume of many", tar().entry(b'M', b"rest", "", b"x"), "it is of the kind 'M'"),
        of("a sparse file of GNU's, huge", sized(b'S', "sparse", 0), "it is a sparse file"),
        of(
            "a sparse file of POSIX's, huge",
            tar().extended("GNU.sparse.realsize", "999999999999").file("f"),
            "it is a sparse file",
        ),
        of("a file that claims a tebibyte", sized(b'0', "huge", 1 << 40), "the files are longer than 32.0 GiB"),
        of("a file that claims all there is", sized(b'0', "huge", u64::MAX - 5), "cannot read"),
        of("a long size of POSIX's", tar().extended("size", "999999999999").file("f"), "the files are longer than"),
        of("a size of POSIX's that hides an entry", hidden(out), absolute),
        of("a directory with content", tar().entry(b'5', b"d", "", b"x"), "it has content"),
        of("a symbolic link with content", tar().entry(b'2', b"s", "etc", b"x"), "it has content"),
        of("a hard link with content", tar().file("f").entry(b'1', b"h", "f", b"x"), "it has content"),
        of("a link without a text", tar().link("s", ""), "it is a link without a text"),
        of("a file with the name of a directory", tar().file("f/"), "it is a file with the name of a directory"),
        of(
            "a part of a name that is too long",
            tar().extended("path", &format!("etc/{}", "x".repeat(300))).file("f"),
            "too long",
        ),
        of("a name that is too long", tar().extended("path", &"x/".repeat(2000)).file("f"), "too long"),
        of("a directory that is nested too deep", tar().extended("path", &"x/".repeat(200)).dir("d"), "nested too deep"),
        of("a hundred thousand levels by POSIX", tar().extended("path", &deep()).dir("d"), "nested too deep"),
        of(
            "a hundred thousand levels by GNU",
            tar().entry(b'L', b"././@LongLink", "", deep().as_bytes()).dir("d"),
            "nested too deep",
        ),
        of("a file below a hundred thousand levels", tar().extended("path", &(deep() + "f")).file("f"), "nested too deep"),
        of(
            "a hard link to what lies a hundred thousand levels deep",
            tar().extended("linkpath", &(deep() + "f")).hard("h", "f"),
            "nested too deep",
        ),
        of("a symbolic link of a hundred thousand parts", tar().extended("linkpath", &deep()).link("s", "f"), "too long"),
        of(
            "a directory in the one before, again and again",
            (1..200).fold(tar(), |tar, levels| tar.extended("path", &"d/".repeat(levels)).dir("d")),
            "nested too deep",
        ),
        of(
            "a long name of two mebibytes",
            tar().entry(b'L', b"././@LongLink", "", &vec![b'x'; 2 << 20]).file("f"),
            "than may be",
        ),
        of("extensions of two mebibytes", tar().entry(b'x', b"x", "", &vec![b'x'; 2 << 20]).file("f"), "than may be"),
        of("a long name and nothing behind it", tar().entry(b'L', b"././@LongLink", "", b"x\0"), "cannot read"),
        of("two long names in a row", tar().entry(b'L', b"x", "", b"a\0").entry(b'L', b"x", "", b"b\0").file("f"), "cannot read"),
        of("a link in the place of /etc", Tar::default().link("etc", "/etc"), "/etc: is a symbolic link, and jails mount on it"),
        of("a link in the place of /dev", tar().link("dev", out), "/dev: is a symbolic link"),
        of("a link in the place of /proc", tar().link("proc", "tmp"), "/proc: is a symbolic link"),
        of("a link in the place of /tmp", tar().link("tmp", out), "/tmp: is a symbolic link"),
        of("a link in the place of /home", tar().link("home", out), "/home: is a symbolic link"),
        of("a link in the place of /sys", tar().link("sys", out), "/sys: is not a directory"),
        of("a link in the place of /var", tar().link("var", out), "/var: is not a directory"),
        of("a link in the place of /etc/passwd", tar().link("etc/passwd", "/etc/passwd"), "/etc/passwd: is not a file"),
        of("a file that everybody can write", writable("f", b'0'), "chmod go-w it where the image is made from, or give --mend"),
        of("a directory that everybody can write", writable("d/", b'5'), "chmod go-w it"),
    ];
    all.extend(broken());
    all.extend(bombs());
    all.push(raw("a file that is no archive", b"MZ this is no archive ".repeat(100), "cannot read"));
    all.push(raw("nothing at all", Vec::new(), "it was cut short"));
    all
}

/// A path of a hundred thousand directories.
fn deep() -> String {
    "d/".repeat(100_000)
}

/// Who takes the size of the header sees a file; who takes that of the extension, which counts, sees what it hides.
fn hidden(out: &str) -> Tar {
    let hidden = Tar::default().file(&format!("{out}/x")).0;
    tar().extended("size", "0").entry(b'0', b"f", "", &hidden)
}

fn writable(name: &str, kind: u8) -> Tar {
    tar().header(&Header { name: name.into(), kind, mode: 0o666, size: 0, link: Vec::new() })
}

/// What was cut, bent or had something added.
fn broken() -> Vec<Hostile> {
    let of = |name, bytes, reason| Hostile { name, bytes, reason, words: &[] };
    let whole = tar().file("f").end();
    let mut bent = whole.clone();
    bent[513] ^= 1;
    let written = |at: usize, field: usize, text: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + 512][field..field + text.len()].copy_from_slice(text);
        bytes
    };
    let (title, sum) = (b"a\x1b]0;b\x07\nc", b"\x1b[2J\nx\x07z");
    let titled = |at: usize| {
        let mut bytes = written(at, 0, title);
        bytes[at + 148..at + 156].copy_from_slice(b"zzzzzzzz");
        bytes
    };
    let mut packed = gzip(&whole);
    let short = packed[..packed.len() - 6].to_vec();
    let mut added = packed.clone();
    added.extend(b"#!/bin/sh\n");
    let mut checked = packed.clone();
    let at = checked.len() - 7;
    checked[at] ^= 1;
    let mut second = whole.clone();
    second.extend(tar().file("g").end());
    packed.extend(gzip(&tar().file("g").end()));
    let zstd = run("zstd", &["-c", "-1", "--check"], &whole);
    vec![
        of("an archive that was cut in a file", whole[..1024 + 512 + 1].to_vec(), "it was cut short"),
        of("an archive that was cut between two entries", whole[..1024].to_vec(), "it was cut short"),
        of("an archive with a header that was changed", bent, "checksum"),
        of("a title for the terminal in the first name, with a wrong sum", titled(0), "a\\x1b]0;b\\x07\\nc"),
        of("a title for the terminal in a later name, with a wrong sum", titled(1024), "a\\x1b]0;b\\x07\\nc"),
        of("words for the terminal in the first sum", written(0, 148, sum), "\\x1b[2J\\nx\\x07z"),
        of("words for the terminal in a later sum", written(1024, 148, sum), "\\x1b[2J\\nx\\x07z"),
        of("an archive behind an archive", second, "something follows its end"),
        of("a packed archive that was cut", short, "cannot read"),
        of("a packed archive with something behind it", added, "cannot read"),
        of("a packed archive whose sum is wrong", checked, "cannot read"),
        of("a packed archive with another behind it", packed, "something follows its end"),
        of("an archive of zstd that was cut", zstd[..zstd.len() - 3].to_vec(), "cannot read"),
        of("an archive that is packed with xz", run("xz", &["-c", "-0"], &whole), "it is packed with bzip2 or xz"),
    ]
}

/// What becomes more than anybody wants.
fn bombs() -> Vec<Hostile> {
    let gibibyte = sized(b'0', "zeros", 1 << 30).0;
    let many = (0..50).fold(tar(), |tar, number| tar.file(&format!("f{number}"))).end();
    let mut zeros = sized(b'0', "zeros", 600 << 20).0;
    zeros.resize(600 << 20, 0);
    vec![
        Hostile { name: "a bomb of gzip", bytes: gzip(&zeros), reason: "a bomb", words: &[] },
        Hostile { name: "a bomb of zstd", bytes: zstd_of_zeros(&gibibyte, 8192), reason: "a bomb", words: &[] },
        Hostile {
            name: "zeros without end behind the end",
            bytes: zstd_of_zeros(&tar().end(), 8192),
            reason: "than may be",
            words: &[],
        },
        Hostile { name: "too many files", bytes: many.clone(), reason: "more than 40 files", words: &["--most-files", "40"] },
        Hostile { name: "too many bytes", bytes: many, reason: "the files are longer than 40 B", words: &["--most-bytes", "40"] },
    ]
}
