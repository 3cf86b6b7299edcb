//! OCI layouts as umoci and skopeo write them, and what must not come of bent ones.

use super::packing::Tar;
use super::tiny::system;
use super::{Own, jailbase};
use crate::common::user::User;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a tool in the test's own place.
pub fn tool(own: &Own, line: &[&str]) {
    let done = Command::new(line[0]).args(&line[1..]).current_dir(&own.place).output().unwrap();
    assert!(done.status.success(), "{line:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A layout with an image `t` of two layers: a small system, and one that changes and removes some of it.
pub fn layout(own: &Own) {
    tool(own, &["umoci", "init", "--layout", "l"]);
    tool(own, &["umoci", "new", "--image", "l:t"]);
    tool(own, &["umoci", "unpack", "--image", "l:t", "bundle"]);
    let root = own.place.join("bundle/rootfs");
    system(&root, "below");
    fs::create_dir_all(root.join("gone/deep")).unwrap();
    fs::write(root.join("gone/deep/file"), "x").unwrap();
    fs::hard_link(root.join("bin/say"), root.join("bin/also")).unwrap();
    tool(own, &["umoci", "repack", "--refresh-bundle", "--image", "l:t", "bundle"]);
    fs::write(root.join("data/word"), "above").unwrap();
    fs::remove_file(root.join("lib/5")).unwrap();
    fs::remove_dir_all(root.join("gone")).unwrap();
    fs::remove_file(root.join("lib/6")).unwrap();
    fs::create_dir(root.join("lib/6")).unwrap();
    tool(own, &["umoci", "repack", "--image", "l:t", "bundle"]);
}

/// Adds a layer made by hand.
fn add(own: &Own, tar: Tar) {
    add_as(own, tar, "t");
}

/// The same, as an image of this tag.
pub fn add_as(own: &Own, tar: Tar, tag: &str) {
    fs::write(own.place.join("layer.tar"), tar.end()).unwrap();
    tool(own, &["umoci", "raw", "add-layer", "--image", "l:t", "--tag", tag, "layer.tar"]);
}

pub fn from(own: &Own, layout: &str) -> String {
    format!("oci:{}/{layout}", own.place.display())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_runs_in_an_image_of_layers_and_what_a_layer_removed_is_gone() {
    let own = Own::new("oci");
    layout(&own);
    own.build(&from(&own, "l:t"), &[]).well();
    let user = User::with(&["--image", &own.name]);
    assert_eq!(user.run(&["/bin/say"]).well(), "above");
    let at = |path: &str| own.file(1, path);
    assert!(!at("lib/5").exists() && !at("gone").exists() && at("lib/6").is_dir() && at("lib/7").is_file());
    assert_eq!(fs::metadata(at("bin/say")).unwrap().ino(), fs::metadata(at("bin/also")).unwrap().ino());
    let names = Command::new("find").arg(at("")).args(["-name", ".wh.*"]).output().unwrap();
    assert!(names.stdout.is_empty(), "{}", String::from_utf8_lossy(&names.stdout));
    // The only image needs no tag, and a tag that is not there is told with those that are.
    own.build(&from(&own, "l"), &[]).well();
    own.build(&from(&own, "l:other"), &[]).no(77, "no image has this tag; there are: t");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn layers_packed_with_zstd_are_the_same_image() {
    let own = Own::new("oci-zstd");
    layout(&own);
    let policy = own.place.join("policy.json");
    fs::write(&policy, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    let skopeo = ["skopeo", "--policy", policy.to_str().unwrap(), "copy", "-q", "--dest-compress-format", "zstd"];
    // Through a plain directory, because a packed layer is copied as it is.
    tool(&own, &[&skopeo[..5], &["--dest-decompress", "oci:l:t", "dir:plain"]].concat());
    tool(&own, &[&skopeo[..], &["--dest-compress", "dir:plain", "oci:z:t"]].concat());
    let blobs = fs::read_dir(own.place.join("z/blobs/sha256")).unwrap().map(|e| fs::read(e.unwrap().path()).unwrap());
    assert_eq!(blobs.filter(|blob| blob.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])).count(), 2, "skopeo made no layers of zstd");
    own.build(&from(&own, "l:t"), &[]).well();
    own.build(&from(&own, "z:t"), &[]).well();
    let said = jailbase(["image", "diff", &format!("{}@1", own.name), &format!("{}@2", own.name)]).well();
    assert!(said.starts_with("0 differences"), "{said}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_layer_takes_away_what_lies_below_it_and_nothing_of_its_own() {
    let own = Own::new("oci-opaque");
    layout(&own);
    // The whiteouts stand after what they must not touch.
    let own_files = Tar::default().dir("lib/").file("lib/new").dir("lib/sub/").file("lib/sub/mine").file("etc/kept");
    add(&own, own_files.entry(b'0', b"lib/.wh..wh..opq", "", b"").entry(b'0', b"etc/.wh.kept", "", b""));
    add(&own, Tar::default().file("lib/sub/later").entry(b'0', b".wh.lib", "", b""));
    own.build(&from(&own, "l:t"), &[]).well();
    let mut names: Vec<_> =
        fs::read_dir(own.file(1, "lib")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["sub"]);
    assert!(own.file(1, "lib/sub/later").is_file() && !own.file(1, "lib/sub/mine").exists() && own.file(1, "etc/kept").is_file());
}

/// A name, a layer, and why it is refused.
type Hostile = (&'static str, fn() -> Tar, &'static str);

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_hostile_layer_is_refused_and_reaches_nothing_through_the_layers_below() {
    let all: [Hostile; 9] = [
        ("through", || Tar::default().file("out/x"), "it leads through a symbolic link"),
        ("up", || Tar::default().file("../x"), "leads upwards"),
        ("hard", || Tar::default().hard("h", "out/victim"), "a symbolic link"),
        ("white-up", || Tar::default().entry(b'0', b"etc/.wh...", "", b""), "it is a whiteout of nothing"),
        ("white-through", || Tar::default().entry(b'0', b"out/.wh.victim", "", b""), "it leads through a symbolic link"),
        ("white-opaque", || Tar::default().entry(b'0', b"out/.wh..wh..opq", "", b""), "it leads through a symbolic link"),
        ("white-below", || Tar::default().file(".wh.etc/x"), "it lies below a whiteout"),
        ("twice", || Tar::default().file("f").file("f"), "it is there twice"),
        ("device", || Tar::default().entry(b'3', b".wh.x", "", b""), "it is a device or a pipe"),
    ];
    for (name, layer, reason) in all {
        let own = Own::new(&format!("oci-bad-{name}"));
        let out = own.place.join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("victim"), "as it was").unwrap();
        tool(&own, &["umoci", "init", "--layout", "l"]);
        tool(&own, &["umoci", "new", "--image", "l:t"]);
        add(&own, Tar::default().dir("etc/").link("out", out.to_str().unwrap()));
        add(&own, layer());
        own.build(&from(&own, "l:t"), &[]).no(77, reason);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "{name}");
        assert_eq!(fs::read_to_string(out.join("victim")).unwrap(), "as it was");
        assert!(!own.dir().exists(), "{name}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_link_of_a_layer_below_is_replaced_and_not_followed() {
    let own = Own::new("oci-replaced");
    let victim = own.place.join("victim");
    fs::write(&victim, "as it was").unwrap();
    tool(&own, &["umoci", "init", "--layout", "l"]);
    tool(&own, &["umoci", "new", "--image", "l:t"]);
    let out = own.place.join("out");
    fs::create_dir(&out).unwrap();
    add(&own, Tar::default().dir("etc/").link("etc/file", victim.to_str().unwrap()).link("dir", out.to_str().unwrap()));
    add(&own, Tar::default().file("etc/file").dir("dir/").file("dir/x"));
    own.build(&from(&own, "l:t"), &[]).well();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "as it was");
    assert!(own.file(1, "etc/file").symlink_metadata().unwrap().is_file() && own.file(1, "dir/x").is_file());
    assert!(!out.join("x").exists());
}

type Bend = fn(&Path, &[PathBuf]);

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_layout_that_was_bent_is_refused() {
    let longest = |blobs: &[PathBuf]| blobs.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap().clone();
    let all: [(&str, Bend, &str); 7] = [
        ("blob", |_, blobs| fs::write(&blobs[0], "{}").unwrap(), "it holds something else than its name says"),
        (
            "version",
            |l, _| fs::write(l.join("oci-layout"), r#"{"imageLayoutVersion":"9.9.9"}"#).unwrap(),
            "version 9.9.9 is not known",
        ),
        ("index", |l, _| fs::write(l.join("index.json"), "{").unwrap(), "index.json"),
        ("none", |l, _| fs::write(l.join("index.json"), r#"{"schemaVersion":2,"manifests":[]}"#).unwrap(), "it lists no image"),
        ("link", |l, _| link(l, "index.json"), "a symbolic link is on the way"),
        ("blobs", |l, _| link(l, "blobs"), "a symbolic link is on the way"),
        ("long", |l, _| fs::write(l.join("index.json"), vec![b' '; 5 << 20]).unwrap(), "it is longer than 4 MiB"),
    ];
    for (name, bend, reason) in all {
        let own = Own::new(&format!("oci-bent-{name}"));
        layout(&own);
        let place = own.place.join("l");
        let mut blobs: Vec<PathBuf> = fs::read_dir(place.join("blobs/sha256")).unwrap().map(|e| e.unwrap().path()).collect();
        let first = longest(&blobs);
        blobs.sort_by_key(|path| *path != first);
        bend(&place, &blobs);
        let said = own.build(&from(&own, "l:t"), &[]);
        assert!([77, 125].contains(&said.code) && said.err.contains(reason), "{name}: {} {}", said.code, said.err);
        assert!(!own.dir().exists(), "{name}");
    }
}

fn link(layout: &Path, name: &str) {
    fs::rename(layout.join(name), layout.join("real")).unwrap();
    std::os::unix::fs::symlink("real", layout.join(name)).unwrap();
}
