//! Set-user-id files, hard links and modes: what a jail must not get from the host's, nor the host from a jail's.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{RUN, STATE, WWW, executable, process, program, seen};
use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// The programs of the host's `/usr/bin` and `/usr/sbin` that are set-user-id or set-group-id, and load their libraries.
fn of_the_host() -> Vec<PathBuf> {
    let all = ["/usr/bin", "/usr/sbin"].into_iter().flat_map(|dir| fs::read_dir(dir).unwrap()).map(|e| e.unwrap().path());
    let has_bits = |path: &PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o6000 != 0 && m.mode() & 1 != 0)
    };
    all.filter(has_bits).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_program_of_the_image_gains_anything_by_its_set_user_id_bit() {
    let user = User::new();
    let programs = of_the_host();
    assert!(programs.iter().any(|p| p.ends_with("su")), "{programs:?}");
    let words: Vec<&str> = programs.iter().map(|path| path.to_str().unwrap()).collect();
    // The loader shows what the kernel gave the program, unless it gave it a privilege.
    let line = "for p in \"$@\"; do echo \"$p\"; timeout 1 env LD_SHOW_AUXV=1 \"$p\" --version </dev/null 2>/dev/null | grep -E '^AT_(E?UID|E?GID|SECURE)' | tr -s ' \\n' ' '; echo; done";
    let command: Vec<&str> = ["sh", "-c", line, "sh"].into_iter().chain(words).collect();
    let expected: String = programs
        .iter()
        .map(|path| {
            format!("{}\nAT_UID: {u} AT_EUID: {u} AT_GID: {u} AT_EGID: {u} AT_SECURE: 0 \n", path.display(), u = user.uid)
        })
        .collect();
    assert_eq!(user.run(&command).well() + "\n", expected);
    println!("{} programs", programs.len());
}

