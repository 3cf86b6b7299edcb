//! Files that libraries and frameworks read by themselves: none of somebody else's making is read with root's rights.

use crate::common::image::Image;
use crate::common::program;
use crate::common::user::User;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// What others were led astray by: the C library's own files, those of frameworks, and names as of a configuration of ours.
const BAIT: [&str; 24] = [
    "etc/nsswitch.conf",
    "etc/ld.so.preload",
    "etc/ld.so.cache",
    "etc/localtime",
    "etc/host.conf",
    "etc/resolv.conf",
    "etc/gai.conf",
    "etc/locale.alias",
    "etc/login.defs",
    "etc/trampoline.conf",
    "lib/libnss_files.so.2",
    "lib/libc.so.6",
    "usr/lib/gconv/gconv-modules",
    "usr/lib/locale/locale-archive",
    ".config/trampoline/config.toml",
    ".config/jailbase.toml",
    ".trampolinerc",
    "trampoline.toml",
    "policy.toml",
    "jailbase.toml",
    "reaper.toml",
    ".env",
    "terminfo/x/xterm",
    "RUST_BACKTRACE",
];

/// A directory full of bait, which its owner can change at will.
fn lay_bait(dir: &Path, owner: u32, which: impl Fn(&str) -> bool) {
    for name in BAIT.into_iter().filter(|name| which(name)) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "bait\n").unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
    }
}

/// The calls of a program that look a path up, as strace writes them, of each of its processes.
fn lookups(user: &User, program: &Path, words: &[&str], as_caller: &str) -> Vec<Vec<String>> {
    let dir = format!("/home/{}.trace", user.name);
    fs::create_dir(&dir).unwrap();
    let trace = format!("{dir}/of");
    let home = user.in_home("bait");
    let mut command = Command::new("/usr/bin/strace");
    command.env_clear().current_dir(&home).args([
        "-ff",
        "-qq",
        "-y",
        "-s",
        "300",
        "-o",
        &trace,
        "-e",
        "trace=%file,setresuid,chroot,fchdir,openat2,open_tree,move_mount",
    ]);
    let home = home.to_str().unwrap();
    // What a caller gives, and what a careless administrator has.
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_CONFIG_DIRS",
        "XDG_DATA_DIRS",
        "TERMINFO",
        "LOCPATH",
        "NLSPATH",
        "GCONV_PATH",
        "TZDIR",
        "HOSTALIASES",
        "TMPDIR",
    ] {
        command.arg("-E").arg(format!("{name}={home}"));
    }
    command.args([
        "-E",
        "RUST_BACKTRACE=full",
        "-E",
        "RUST_LOG=trace",
        "-E",
        "LANG=de_DE.UTF-8",
        "-E",
        "TZ=:Europe/Berlin",
        "-u",
        as_caller,
    ]);
    let done = command.arg(program).args(words).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    let text = |entry: std::io::Result<fs::DirEntry>| fs::read_to_string(entry.unwrap().path()).unwrap();
    let all = fs::read_dir(&dir).unwrap().map(|entry| text(entry).lines().map(str::to_owned).collect()).collect();
    fs::remove_dir_all(&dir).unwrap();
    all
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn nothing_is_read_from_the_directory_or_the_home_of_whoever_starts_a_program_of_ours() {
    let user = User::new();
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    lay_bait(&user.in_home("bait"), user.uid, |_| true);
    fs::set_permissions(user.in_home("bait"), Permissions::from_mode(0o755)).unwrap();
    let own = user.words(&["/bin/true"]);
    let runs: [(&str, &[&str], &str); 8] = [
        ("trampoline", &own, "www-data"),
        ("trampoline", &own, "root"),
        ("trampoline", &["--explain", &user.name], "www-data"),
        ("trampoline", &["--policy"], "www-data"),
        ("reaper", &[], "root"),
        ("reaper", &["-v"], "root"),
        ("jailbase", &["user", "ls"], "root"),
        ("jailbase", &["--version"], "root"),
    ];
    let mut seen_calls = 0;
    for (name, words, caller) in runs {
        let processes = lookups(&user, &program(name), words, caller);
        // Up to the program of the user's own, which may read what it likes.
        let own =
            |lines: &Vec<String>| lines.iter().take_while(|l| !l.contains("execve(\"/bin/true\"")).cloned().collect::<Vec<_>>();
        for line in processes.iter().flat_map(own).filter(|line| !line.contains("execve(") && !line.contains("chdir(")) {
            seen_calls += 1;
            // The home itself is opened, to be mounted; nothing in it is.
            let bait = line.contains("/bait/") || BAIT.iter().any(|bait| line.contains(&format!("\"{bait}\"")));
            let systems = ["\"/etc", "\"/lib", "\"/usr/"].iter().any(|path| line.contains(path));
            // The dynamic programs, which are root's, load the system's own libraries. The setuid one loads none; its C
            // library asks whether one file is there.
            let fine = !bait && (name != "trampoline" || !systems || line.contains("\"/etc/suid-debug\""));
            assert!(fine, "{name} {words:?} as {caller}: {line}");
        }
    }
    println!("{} runs, {seen_calls} lookups", runs.len());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn with_the_image_as_root_nothing_of_it_is_read_before_the_privilege_is_gone() {
    let image = Image::copy("t-bait");
    lay_bait(&image.tree(), 0, |name| name.starts_with("etc/"));
    let user = User::with(&["--image", &image.name]);
    fs::create_dir(user.in_home("bait")).unwrap();
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    lay_bait(&user.file("tmp"), user.uid, |_| true);
    lay_bait(&user.in_home(""), user.uid, |_| true);
    for _cold_then_warm in 0..2 {
        let processes = lookups(&user, &program("trampoline"), &user.words(&["/bin/true"]), "www-data");
        let drops = |line: &String| line.contains(&format!("setresuid({0}, {0}, {0})", user.uid));
        let own = processes.iter().find(|lines| lines.iter().any(drops)).unwrap();
        let root = own.iter().rposition(|line| line.contains("chroot(\".\"")).unwrap();
        let drop = own.iter().position(drops).unwrap();
        assert!(root < drop, "{own:#?}");
        let between: Vec<&String> =
            own[root + 1..drop].iter().filter(|line| !line.contains("oom_score_adj") && !line.contains("chdir(\"/\")")).collect();
        assert!(between.is_empty(), "{between:#?}");
        // What it executes is the program, and nothing of the image ran before.
        assert!(own.iter().all(|line| !line.contains("execve(")), "{own:#?}");
    }
}
