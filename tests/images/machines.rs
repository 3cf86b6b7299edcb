//! OCI layouts with several images: which is taken, and what is said of those that are not.

use super::layout::{Layer, Layout, OTHER, OURS, for_machine};
use super::packing::Tar;
use super::{Own, jailbase};
use serde_json::Value;
use std::fs;

/// An image that holds one word, for a machine.
fn image(layout: &Layout, machine: &str, word: &str) -> Value {
    layout.image(machine, &[Layer::plain(Tar::default().entry(b'0', b"word", "", word.as_bytes()).end())])
}

/// A layout in a test's own place, and how a build names it.
fn layout(own: &Own) -> (Layout, String) {
    (Layout::new(&own.place.join("l")), format!("oci:{}", own.place.join("l").display()))
}

/// The word of the generation in service.
fn word(own: &Own) -> String {
    fs::read_to_string(own.file(own.current(), "word")).unwrap()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_an_image_for_several_machines_ours_is_taken_wherever_it_stands_in_the_list() {
    let own = Own::new("machines");
    let (mut layout, from) = layout(&own);
    let theirs = || for_machine(image(&layout, OTHER, "theirs"), OTHER, None);
    let ours = |word: &str, variant| for_machine(image(&layout, OURS, word), OURS, variant);
    // A form without a machine is a last resort, and of our machine's kinds the plainest is taken.
    let silent = image(&layout, OURS, "silent");
    let all = [
        ("last", vec![theirs(), ours("ours", None)], "ours"),
        ("first", vec![ours("ours", None), theirs()], "ours"),
        ("silent", vec![theirs(), silent.clone()], "silent"),
        ("said", vec![silent, ours("ours", None)], "ours"),
        ("variant", vec![ours("newer", Some("v9")), ours("plain", Some("v1")), theirs()], "plain"),
        ("plain", vec![ours("newer", Some("v1")), ours("plain", None)], "plain"),
    ];
    let indexes = all.map(|(tag, forms, word)| (tag, layout.index(&forms), word));
    // In an index of indexes the machine is looked for as well; and the layout's own index may list the forms itself.
    let inner = for_machine(layout.index(&[theirs(), ours("nested", None)]), OURS, None);
    let outer = layout.index(&[inner]);
    let flat = [theirs(), ours("flat", None)];
    for (tag, index, _) in &indexes {
        layout.list(index.clone(), Some(tag));
    }
    layout.list(outer, Some("nested"));
    flat.into_iter().for_each(|form| layout.list(form, Some("example.org/some/flat:v1")));
    let nested = [("nested", "nested"), ("example.org/some/flat:v1", "flat")];
    for (tag, expected) in indexes.iter().map(|(tag, _, word)| (*tag, *word)).chain(nested) {
        own.build(&format!("{from}:{tag}"), &[]).well();
        assert_eq!(word(&own), expected, "{tag}");
    }
    // The record of it can be read again.
    assert!(jailbase(["image", "update", &own.name]).well().contains("nothing changed"));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_image_for_other_machines_alone_is_refused_with_a_list_of_them() {
    let own = Own::new("machines-other");
    let (mut layout, from) = layout(&own);
    let form = |machine| for_machine(image(&layout, machine, "theirs"), machine, None);
    let (index, alone, lying) =
        (layout.index(&[form(OTHER), form("riscv64")]), image(&layout, OTHER, "x"), image(&layout, OTHER, "x"));
    let lying = layout.index(&[for_machine(lying, OURS, None)]);
    layout.list(index, Some("several"));
    layout.list(alone, Some("alone"));
    layout.list(lying, Some("lying"));
    let none = format!("no image of it is for this machine, linux/{OURS}; there are: linux/{OTHER}, linux/riscv64");
    let made = format!("it is made for linux/{OTHER}; fetch the image for this machine, linux/{OURS}");
    for (tag, reason) in [("several", &none), ("alone", &made), ("lying", &made)] {
        own.build(&format!("{from}:{tag}"), &[]).no(77, reason);
        assert!(!own.dir().exists(), "{tag}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn several_images_in_one_layout_are_refused_with_their_names_until_one_is_named() {
    let own = Own::new("several");
    let (mut layout, from) = layout(&own);
    let (one, two) = (image(&layout, OURS, "one"), image(&layout, OURS, "two"));
    layout.list(one.clone(), Some("one"));
    layout.list(two.clone(), Some("example.org/two:v2"));
    own.build(&from, &[]).no(77, "it lists several images; say which, as oci:DIR:TAG, of: one, example.org/two:v2");
    own.build(&format!("{from}:three"), &[]).no(77, "three: no image has this tag; there are: one, example.org/two:v2");
    for (tag, expected) in [("example.org/two:v2", "two"), ("one", "one")] {
        own.build(&format!("{from}:{tag}"), &[]).well();
        assert_eq!(word(&own), expected);
    }
    // Of two with one tag, or without any, nobody can say which is meant.
    let second = Own::new("several-same");
    for tag in [Some("same"), None] {
        let place = second.place.join(tag.unwrap_or("none"));
        let mut same = Layout::new(&place);
        for word in ["one", "two"] {
            same.list(image(&same, OURS, word), tag);
        }
        second
            .build(&format!("oci:{}", place.display()), &[])
            .no(77, "neither a tag of their own nor a machine; give each a tag");
        assert!(!second.dir().exists());
    }
}
