//! Who is not root makes, changes and removes nothing, and is told so in one plain line.

use super::{Own, Said};
use crate::common::{WWW, program};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Runs jailbase as somebody else.
fn as_uid(uid: u32, words: &[&str]) -> Said {
    Said::of(&Command::new(program("jailbase")).args(words).env_clear().current_dir("/").uid(uid).gid(uid).output().unwrap())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn who_is_not_root_can_do_nothing_with_images() {
    let ((own, _, from), unborn) = (Own::of_words("strangers", &["one", "two"]), Own::new("strangers-new"));
    let (name, unborn_name) = (own.name.as_str(), unborn.name.as_str());
    let (one, two) = (format!("{name}@1"), format!("{name}@2"));
    let all: &[(&[&str], &str)] = &[
        (&["build", name, "--from", &from], "cannot build the image t-strangers: "),
        (&["build", unborn_name, "--from", &from], "cannot build the image t-strangers-new: "),
        (&["build", unborn_name, "--from", "host"], "cannot build the image t-strangers-new: "),
        (&["build", unborn_name, "--from", "host", "--dry-run"], "cannot build the image t-strangers-new: "),
        (&["update", name], "cannot update the image t-strangers: "),
        (&["edit", name, "--", "/bin/say"], "cannot edit the image t-strangers: "),
        (&["rollback", name], "cannot roll back the image t-strangers: "),
        (&["rm", name], "cannot remove the image t-strangers: "),
        (&["rm", &one], "cannot remove the image t-strangers@1: "),
        (&["gc"], "cannot remove generations: "),
        (&["gc", name, "--keep", "0"], "cannot remove generations: "),
        (&["verify"], "cannot verify the images: "),
        (&["verify", name], "cannot verify the image t-strangers: "),
        (&["ls"], "cannot list the images: "),
        (&["show", name], "cannot show the image t-strangers: "),
        (&["diff", &one, &two], "cannot compare the images: "),
    ];
    let before = own.digest();
    for uid in [WWW, 65534] {
        for (words, title) in all {
            let line = format!("jailbase: {title}only root may do this; run it as root, with sudo for example\n");
            let said = as_uid(uid, &[&["image"], *words].concat());
            assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (77, "", line.as_str()), "uid {uid}: {words:?}");
            assert_eq!(own.digest(), before, "uid {uid}: {words:?}");
            assert!(!unborn.dir().exists(), "uid {uid}: {words:?}");
        }
        // What edit and update start themselves is for root alone too.
        as_uid(uid, &["in-image", "/", "/bin/sh"]).no(77, "cannot enter the image: only root may do this; run it as root");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whom_a_user_namespace_makes_root_is_not_root_here() {
    let ((own, ..), unborn) = (Own::of_words("strangers-ns", &["one"]), Own::new("strangers-ns-new"));
    let before = own.digest();
    for words in
        [&["build", &unborn.name, "--from", "host"][..], &["update", &own.name], &["rm", &own.name], &["gc"], &["verify"]]
    {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user"]).arg(program("jailbase")).arg("image").args(words);
        let said =
            Said::of(&command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").uid(WWW).gid(WWW).output().unwrap());
        said.no(77, "the caller is in a user namespace, where root's rights are not real");
        assert_eq!(own.digest(), before, "{words:?}");
        assert!(!unborn.dir().exists(), "{words:?}");
    }
}
