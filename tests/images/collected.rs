//! A collection of all images, done for real: on a machine of its own, because it would take what other tests need.

use super::tiny::system;
use super::told::tells;
use super::{Own, Said};
use crate::common::{RUN, STATE, log, program};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A state, jails and homes that nobody else sees. It has no process numbers of its own, for who has is not told what live jails
/// use: so in its /proc whoever looks is where process 1 is, and no program of ours leaves it.
const MACHINE: &str = "set -e
    mkdir -p $STATE; mkdir -m 700 -p $RUN
    mount -t tmpfs -o mode=755 none $STATE; mount -t tmpfs -o mode=700 none $RUN; mount -t tmpfs -o mode=755 none /home
    mount -t tmpfs none /proc/1/ns
    for kind in cgroup ipc mnt net pid user uts; do ln -s /proc/self/ns/$kind /proc/1/ns/$kind; done
    cd $STATE; [ \"$(jailbase image ls --json)\" = '[]' ]
    build() { for word; do jailbase -q image build $name --from dir:$SYSTEMS/$word; done; }
    said() { \"$@\" || echo \"exit $?\"; }
    there() { for image in images/*; do echo $image: $(cd $image; ls -A) at $(readlink $image/current); done; }
    user() { jailbase -q user add $1 --uid $2 --gid $2 --home /home/$1 --create-home --shell /bin/say --image $3; trampoline --ensure $1; }";

/// What is done there: an image whose second generation lives on in a jail, one that was rolled back, one with one generation,
/// and one without any in service.
const STORY: &str = "name=lives; build one two; user anna 21900 lives; build three four five
    name=back; build one two three four; jailbase -q image rollback back@3
    name=single; build one
    name=none; build one two; rm images/none/current
    there; echo; said jailbase image gc --dry-run; echo; said jailbase image gc; echo; there; echo
    said trampoline anna -- /bin/say; said jailbase image gc; echo
    for image in back lives single; do jailbase image verify $image | cut -d: -f1; done; echo
    jailbase image rollback lives | cut -d';' -f1; jailbase image rollback back | cut -d';' -f1; echo
    reaper --drain anna; said trampoline anna -- /bin/say; said jailbase image gc --keep 0; echo; there";

/// A directory with the programs, and where the systems are.
fn machine(name: &str, story: &str) -> (Own, Command) {
    log::listen();
    let own = Own::new(name);
    for word in ["one", "two", "three", "four", "five"] {
        system(&own.place.join(word), word);
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-c"]).arg(format!("{MACHINE}\n{story}")).env_clear();
    command.envs([("STATE", STATE), ("RUN", RUN)]).env("SYSTEMS", &own.place);
    command.env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", program("").display()));
    (own, command)
}

/// What is in the tests' own state.
fn others() -> Vec<PathBuf> {
    let images = fs::read_dir(format!("{STATE}/images")).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> =
        images.flat_map(|image| fs::read_dir(image.path())).flatten().flatten().map(|e| e.path()).collect();
    all.retain(|path| path.starts_with(format!("{STATE}/images/host")));
    all.sort();
    all
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_collection_of_all_images_takes_what_nobody_can_get_any_more_and_nothing_else() {
    let before = others();
    let (own, mut command) = machine("collected", STORY);
    own.build(&format!("dir:{}/one", own.place.display()), &[]).well();
    let Said { code, out, err } = Said::of(&command.output().unwrap());
    assert_eq!(others(), before, "it left its own machine");
    if !tells(&own) {
        assert_eq!(err.matches("this kernel cannot say which generations live jails use").count(), 4, "{err}");
        let names = |part: &str| part.lines().map(|line| line.split(" at").next().unwrap().to_owned()).collect::<Vec<_>>();
        let there: Vec<_> = out.split("\n\n").filter(|part| part.starts_with("images/back: ")).map(names).collect();
        assert_eq!((there.len(), &there[1..]), (3, &[there[0].clone(), there[0].clone()][..]), "something went: {out}");
        return;
    }
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let parts: Vec<&str> = out.split("\n\n").map(str::trim_end).collect();
    let [built, dry, done, kept, again, verified, back, last, end] = parts[..] else { panic!("{out}") };
    let before = [
        "back: 1 2 3 4 current last at 3",
        "lives: 1 2 3 4 5 current last at 5",
        "none: 1 2 last at",
        "single: 1 current last at 1",
    ];
    assert_eq!(built, before.map(|line| format!("images/{line}")).join("\n"));
    // One below the one in service stays to roll back to, and what is above it, or older, goes; but not from below a live jail.
    let gone = ["back@1", "back@4", "lives@1", "lives@3"].map(|name| format!("{name} removed"));
    let stays = "lives@2 stays: a live jail uses it (uid 21900)";
    let expected = [&gone[..2], &gone[2..3], &[stays.to_owned()], &gone[3..]].concat().join("\n");
    assert_eq!(done, expected);
    assert_eq!(dry, expected.replace(" removed", " would be removed"));
    let after =
        ["back: 2 3 current last at 3", "lives: 2 4 5 current last at 5", "none: 1 2 last at", "single: 1 current last at 1"];
    assert_eq!(kept, after.map(|line| format!("images/{line}")).join("\n"));
    assert_eq!(again, format!("two\n{stays}"), "the live jail has its files, and a second collection finds no more");
    assert_eq!(verified, "back@3\nlives@5\nsingle@1", "what shared files with what went is whole");
    assert_eq!(back, "lives@4 in service instead of lives@5\nback@2 in service instead of back@3");
    assert_eq!(last, "four\nback@3 removed\nlives@2 removed\nlives@5 removed", "the jail went, and nothing is to be kept");
    let end_of = ["back: 2 current last at 2", "lives: 4 current last at 4", "none: 1 2 last at", "single: 1 current last at 1"];
    assert_eq!(end, end_of.map(|line| format!("images/{line}")).join("\n"));
}

/// An image with one generation, which a live jail shows, loses both links; then everything is done that clears what an
/// interrupted first build left.
const UNLINKED: &str = "name=lost; build one; user lea 21901 lost; rm images/lost/current images/lost/last
    there; jailbase image update lost; jailbase image gc lost --dry-run; jailbase image gc lost; jailbase image gc
    jailbase image rm lost; jailbase image rollback lost; jailbase image show lost; echo
    said there; said jailbase image rollback lost@1; said jailbase image verify lost; said trampoline lea -- /bin/say; said there
    rm -f images/lost/current images/lost/last; build two; said there; said trampoline lea -- /bin/say
    reaper --drain lea";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_only_generation_of_an_image_that_lost_its_links_stays_below_a_live_jail_and_can_be_put_in_service() {
    let before = others();
    let (_own, mut command) = machine("unlinked", &format!("set +e; {UNLINKED}"));
    let Said { code, out, err } = Said::of(&command.output().unwrap());
    assert_eq!(others(), before, "it left its own machine");
    let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("images/lost: ")).collect();
    let expected = ["1 at", "1 at", "1 current at 1", "1 2 current last at 2"].map(|names| format!("images/lost: {names}"));
    let is_as_expected = lines.iter().zip(&expected).all(|(line, expected)| line.trim_end() == expected.as_str());
    assert!(code == 0 && lines.len() == 4 && is_as_expected, "{code}: {out}{err}");
    let stays = out.matches("lost@1 stays: a live jail uses it (uid 21901)\n").count();
    assert!(stays == 3 || err.matches("this kernel cannot say which generations live jails use").count() == 3, "{out}{err}");
    assert_eq!(out.matches("one\n").count(), 2, "the live jail has its files: {out}{err}");
    assert!(out.contains("lost@1 in service instead of nothing") && out.contains("all as published"), "{out}{err}");
    let advice = "jailbase image rollback lost@1 puts in service what it made";
    assert!(err.lines().filter(|line| line.contains(advice)).count() >= 3, "{err}");
}
