//! OCI layouts as buildah writes them: of one machine, and of several.

use super::layout::{OTHER, OURS};
use super::oci::tool;
use super::tiny::system;
use super::{Own, jailbase};
use crate::common::user::User;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// Runs buildah with nothing of its own outside of the test's place, and asks nobody which images may be used.
fn buildah(own: &Own, words: &[&str]) {
    let place = |name: &str| own.place.join(name).display().to_string();
    let policy = place("policy.json");
    fs::write(&policy, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    let (root, run) = (place("store"), place("run"));
    let (verb, rest) = words.split_at(if words[0] == "manifest" { 2 } else { 1 });
    let asked = if ["commit", "push"].contains(&verb[verb.len() - 1]) { &["--signature-policy", &policy][..] } else { &[] };
    let store = ["buildah", "--storage-driver", "vfs", "--root", &root, "--runroot", &run];
    tool(own, &[&store, verb, asked, rest].concat());
}

/// Commits an image of one small system with this word, for a machine.
fn image(own: &Own, name: &str, machine: &str, word: &str) {
    system(&own.place.join("system"), word);
    buildah(own, &["from", "--isolation", "chroot", "--name", name, "scratch"]);
    buildah(own, &["copy", "-q", name, "system", "/"]);
    buildah(
        own,
        &["config", "--arch", machine, "--entrypoint", r#"["/bin/say"]"#, "--env", "LD_PRELOAD=/x", "--user", "0", name],
    );
    buildah(own, &["commit", "-q", name, name]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_runs_in_an_image_that_buildah_made() {
    let own = Own::new("buildah");
    image(&own, "below", OURS, "below");
    buildah(&own, &["push", "below", "oci:l:docker.io/library/below:latest"]);
    // A second image over the first, one layer higher.
    buildah(&own, &["from", "--isolation", "chroot", "--pull-never", "--name", "above", "localhost/below"]);
    // buildah takes a file of the same size and the same second for the same file, and leaves it out of the layer.
    let word = fs::File::create(own.place.join("word")).unwrap();
    (&word).write_all(b"above").unwrap();
    word.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    buildah(&own, &["copy", "-q", "above", "word", "/data/word"]);
    buildah(&own, &["commit", "-q", "above", "above"]);
    buildah(&own, &["push", "above", "oci:l:above"]);
    let from = format!("oci:{}", own.place.join("l").display());
    own.build(&from, &[]).no(77, "say which, as oci:DIR:TAG, of: docker.io/library/below:latest, above");
    for (tag, word) in [("docker.io/library/below:latest", "below"), ("above", "above")] {
        own.build(&format!("{from}:{tag}"), &[]).well();
        jailbase(["image", "verify", &own.name]).well();
        // What the image wants to be run, as whom and with which environment, decides nothing.
        let user = User::with(&["--image", &own.name]);
        assert_eq!(user.run(&["/bin/say"]).well(), word);
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_a_list_of_machines_that_buildah_made_ours_is_taken() {
    let own = Own::new("buildah-machines");
    image(&own, "theirs", OTHER, "theirs");
    image(&own, "ours", OURS, "ours");
    for (list, images) in [("all", &["theirs", "ours"][..]), ("foreign", &["theirs"])] {
        buildah(&own, &["manifest", "create", list]);
        images.iter().for_each(|image| buildah(&own, &["manifest", "add", list, image]));
        buildah(&own, &["manifest", "push", "--all", list, &format!("oci:l:{list}")]);
    }
    let from = format!("oci:{}", own.place.join("l").display());
    own.build(&format!("{from}:all"), &[]).well();
    assert_eq!(User::with(&["--image", &own.name]).run(&["/bin/say"]).well(), "ours");
    let reason = format!("no image of it is for this machine, linux/{OURS}; there are: linux/{OTHER}");
    own.build(&format!("{from}:foreign"), &[]).no(77, &reason);
    assert_eq!(own.current(), 1);
}
