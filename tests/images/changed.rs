//! A generation made of another: updated, edited, compared. And a Debian image, built once and kept for the next time.

use super::packing::{Tar, run};
use super::talk::Talk;
use super::tiny::system;
use super::{Own, jailbase, oci};
use crate::common::user::User;
use crate::common::{STATE, program, sweep};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
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
fn an_image_whose_file_of_name_servers_is_none_is_edited_like_any_other() {
    let own = Own::new("edit-resolv");
    let source = own.place.join("system");
    for (number, text) in [None, Some("../run/systemd/resolve/stub-resolv.conf")].into_iter().enumerate() {
        drop(fs::remove_dir_all(&source));
        system(&source, "one");
        match text {
            None => fs::create_dir_all(source.join("etc/resolv.conf")).unwrap(),
            Some(text) => symlink(text, source.join("etc/resolv.conf")).unwrap(),
        }
        own.clear_image();
        own.build(&format!("dir:{}", source.display()), &[]).well();
        jailbase(["image", "edit", &own.name, "--", "/bin/say", "as", "two"]).well();
        assert_eq!(own.names(), ["1", "2", "current", "last"], "{number}");
    }
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
