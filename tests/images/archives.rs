//! What becomes of archives: of hostile ones nothing, of decent ones what is in them, without what gives rights.

use super::packing::{Header, Tar, gzip, run};
use super::{Own, corpus, jailbase};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn each_hostile_archive_is_refused_with_its_reason_and_leaves_nothing() {
    let own = Own::new("hostile");
    let out = own.place.join("out");
    fs::create_dir(&out).unwrap();
    let file = own.place.join("archive");
    let all = corpus::all(out.to_str().unwrap());
    assert!(all.len() >= 40, "{}", all.len());
    let mut wrong = Vec::new();
    for hostile in &all {
        // Each finds what it wants to reach as it was.
        fs::write(out.join("victim"), "as it was").unwrap();
        fs::write(&file, &hostile.bytes).unwrap();
        let said = own.build(&format!("tar:{}", file.display()), hostile.words);
        let left = fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        let victim = fs::metadata(out.join("victim")).unwrap();
        let untouched =
            fs::read(out.join("victim")).unwrap() == b"as it was" && (victim.nlink(), victim.mode() & 0o7777) == (1, 0o644);
        if ![77, 125].contains(&said.code) || !said.err.contains(hostile.reason) || said.err.lines().count() != 1 {
            wrong.push(format!("{}: {} {:?}, not {:?}", hostile.name, said.code, said.err, hostile.reason));
        }
        if said.err.len() > 1000 {
            wrong.push(format!("{}: it says {} bytes, which nobody reads", hostile.name, said.err.len()));
        }
        if said.err.trim_end_matches('\n').chars().any(char::is_control) {
            wrong.push(format!("{}: it writes control characters: {:?}", hostile.name, said.err));
        }
        if !said.err.contains("; ") {
            wrong.push(format!("{}: it does not say what to do next: {:?}", hostile.name, said.err));
        }
        if left != ["victim"] || !untouched || own.dir().exists() {
            wrong.push(format!("{}: it left something: {left:?}, {:?}", hostile.name, own.names()));
        }
        if own.dir().exists() {
            fs::remove_dir_all(own.dir()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_hostile_archive_leaves_the_generation_in_service() {
    let own = Own::new("hostile-gen");
    let file = own.place.join("archive");
    fs::write(&file, Tar::default().file("good").end()).unwrap();
    let from = format!("tar:{}", file.display());
    own.build(&from, &[]).well();
    fs::write(&file, Tar::default().file("better").link("d", "/tmp").file("d/x").end()).unwrap();
    own.build(&from, &[]).no(77, "archive: d/x: it leads through a symbolic link");
    assert_eq!((own.current(), own.names()), (1, vec!["1".into(), "current".into(), "last".into()]));
    assert!(own.file(1, "good").exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_decent_archive_becomes_what_it_holds_however_it_is_packed() {
    let own = Own::new("decent");
    let (file, from) = (own.place.join("archive"), format!("tar:{}", own.place.join("archive").display()));
    let whole = Tar::default()
        .dir("./")
        .dir("./bin/")
        .entry(b'0', b"./bin/tool", "", b"text")
        .hard("./bin/same", "./bin/tool")
        .link("./bin/soft", "/bin/tool")
        .link("out", "../../../etc/shadow")
        .entry(b'0', b"odd \xff\n", "", b"odd")
        .extended("path", &format!("deep/{}/leaf", "x".repeat(200)))
        .file("short")
        .end();
    for (number, bytes) in
        (1..).zip([whole.clone(), gzip(&whole), run("zstd", &["-c"], &whole), run("zstd", &["-c", "-19"], &whole)])
    {
        fs::write(&file, bytes).unwrap();
        own.build(&from, &[]).well();
        let at = |path: &str| own.file(number, path);
        assert_eq!(fs::read(at("bin/tool")).unwrap(), b"text");
        assert_eq!(fs::metadata(at("bin/tool")).unwrap().ino(), fs::metadata(at("bin/same")).unwrap().ino());
        assert_eq!(fs::read_link(at("bin/soft")).unwrap().to_str(), Some("/bin/tool"));
        assert_eq!(fs::read_link(at("out")).unwrap().to_str(), Some("../../../etc/shadow"));
        assert_eq!(fs::read(own.file(number, "").join(std::ffi::OsStr::from_bytes(b"odd \xff\n"))).unwrap(), b"odd");
        assert!(at(&format!("deep/{}/leaf", "x".repeat(200))).is_file());
        jailbase(["image", "verify", &own.name]).well();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_gives_rights_is_taken_off_and_said() {
    let own = Own::new("rights");
    let file = own.place.join("archive");
    let entry = |name: &str, mode| Header { name: name.into(), kind: b'0', mode, size: 0, link: Vec::new() };
    let bytes = Tar::default()
        .header(&entry("su", 0o4755))
        .header(&entry("wall", 0o2755))
        .extended("SCHILY.xattr.security.capability", "\u{1}\u{0}\u{0}\u{2}")
        .header(&entry("ping", 0o755))
        .header(&Header { name: "tmp".into(), kind: b'5', mode: 0o1777, size: 0, link: Vec::new() })
        .header(&entry("shared", 0o664))
        .header(&entry("open", 0o666))
        .end();
    fs::write(&file, bytes).unwrap();
    let from = format!("tar:{}", file.display());
    own.build(&from, &[])
        .no(77, "/open: can be written by others than root; chmod go-w it where the image is made from, or give --mend");
    let said = own.build(&from, &["--mend"]).well();
    assert!(
        said.contains(
            "2 set-user-id or set-group-id bits, 1 file capabilities or access control lists, 1 rights of everybody to write"
        ),
        "{said}"
    );
    for (name, mode) in
        [("su", 0o755), ("wall", 0o755), ("ping", 0o755), ("tmp", 0o755), ("shared", 0o644), ("open", 0o664 & !0o022)]
    {
        let meta = fs::symlink_metadata(own.file(1, name)).unwrap();
        assert_eq!((meta.permissions().mode() & 0o7777, meta.uid(), meta.gid()), (mode, 0, 0), "{name}");
    }
    // Nobody but root comes near it on the host.
    assert_eq!(fs::metadata(own.dir().join("1")).unwrap().mode() & 0o7777, 0o700);
}
