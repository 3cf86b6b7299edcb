//! Layers of OCI layouts that weigh more than they seem, and links between layers.

use super::layout::{GZIP, Layer, Layout, OURS, ZSTD, digest};
use super::packing::{Header, Tar, gzip, zstd_of_zeros};
use super::{Own, jailbase};
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The header of a file of zeros.
fn zeros(size: u64) -> Vec<u8> {
    Tar::default().header(&Header { name: "zeros".into(), kind: b'0', mode: 0o644, size, link: Vec::new() }).0
}

/// An image of these layers in a test's own place, and how a build names it.
fn of(own: &Own, layers: &[Layer]) -> String {
    let place = own.place.join("l");
    drop(fs::remove_dir_all(&place));
    let mut layout = Layout::new(&place);
    let image = layout.image(OURS, layers);
    layout.list(image, Some("t"));
    format!("oci:{}:t", place.display())
}

/// An image of layers that are not packed.
fn of_plain(own: &Own, layers: Vec<Tar>) -> String {
    of(own, &layers.into_iter().map(|layer| Layer::plain(layer.end())).collect::<Vec<_>>())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_layer_that_becomes_far_more_than_it_is_is_refused_with_the_limit() {
    let own = Own::new("layer-bomb");
    let mut bytes = zeros(600 << 20);
    bytes.resize(600 << 20, 0);
    let ratio = "it unpacks to more than 200 times its size: a bomb";
    let all = [
        (GZIP, gzip(&bytes), 125, ratio),
        (ZSTD, zstd_of_zeros(&zeros(1 << 30), 8192), 125, ratio),
        (
            ZSTD,
            zstd_of_zeros(&zeros(1 << 40), 8192),
            77,
            "the files are longer than 32.0 GiB; give --most-bytes if that is right",
        ),
    ];
    for (packed, bomb, code, reason) in all {
        // A layer before it is unpacked by then, and is gone too.
        let below = Layer::plain(Tar::default().file("below").end());
        let from = of(&own, &[below, Layer(packed, bomb, digest(b"never reached"))]);
        // Quietly, for on a busy machine it takes long enough to tell how far it is.
        jailbase(["-q", "image", "build", &own.name, "--from", &from]).no(code, reason);
        assert!(!own.dir().exists(), "{packed}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn all_layers_of_an_image_have_one_limit() {
    let own = Own::new("layers-limit");
    let layer = |name: &str| Tar::default().entry(b'0', name.as_bytes(), "", &[b'x'; 30]);
    let from = of_plain(&own, vec![layer("a"), layer("b"), layer("c")]);
    own.build(&from, &["--most-bytes", "89"]).no(77, "c: the files are longer than 89 B; give --most-bytes if that is right");
    own.build(&from, &["--most-files", "2"]).no(77, "c: there are more than 2 files; give --most-files if that is right");
    assert!(!own.dir().exists());
    own.build(&from, &["--most-bytes", "90", "--most-files", "3"]).well();
    // What a layer takes away was written all the same.
    let gone = Tar::default().entry(b'0', b".wh.a", "", b"").entry(b'0', b"d", "", &[b'x'; 30]);
    let from = of_plain(&own, vec![layer("a"), layer("b"), layer("c"), gone]);
    own.build(&from, &["--most-bytes", "119"]).no(77, "d: the files are longer than 119 B");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_layer_links_to_files_of_those_below_and_to_none_that_was_taken_away() {
    let own = Own::new("layer-links");
    let below = || Tar::default().dir("d/").entry(b'0', b"d/file", "", b"text").hard("d/twin", "d/file").file("other");
    let from = of_plain(&own, vec![below(), Tar::default().hard("link", "d/file").hard("other", "d/file")]);
    own.build(&from, &[]).well();
    let ino = |path: &str| fs::metadata(own.file(own.current(), path)).unwrap().ino();
    assert!(["d/twin", "link", "other"].iter().all(|name| ino(name) == ino("d/file")), "a link is no link");
    assert_eq!(fs::read_to_string(own.file(1, "other")).unwrap(), "text", "what the layer below had of that name");
    // One of two names taken away, or written anew: the other is what it was.
    let anew = Tar::default().entry(b'0', b"d/file", "", b"anew").hard("link", "d/twin");
    for layer in [Tar::default().hard("link", "d/twin").entry(b'0', b"d/.wh.file", "", b""), anew] {
        own.build(&of_plain(&own, vec![below(), layer]), &[]).well();
        assert!(ino("link") == ino("d/twin"));
        assert_eq!(fs::read_to_string(own.file(own.current(), "link")).unwrap(), "text");
        let file = fs::read_to_string(own.file(own.current(), "d/file"));
        assert!(file.as_ref().map_or(true, |text| text == "anew"), "{file:?}");
    }
    let before = (own.current(), own.names());
    let white = |name: &str| Tar::default().entry(b'0', name.as_bytes(), "", b"");
    let reason = "link: what it links to is not in the image, or comes later";
    for layers in [
        vec![below(), white("d/.wh.file").hard("link", "d/file")],
        vec![below(), white("d/.wh.file"), Tar::default().hard("link", "d/file")],
        vec![below(), white(".wh.d").hard("link", "d/twin")],
        vec![below(), white("d/.wh..wh..opq").hard("link", "d/twin")],
        vec![below(), Tar::default().hard("link", "d/.wh.file")],
    ] {
        own.build(&of_plain(&own, layers), &[]).no(77, reason);
        assert_eq!((own.current(), own.names()), before);
    }
}
