//! Where images come from: a directory, an archive, this machine. A program runs in each.

use super::layout::{Layer, Layout, OTHER, OURS};
use super::packing::{Tar, run};
use super::tiny::system;
use super::{Own, has_a_state_of_its_own, jailbase};
use crate::common::{STATE, process, program, user::User};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_runs_in_an_image_made_of_a_directory() {
    let own = Own::new("dir");
    let source = own.place.join("system");
    system(&source, "word");
    symlink("../../../../etc/shadow", source.join("out")).unwrap();
    fs::hard_link(source.join("lib/1"), source.join("lib/one")).unwrap();
    own.build(&format!("dir:{}", source.display()), &[]).well();
    let user = User::with(&["--image", &own.name]);
    assert_eq!(user.run(&["/bin/say"]).well(), "word");
    assert_eq!(fs::metadata(own.file(1, "lib/1")).unwrap().ino(), fs::metadata(own.file(1, "lib/one")).unwrap().ino());
    assert_ne!(fs::metadata(own.file(1, "lib/1")).unwrap().ino(), fs::metadata(source.join("lib/1")).unwrap().ino());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_runs_in_an_image_made_of_an_archive() {
    let own = Own::new("tar");
    let source = own.place.join("system");
    system(&source, "packed");
    let archive = own.place.join("system.tar.gz");
    fs::write(&archive, run("tar", &["-cz", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
    own.build(&format!("tar:{}", archive.display()), &[]).well();
    assert_eq!(User::with(&["--image", &own.name]).run(&["/bin/say"]).well(), "packed");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_that_no_image_can_hold_is_refused_and_leaves_nothing() {
    type Spoil = fn(&std::path::Path);
    let all: [(Spoil, &str); 6] = [
        (
            |dir| assert!(Command::new("mknod").arg(dir.join("null")).args(["c", "1", "3"]).status().unwrap().success()),
            "is a device",
        ),
        (|dir| drop(std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap()), "is a device, a socket or a pipe"),
        (|dir| symlink("/proc", dir.join("proc")).unwrap(), "/proc: is a symbolic link, and jails mount on it"),
        (|dir| fs::create_dir_all(dir.join("d/".repeat(200))).unwrap(), "it is nested too deep"),
        (
            |dir| assert!(Command::new("truncate").args(["-s", "1T"]).arg(dir.join("sparse")).status().unwrap().success()),
            "the files are longer than 32.0 GiB",
        ),
        (
            |dir| {
                fs::write(dir.join("etc/passwd"), "")
                    .and_then(|()| fs::remove_file(dir.join("etc/passwd")))
                    .and_then(|()| fs::create_dir(dir.join("etc/passwd")))
                    .unwrap()
            },
            "/etc/passwd: is not a file",
        ),
    ];
    for (number, (spoil, reason)) in all.iter().enumerate() {
        let own = Own::new(&format!("bad-dir-{number}"));
        let source = own.place.join("system");
        system(&source, "word");
        spoil(&source);
        own.build(&format!("dir:{}", source.display()), &[]).no(77, reason);
        assert!(!own.dir().exists());
    }
    let own = Own::new("bad-dir-link");
    symlink("/etc", own.place.join("link")).unwrap();
    own.build(&format!("dir:{}", own.place.join("link").display()), &[]).no(125, "a symbolic link is on the way");
    let step = "/none/such: No such file or directory (ENOENT); see that it is there and spelled right\n";
    own.build("dir:/none/such", &[]).no(125, step);
    own.build("tar:/none/such", &[]).no(125, step);
}

/// More levels than any stack, any path and any table of open files holds.
const LEVELS: u32 = 100_000;

/// Nests directories below one, each made in the one before; what lies at the bottom is a file.
fn nest(dir: &Path) {
    let made = process::apart(|| {
        std::env::set_current_dir(dir)?;
        for _ in 0..LEVELS {
            fs::create_dir("d")?;
            std::env::set_current_dir("d")?;
        }
        fs::write("file", "x").map(|()| 0)
    });
    assert_eq!(made, 0);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_of_a_hundred_thousand_levels_is_refused_and_one_that_was_left_of_an_image_is_removed() {
    // On a disk such a tree takes minutes to write, by whomever; the state of its own is in memory.
    if !has_a_state_of_its_own(
        "sources::a_directory_of_a_hundred_thousand_levels_is_refused_and_one_that_was_left_of_an_image_is_removed",
    ) {
        return;
    }
    let own = Own::new("deep");
    let source = Path::new(STATE).join("system");
    let from = format!("dir:{}", source.display());
    system(&source, "one");
    own.build(&from, &[]).well();
    let begun = Instant::now();
    nest(&source.join("data"));
    let nested = begun.elapsed();
    own.build(&from, &[]).no(77, "it is nested too deep");
    jailbase(["image", "update", &own.name]).no(77, "it is nested too deep");
    assert_eq!((own.current(), own.names()), (1, ["1", "current", "last"].map(str::to_owned).to_vec()));
    let refused = begun.elapsed() - nested;
    let deep = own.file(1, "deep");
    fs::rename(source.join("data"), &deep).unwrap();
    let said = jailbase(["image", "verify", &own.name]);
    assert!(said.code == 125 && said.err.len() < 10_000, "{}", said.err);
    let mut removed = Duration::ZERO;
    // As if an edit had made it, and had been killed before it had its number, or after it.
    for place in [".new-1", "2"] {
        if !deep.exists() {
            fs::create_dir(&deep).unwrap();
            nest(&deep);
        }
        let place = own.dir().join(place);
        fs::create_dir(&place).unwrap();
        fs::rename(&deep, place.join("root")).unwrap();
        let begun = Instant::now();
        jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
        removed = removed.max(begun.elapsed());
        assert_eq!(own.names(), ["1", "current", "last"]);
    }
    println!("{LEVELS} levels: nested in {nested:?}, refused twice in {refused:?}, removed in {removed:?} at most");
    assert!(refused < Duration::from_secs(5) && removed < Duration::from_secs(20), "{refused:?} {removed:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_directory_in_which_something_is_mounted_is_refused_with_the_place_until_that_is_unmounted() {
    let own = Own::new("dir-mounts");
    let (source, from) = (own.place.join("system"), format!("dir:{}", own.place.join("system").display()));
    system(&source, "word");
    let beside = own.place.join("beside");
    fs::create_dir(&beside).unwrap();
    fs::create_dir(source.join("lib/deep")).unwrap();
    // Another file system, the same one at another place, and a single file.
    let all =
        [("lib/deep", "none", "tmpfs", 0), ("lib", "beside", "", libc::MS_BIND), ("lib/3", "system/lib/4", "", libc::MS_BIND)];
    for (place, what, kind, flags) in all {
        let target = source.join(place).display().to_string();
        process::mount(own.place.join(what).to_str().unwrap(), &target, kind, flags, "").unwrap();
        let said = own.build(&from, &[]);
        process::unmount(&target, 0).unwrap();
        said.no(77, &format!("{target}: another file system is mounted there; unmount it first"));
        assert!(!own.dir().exists(), "{place}");
    }
    // That the directory is itself where something is mounted says nothing of what is in it.
    process::mount(source.to_str().unwrap(), beside.to_str().unwrap(), "", libc::MS_BIND, "").unwrap();
    let said = own.build(&format!("dir:{}", beside.display()), &[]);
    process::unmount(beside.to_str().unwrap(), 0).unwrap();
    said.well();
    assert_eq!(fs::read_to_string(own.file(1, "data/word")).unwrap(), "word");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_image_of_this_machine_costs_nothing_when_it_is_built_again() {
    let own = Own::new("host");
    let mut quickest = Duration::MAX;
    for _ in 0..2 {
        let begun = Instant::now();
        own.build("host", &[]).well();
        quickest = quickest.min(begun.elapsed());
    }
    assert!(quickest < Duration::from_secs(2), "{quickest:?}");
    let shown: Vec<serde_json::Value> =
        serde_json::from_str(&jailbase(["image", "show", &format!("{}@2", own.name), "--json"]).well()).unwrap();
    assert_eq!(shown[0]["copied_bytes"], 0, "{}", shown[0]);
    assert_eq!(User::with(&["--image", &own.name]).run(&["id", "-u"]).code(), 0);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_umask_of_whoever_builds_an_image_decides_none_of_its_modes() {
    let own = Own::new("umask");
    let source = own.place.join("system");
    system(&source, "word");
    let archive = own.place.join("system.tar");
    fs::write(&archive, run("tar", &["-c", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
    for from in [format!("dir:{}", source.display()), format!("tar:{}", archive.display())] {
        let mut all = Vec::new();
        for umask in ["022", "000", "077", "777"] {
            own.clear_image();
            let under = format!("umask {umask}; exec \"$0\" image build \"$1\" --from \"$2\"");
            let mut build = Command::new("/bin/sh");
            build.args(["-c", &under]).arg(program("jailbase")).args([&own.name, &from]).env_clear();
            assert!(build.output().unwrap().status.success(), "{umask}");
            // Everything that was made, the image's own directory and papers included.
            let list = run("find", &[own.dir().to_str().unwrap(), "-printf", "%P %y %m %U %G\\n"], b"");
            let mut list: Vec<String> = String::from_utf8(list).unwrap().lines().map(str::to_owned).collect();
            list.sort();
            all.push(list);
        }
        assert!(all[0].len() > 10 && all.iter().all(|list| *list == all[0]), "{from}: {all:?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn how_the_source_itself_is_closed_or_open_decides_nothing_of_the_root_of_jails() {
    let own = Own::new("top");
    let (source, from) = (own.place.join("system"), format!("dir:{}", own.place.join("system").display()));
    system(&source, "word");
    let archive = own.place.join("system.tar");
    for (number, top) in [(1, 0o700), (2, 0o777), (3, 0o2070)] {
        fs::set_permissions(&source, fs::Permissions::from_mode(top)).unwrap();
        chown(&source, Some(33), Some(33)).unwrap();
        own.build(&from, &[]).well();
        let meta = fs::metadata(own.file(number, "")).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid(), meta.gid()), (0o755, 0, 0), "{top:o}");
        jailbase(["image", "verify", &own.name]).well();
    }
    assert!(jailbase(["image", "update", &own.name]).well().contains("nothing changed"));
    fs::set_permissions(&source, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(User::with(&["--image", &own.name]).run(&["/bin/say"]).well(), "word");
    fs::write(&archive, run("tar", &["-c", "-C", source.to_str().unwrap(), "."], b"")).unwrap();
    own.build(&format!("tar:{}", archive.display()), &[]).well();
    assert_eq!(fs::metadata(own.file(4, "")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_cannot_be_what_it_is_said_to_be_is_refused_by_a_dry_run_in_the_words_of_the_build() {
    let own = Own::new("dry");
    let place = own.place.display();
    system(&own.place.join("system"), "word");
    fs::create_dir(own.place.join("none")).unwrap();
    fs::write(own.place.join("word"), "a word\n").unwrap();
    fs::write(own.place.join("empty"), "").unwrap();
    fs::write(own.place.join("half.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    fs::write(own.place.join("some.xz"), [0xfd, b'7', b'z', b'X', b'Z', 0]).unwrap();
    symlink("system", own.place.join("link")).unwrap();
    let mut layout = Layout::new(&own.place.join("layout"));
    let image = |machine| layout.image(machine, &[Layer::plain(Tar::default().entry(b'0', b"word", "", b"word").end())]);
    let (ours, theirs) = (image(OURS), image(OTHER));
    layout.list(ours, Some("ours"));
    layout.list(theirs, Some("theirs"));
    let all = [
        (format!("tar:{place}/word"), 125, "it does not begin as a tar archive: failed to read entire block; fetch it again"),
        (format!("tar:{place}/empty"), 77, "it ends before its end; it was cut short"),
        (format!("tar:{place}/half.gz"), 125, "it does not begin as a tar archive: "),
        (format!("tar:{place}/some.xz"), 125, "it is packed with bzip2 or xz"),
        (format!("tar:{place}/system"), 77, "system is a directory and no archive; perhaps it is meant as dir:"),
        (format!("tar:{place}/layout"), 77, "layout is an OCI image layout; perhaps it is meant as oci:"),
        (format!("tar:{place}/nosuch"), 125, "No such file"),
        (format!("dir:{place}/word"), 77, "word is a file and no directory; perhaps it is meant as tar:"),
        (format!("dir:{place}/nosuch"), 125, "ENOENT"),
        (format!("dir:{place}/link"), 125, "a symbolic link is on the way"),
        (format!("oci:{place}/none"), 77, "for it has no file oci-layout; perhaps it is meant as dir:"),
        (format!("oci:{place}/word"), 77, "word is a file and no OCI image layout; perhaps it is meant as tar:"),
        (format!("oci:{place}/layout"), 77, "it lists several images; say which"),
        (format!("oci:{place}/layout:none"), 77, "no image has this tag; there are: ours, theirs"),
        (format!("oci:{place}/layout:theirs"), 77, "fetch the image for this machine"),
        ("debian:nosuch".to_owned(), 77, "debian:nosuch: Debian's usual mirror has no such suite"),
    ];
    for (from, code, why) in &all {
        let dry = own.build(from, &["--dry-run"]);
        let real = own.build(from, &[]);
        assert_eq!((dry.code, &dry.err), (real.code, &real.err), "{from}");
        dry.no(*code, why);
        assert!(!own.dir().exists(), "{from}");
    }
    let archive = own.place.join("good.tar.gz");
    fs::write(&archive, run("tar", &["-cz", "-C", own.place.join("system").to_str().unwrap(), "."], b"")).unwrap();
    let tar = format!("tar:{}", archive.display());
    for from in [tar, format!("dir:{place}/system"), format!("oci:{place}/layout:ours"), "debian:sid".into(), "host".into()] {
        let said = own.build(&from, &["--dry-run"]).well();
        assert_eq!(said, format!("would build {}@1 from {from} and put it in service\n", own.name));
        assert!(!own.dir().exists(), "{from}");
    }
    // What a pipe holds is left for the build.
    let line = format!("cat {} | \"$0\" image build {} --from tar:/dev/stdin", archive.display(), own.name);
    let mut build = Command::new("/bin/sh");
    build.args(["-c", &line]).arg(program("jailbase")).env_clear();
    super::Said::of(&build.output().unwrap()).well();
    jailbase(["image", "verify", &own.name]).well();
    // An update is asked in the same words as a build.
    own.build(&format!("dir:{place}/system"), &[]).well();
    fs::rename(own.place.join("system"), own.place.join("moved")).unwrap();
    for words in [&["--dry-run"][..], &[]] {
        jailbase(["image", "update", &own.name].iter().chain(words)).no(125, "ENOENT");
    }
}