/// Gives a file every capability, permitted and effective, as setcap(8) does.
fn give_capabilities(path: &Path) {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    // KERNEL: struct vfs_cap_data of linux/capability.h: revision 2 and the effective bit, then twice permitted and inheritable.
    let data: Vec<u8> = [0x0200_0001u32, u32::MAX, 0, 0x1ff, 0].into_iter().flat_map(u32::to_le_bytes).collect();
    // SAFETY: two C strings, and as many bytes as is said.
    process::said(unsafe { libc::setxattr(path.as_ptr(), c"security.capability".as_ptr(), data.as_ptr().cast(), data.len(), 0) })
        .unwrap();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn neither_set_id_bits_nor_file_capabilities_count_in_home_and_tmp_whoever_owns_the_file() {
    let user = User::new();
    user.ensure();
    fs::set_permissions(&user.home, Permissions::from_mode(0o755)).unwrap();
    for dir in [user.in_home(""), user.file("tmp")] {
        let path = dir.join("cat");
        for (owner, mode, capabilities) in [
            (0, 0o4755, false),
            (0, 0o2755, false),
            (0, 0o6755, true),
            (WWW, 0o6755, false),
            (0, 0o755, true),
            (user.uid, 0o6755, false),
        ] {
            executable::copied("/bin/cat", &path, (owner, owner), mode);
            if capabilities {
                give_capabilities(&path);
            }
            let inside = if dir == user.in_home("") { "./cat" } else { "/tmp/cat" };
            let status = user.run(&[inside, "/proc/self/status"]).well();
            let four = |name: &str| format!("{name}:\t{u}\t{u}\t{u}\t{u}\n", u = user.uid);
            for line in [four("Uid"), four("Gid"), "CapPrm:\t0000000000000000\n".into(), "CapEff:\t0000000000000000\n".into()] {
                assert!(status.contains(&line), "{owner} {mode:o} {capabilities}: {line} is not in {status}");
            }
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_second_name_of_somebody_elses_file_in_home_and_tmp_changes_nothing_about_it() {
    let (user, other) = (User::new(), User::new());
    user.ensure();
    let victims = ["root", "www", "other"].map(|name| other.in_home(name));
    for (path, owner) in victims.iter().zip([0, WWW, other.uid]) {
        fs::write(path, "theirs").unwrap();
        chown(path, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
        let name = path.file_name().unwrap();
        fs::hard_link(path, user.in_home("").join(name)).unwrap();
        fs::hard_link(path, user.file("tmp").join(name)).unwrap();
    }
    let seen_of = |path: &PathBuf| {
        let meta = fs::metadata(path).unwrap();
        (meta.uid(), meta.gid(), meta.mode(), meta.mtime(), fs::read_to_string(path).unwrap())
    };
    let before: Vec<_> = victims.iter().map(seen_of).collect();
    let tries = "cd; for f in root www other /tmp/root /tmp/www /tmp/other; do cat $f; echo x >> $f; chmod 777 $f; chown $(id -u) $f; ln $f $f.2; done 2>/dev/null; ls ~ /tmp | grep -c 2 || true";
    // KERNEL: fs.protected_hardlinks lets nobody link what is not theirs; where it is off, a name more changes nothing either.
    assert_ne!(user.shell(tries), "");
    for _ in 0..2 {
        seen::take_down(user.uid);
        user.run(&["true"]).well();
    }
    let done = std::process::Command::new(program("jailbase")).args(["user", "rm", &user.name, "--purge"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(victims.iter().map(seen_of).collect::<Vec<_>>(), before);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn another_name_of_the_program_in_another_directory_is_no_other_program() {
    let user = User::new();
    // On the same file system as the program, and filled with what it might look for beside itself.
    let dir = program("trampoline").with_file_name("elsewhere");
    drop(fs::remove_dir_all(&dir));
    for path in ["jails/by-name", "images/host/1/root", "pins", "ns", "root/etc", "etc", "lib"] {
        fs::create_dir_all(dir.join(path)).unwrap();
    }
    for path in ["spec", "policy", "policy.toml", "trampoline.conf", "holder", "etc/ld.so.preload", "etc/nsswitch.conf"] {
        fs::write(dir.join(path), "\u{1b}odd\n").unwrap();
    }
    fs::hard_link(program("trampoline"), dir.join("trampoline")).unwrap();
    std::os::unix::fs::symlink(program("trampoline"), dir.join("sudo")).unwrap();
    for name in ["trampoline", "sudo"] {
        let mut call = Call::of(dir.join(name), user.words(&["sh", "-c", "id -u; pwd"]));
        call.command.current_dir(&dir);
        assert_eq!(call.run().well(), format!("{}\n{}", user.uid, user.home), "{name}");
        let mut call = Call::of(dir.join(name), ["0", "--", "id"]);
        call.command.current_dir(&dir);
        call.run().failed(77);
    }
    fs::remove_dir_all(&dir).unwrap();
}

/// What can be tried on a path. Prints the paths with which anything worked.
const REACH: &str = "
import os, sys
tries = (
    os.listdir,
    os.chdir,
    lambda path: os.open(path, os.O_RDONLY),
    lambda path: os.open(path, os.O_WRONLY),
    lambda path: os.open(path + '/x', os.O_CREAT),
    lambda path: os.stat(path + '/.'),
    lambda path: os.access(path, os.X_OK) and os.execv(path, [path]),
    lambda path: os.rename(path, path + '.x'),
)
for path in sys.argv[1:]:
    for what in tries:
        try:
            if what(path) is not False: print('reached', path)
        except OSError: pass
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_jails_are_made_of_is_out_of_reach_of_everybody_on_the_host_but_root() {
    let user = User::new();
    user.ensure();
    user.shell("echo x > /tmp/x; cp /bin/id /tmp/id; chmod 777 /tmp /tmp/x /tmp/id");
    // A new directory of images has this mode; an older one may be open.
    let images = format!("{STATE}/images");
    fs::set_permissions(&images, Permissions::from_mode(0o700)).unwrap();
    let jail = user.file("").to_str().unwrap().to_owned();
    let shut = [
        RUN.to_owned(),
        format!("{STATE}/jails"),
        images.clone(),
        format!("{STATE}/jails/by-name"),
        jail.clone(),
        format!("{jail}/tmp"),
    ];
    let within = [
        format!("{RUN}/holder"),
        format!("{jail}/spec"),
        format!("{jail}/tmp/x"),
        format!("{jail}/tmp/id"),
        format!("{images}/host/current"),
        format!("{images}/host/1/root/etc/passwd"),
    ];
    // The user's own uid is nobody special there either.
    for uid in [WWW, 34, user.uid] {
        let words = ["-I", "-c", REACH].into_iter().chain(shut.iter().chain(&within).map(String::as_str));
        assert_eq!(Call::of("/usr/bin/python3", words).by(uid, WWW).run().well(), "", "uid {uid}");
    }
}
