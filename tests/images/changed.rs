//! A generation made of another: updated, edited, compared. And a Debian image, built once and kept for the next time.

use super::packing::{Tar, run};
use super::talk::Talk;
use super::tiny::system;
use super::{Own, jailbase, oci};
use crate::common::user::User;
use crate::common::{STATE, program, sweep};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The image `debian`, which stays for the next time, as `host` does: to make it takes minutes and the network.
fn debian() -> &'static str {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if !Path::new(&format!("{STATE}/images/debian/current")).is_symlink() {
            jailbase(["image", "build", "debian", "--from", "debian:bookworm", "--include", "busybox"]).well();
        }
    });
    "debian"
}

/// An image of its own that is a clone of the Debian one, sharing its files: made by hand, as no command does it.
pub fn of_debian(name: &str) -> Own {
    let own = Own::new(name);
    let from = format!("{STATE}/images/{}", debian());
    let current = fs::read_link(format!("{from}/current")).unwrap();
    let (from, to) = (format!("{from}/{}", current.display()), own.dir().join("1"));
    fs::create_dir_all(&to).unwrap();
    fs::set_permissions(&to, fs::metadata(&from).unwrap().permissions()).unwrap();
    // What trampoline reads must have one name, in the image that others use meanwhile too.
    for (how, name) in [("-al", "root"), ("-a", "image"), ("-a", "about"), ("-a", "digests")] {
        assert!(Command::new("cp").args([how, &format!("{from}/{name}")]).arg(&to).status().unwrap().success(), "{name}");
    }
    std::os::unix::fs::symlink("1", own.dir().join("current")).unwrap();
    own
}

/// Which busybox a generation has installed, as its package manager knows it.
pub fn version(own: &Own, number: u32) -> String {
    let status = fs::read_to_string(own.file(number, "var/lib/dpkg/status")).unwrap();
    let package = status.split("\n\n").find(|package| package.starts_with("Package: busybox\n")).unwrap();
    package.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap().to_owned()
}

/// The bytes of a generation's files that are no files of another; each of them differs from the one of its name there.
fn alone(own: &Own, number: u32, other: u32) -> u64 {
    let tree = |number: u32| own.file(number, "").display().to_string();
    let list =
        |number: u32| String::from_utf8(run("find", &[&tree(number), "-type", "f", "-printf", "%i %s %P\n"], b"")).unwrap();
    let inode = |line: &str| line.split(' ').next().unwrap().to_owned();
    let known: std::collections::BTreeSet<String> = list(other).lines().map(inode).collect();
    let mut new = std::collections::BTreeMap::new();
    // What is empty costs nothing, shared or not.
    for line in list(number).lines().filter(|line| !known.contains(&inode(line)) && !line.contains(" 0 ")) {
        let mut words = line.splitn(3, ' ').skip(1);
        let (size, path) = (words.next().unwrap().parse::<u64>().unwrap(), words.next().unwrap());
        let like = |number| {
            let meta = fs::metadata(own.file(number, path)).ok()?;
            Some((fs::read(own.file(number, path)).unwrap(), meta.mode(), meta.uid(), meta.gid(), meta.mtime()))
        };
        assert_ne!(like(number), like(other), "{path} did not change");
        new.insert(inode(line), size);
    }
    new.values().sum()
}

/// Older than any there was.
pub const OLD: &str = "1:1.0-1";

/// What the mirrors have today decides nothing: in a second generation one package is old, so that apt has to fetch and unpack it.
pub fn age(own: &Own) {
    let line = format!(
        "set -e
        sed -i '/^Package: busybox$/,/^$/s/^Version: .*/Version: {OLD}/' /var/lib/dpkg/status
        rm /usr/bin/busybox; printf '#!/bin/sh\\necho old\\n' > /usr/bin/busybox; chmod 755 /usr/bin/busybox"
    );
    jailbase(["image", "edit", &own.name, "--", "/bin/sh", "-c", &line]).well();
    assert_eq!((own.current(), version(own, 2).as_str()), (2, OLD));
}

fn shown(name: &str) -> serde_json::Value {
    let all: Vec<serde_json::Value> = serde_json::from_str(&jailbase(["image", "show", name, "--json"]).well()).unwrap();
    all[0].clone()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn programs_run_in_a_debian_image() {
    let user = User::with(&["--image", debian()]);
    assert_eq!(user.run(&["/usr/bin/perl", "-e", "print $<"]).well(), user.uid.to_string());
    assert_eq!(user.shell("busybox echo $(id -un) $(cat /etc/debian_version | cut -c1-3)"), format!("{} 12.", user.name));
    jailbase(["image", "verify", debian()]).well();
    let taken = Command::new("find").arg(format!("{STATE}/images/debian/")).args(["-perm", "/7000"]).output().unwrap();
    assert!(taken.stdout.is_empty(), "{}", String::from_utf8_lossy(&taken.stdout));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_finds_nothing_to_change_in_a_debian_image_but_packages() {
    let own = of_debian("fresh");
    for trace in
        ["var/log/apt", "var/log/dpkg.log", "var/log/alternatives.log", "var/log/bootstrap.log", "var/lib/apt/lists/lock"]
    {
        assert!(!own.file(1, trace).exists(), "{trace}");
    }
    let said = jailbase(["image", "update", &own.name]).well();
    if own.current() == 1 {
        assert!(said.contains("nothing changed"), "{said}");
    } else {
        // The mirrors have something newer by now.
        let differ = jailbase(["image", "diff", &format!("{}@1", own.name), &own.name]).well();
        assert!(differ.contains("/var/lib/dpkg/status: holds something else"), "{differ}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_machine_that_has_debootstrap_alone_makes_its_debian_image_with_that() {
    let own = Own::new("debootstrap");
    // A machine of its own, as far as mounts go, on which nobody installed mmdebstrap.
    let script = "set -e
mount -t tmpfs none $PLACE
mkdir $PLACE/upper $PLACE/work
mount -t overlay none -o lowerdir=/usr/bin,upperdir=$PLACE/upper,workdir=$PLACE/work /usr/bin
rm /usr/bin/mmdebstrap
exec $JAILBASE -v image build $NAME --from debian:bookworm --include busybox,less";
    let jailbase_path = program("jailbase");
    let variables = [("PLACE", own.place.as_os_str()), ("JAILBASE", jailbase_path.as_os_str()), ("NAME", own.name.as_ref())];
    let mut build = Command::new("unshare");
    build.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", script]);
    let done = build.env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").envs(variables).output().unwrap();
    let said = super::Said::of(&done);
    assert!(said.err.contains("/usr/sbin/debootstrap"), "{}", said.err);
    said.well();
    jailbase(["image", "verify", &own.name]).well();
    let user = User::with(&["--image", &own.name]);
    let line = "echo $(id -un) $(cut -c1-3 /etc/debian_version); busybox echo one; echo two | less";
    assert_eq!(user.shell(line), format!("{} 12.\none\ntwo", user.name));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_machine_without_debians_keyring_installs_nothing_and_is_told_which_package_has_it() {
    let own = Own::new("keyless");
    for missing in ["mmdebstrap", "none"] {
        // Who has neither tool's keyring has none that apt trusts for its own sake either.
        let script = "set -e
mount -t tmpfs none $PLACE
mkdir $PLACE/upper $PLACE/work $PLACE/empty
mount -t overlay none -o lowerdir=/usr/bin,upperdir=$PLACE/upper,workdir=$PLACE/work /usr/bin
rm -f /usr/bin/$MISSING
mount --bind $PLACE/empty /usr/share/keyrings
mount --bind $PLACE/empty /etc/apt/trusted.gpg.d
exec $JAILBASE image build $NAME --from debian:bookworm";
        let jailbase_path = program("jailbase");
        let mut build = Command::new("unshare");
        build.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", script]);
        build.env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").env("PLACE", &own.place).env("JAILBASE", jailbase_path);
        let done = build.env("NAME", &own.name).env("MISSING", missing).output().unwrap();
        super::Said::of(&done).no(125, "apt install debian-archive-keyring");
        assert!(!own.dir().exists(), "{missing}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_edit_costs_what_it_changed_and_leaves_the_generation_before_as_it_was() {
    let own = of_debian("edit");
    let old = |path: &str| fs::read(own.file(1, path)).unwrap();
    let before = (old("etc/debian_version"), old("usr/bin/busybox"));
    let line =
        "set -e; echo mine > /etc/mine; echo >> /etc/debian_version; rm /usr/bin/busybox; id -u; ls /proc | grep -c '^[0-9]'";
    let said = jailbase(["image", "edit", &own.name, "--", "/bin/sh", "-c", line]).well();
    assert!(said.starts_with("0\n"), "{said}");
    assert_eq!((old("etc/debian_version"), old("usr/bin/busybox")), before);
    assert_eq!(own.current(), 2);
    let about = shown(&format!("{}@2", own.name));
    assert!(about["copied_bytes"].as_u64().unwrap() < 100_000, "{about}");
    jailbase(["image", "verify", &format!("{}@1", own.name)]).well();
    assert!(about["linked_bytes"].as_u64().unwrap() + about["cloned_bytes"].as_u64().unwrap() > 50 << 20, "{about}");
    assert_eq!((about["by"].as_str(), about["base"].as_u64()), (Some("edit"), Some(1)));
    let said = jailbase(["image", "diff", &format!("{}@1", own.name), &own.name]).well();
    let told: Vec<&str> = said.lines().collect();
    assert_eq!(
        &told[..3],
        ["/etc/debian_version: holds something else: 7 bytes instead of 6", "/etc/mine: is new", "/usr/bin/busybox: is gone"]
    );
    assert_eq!(User::with(&["--image", &own.name]).run(&["/bin/cat", "/etc/mine"]).well(), "mine");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_shell_that_ends_badly_publishes_nothing_and_one_that_did_nothing_neither() {
    let own = of_debian("edit-bad");
    let mut child = Command::new(program("jailbase"))
        .args(["image", "edit", &own.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"echo x > /etc/x\nexit 3\n").unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(77));
    assert!(String::from_utf8_lossy(&done.stderr).contains("it ended with exit status: 3; nothing was published"));
    let said = jailbase(["image", "edit", &own.name, "--", "/bin/true"]).well();
    assert!(said.contains("nothing changed"), "{said}");
    assert_eq!((own.current(), own.names()), (1, vec!["1".into(), "current".into(), "last".into()]));
}

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
    let (own, numbers) = (Own::new("edit-ways-out"), if cfg!(target_arch = "x86_64") { (41, 16) } else { (198, 29) });
    own.build("host", &[]).well();
    let script = format!("SOCKET, IOCTL = {}, {}\n{WAYS_OUT}", numbers.0, numbers.1);
    // Whoever calls leaves a directory of the host's open.
    let line = "exec 8</root 9</; exec \"$@\"";
    let mut edit = Command::new("/bin/sh");
    edit.args(["-c", line, "sh"]).arg(crate::common::program("jailbase"));
    edit.args(["image", "edit", &own.name, "--", "/usr/bin/python3", "-c", &script]);
    let done = edit.env_clear().output().unwrap();
    let said = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{said:?}");
    assert!(said.0.starts_with("nothing was changed") || said.0.starts_with(&own.name), "{said:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_of_a_debian_image_upgrades_a_clone_and_costs_little() {
    let own = of_debian("upgrade");
    let (was, old) = (version(&own, 1), OLD);
    age(&own);
    let (user, other) = (User::with(&["--image", &own.name]), User::with(&["--image", &own.name]));
    let _nobody = sweep::none();
    let mut talk = Talk::with(&user, &["/bin/sh", "-c", "while read line; do busybox echo new; done"]);
    assert_eq!(talk.word(), "old");
    let mut asked = 0;
    let said = std::thread::scope(|scope| {
        let update = scope.spawn(|| jailbase(["image", "update", &own.name]).well());
        while !update.is_finished() {
            assert_eq!(talk.word(), "old");
            asked += 1;
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        update.join().unwrap()
    });
    assert!(said.contains(&format!("\n{}@3 in service: ", own.name)) && own.current() == 3, "{said}");
    assert!(
        said.lines().any(|line| line.starts_with("Unpacking busybox (") && line.contains(&format!(" over ({old}) "))),
        "{said}"
    );
    assert_eq!((talk.word().as_str(), user.shell("busybox echo new").as_str()), ("old", "old"));
    assert_eq!(other.shell("busybox echo new"), "new");
    talk.end();
    assert!(asked > 5, "{asked}");
    // It is what it was, or newer if the mirrors have that by now; and what was in service before was not written.
    let is = version(&own, 3);
    let later = |than: &str| Command::new("dpkg").args(["--compare-versions", &is, "ge", than]).status().unwrap().success();
    assert!(later(&was) && later(old) && is != old, "{old}, {was}, {is}");
    assert_eq!(version(&own, 2), old);
    let about = shown(&format!("{}@3", own.name));
    let number = |key: &str| about[key].as_u64().unwrap();
    println!("{} bytes, {} of them copied; the session was asked {asked} times", number("bytes"), number("copied_bytes"));
    assert!(number("copied_bytes") > 0 && number("copied_bytes") < number("bytes") / 2, "{about}");
    assert_eq!(number("copied_bytes") + number("linked_bytes") + number("cloned_bytes"), number("bytes"), "{about}");
    assert_eq!((about["by"].as_str(), about["base"].as_u64()), (Some("update"), Some(2)));
    assert_eq!(number("copied_bytes"), alone(&own, 3, 2), "what is in no file of the generation before");
    jailbase(["image", "verify", &format!("{}@2", own.name)]).well();
    assert!(!own.file(3, "var/lib/apt/lists").read_dir().unwrap().any(|entry| entry.unwrap().path().is_file()));
    assert_eq!(run("find", &[own.file(3, "var/cache/apt").to_str().unwrap(), "-name", "*.deb"], b""), b"", "packages are left");
    jailbase(["image", "verify", &own.name]).well();
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
    let patience = std::time::Duration::from_secs(60);
    let started = crate::common::seen::within(patience, running);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(started, "it did not start");
    assert!(crate::common::seen::within(patience, || !running()), "it outlived jailbase");
    jailbase(["image", "gc", &own.name]).well();
    assert_eq!(own.names(), ["1", "current", "last"]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_makes_the_image_again_and_says_when_nothing_changed() {
    let (own, source, _) = Own::of_words("update", &["one"]);
    assert!(jailbase(["image", "update", &own.name]).well().contains("nothing changed"));
    assert_eq!(own.names(), ["1", "current", "last"]);
    fs::write(source.join("data/word"), "two").unwrap();
    assert!(jailbase(["image", "update", &own.name, "--dry-run"]).well().contains("would make it of dir:"));
    jailbase(["image", "update", &own.name]).well();
    assert_eq!((own.current(), shown(&format!("{}@2", own.name))["copied_bytes"].as_u64()), (2, Some(3)));
    assert_eq!(User::with(&["--image", &own.name]).run(&["/bin/say"]).well(), "two");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_update_of_an_archive_or_a_layout_that_changed_has_the_new_content_and_shares_the_rest() {
    let (packed, layered) = (Own::new("update-tar"), Own::new("update-oci"));
    let archive = packed.place.join("system.tar");
    let source = packed.place.join("system");
    let pack = |word: &str| {
        system(&source, word);
        fs::write(&archive, run("tar", &["-c", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
    };
    oci::layout(&layered);
    let layer = |word: &str| {
        oci::add_as(&layered, Tar::default().entry(b'0', b"data/word", "", word.as_bytes()), "next");
    };
    let change = |word: &str| {
        pack(word);
        layer(word);
    };
    change("one");
    packed.build(&format!("tar:{}", archive.display()), &[]).well();
    layered.build(&oci::from(&layered, "l:next"), &[]).well();
    for own in [&packed, &layered] {
        assert!(jailbase(["image", "update", &own.name]).well().contains("nothing changed"));
    }
    change("second");
    for own in [&packed, &layered] {
        jailbase(["image", "update", &own.name]).well();
        assert_eq!((own.current(), own.names()), (2, ["1", "2", "current", "last"].map(str::to_owned).to_vec()));
        let word = |number| fs::read_to_string(own.file(number, "data/word")).unwrap();
        assert_eq!((word(1).as_str(), word(2).as_str()), ("one", "second"));
        assert_eq!(alone(own, 2, 1), 6, "the word alone is new");
        let about = shown(&format!("{}@2", own.name));
        assert_eq!((about["copied_bytes"].as_u64(), about["by"].as_str()), (Some(6), Some("update")), "{about}");
        for number in 1..=2 {
            jailbase(["image", "verify", &format!("{}@{number}", own.name)]).well();
        }
        assert!(jailbase(["image", "update", &own.name]).well().contains("nothing changed"));
    }
    assert_eq!(User::with(&["--image", &layered.name]).run(&["/bin/say"]).well(), "second");
}
