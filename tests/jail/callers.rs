//! Callers other than uid 33 on the host: root, the user, a service with its own mounts, one in a chroot.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{executable, process, program, sweep};

#[test]
#[ignore = "needs root and installed programs: make check"]
fn root_and_the_web_server_and_the_user_enter_the_same_jail() {
    let user = User::new();
    let _quiet = sweep::none();
    let ask = ["readlink", "/proc/self/ns/ipc"];
    let all: Vec<String> = [(0, 0), (33, 33), (user.uid, 33)].map(|(uid, gid)| user.call(&ask).by(uid, gid).run().well()).into();
    assert!(all[0] == all[1] && all[1] == all[2], "{all:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_user_enters_the_own_jail_and_nobody_else_s() {
    let (one, two) = (User::new(), User::new());
    assert_eq!(one.call(&["id", "-u"]).by(one.uid, 33).run().well(), one.uid.to_string());
    let uid = two.uid.to_string();
    for target in [&two.name, &uid] {
        Call::new([target, "--", "id"]).by(one.uid, 33).run().failed(77);
    }
    two.leaves_nothing();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_name_and_a_uid_are_the_same_jail() {
    let user = User::new();
    let _quiet = sweep::none();
    let uid = user.uid.to_string();
    let ask = |word: &str| Call::new([word, "--", "readlink", "/proc/self/ns/ipc"]).run().well();
    assert_eq!(ask(&user.name), ask(&uid));
}

/// As uid 33 in a mount namespace of its own, as a service with PrivateTmp= is.
fn in_own_mounts(user: &User, command: &[&str]) -> Call {
    user.call(command).by(0, 0).after(|| {
        process::unshare(libc::CLONE_NEWNS)?;
        process::mount("", "/", "", libc::MS_REC | libc::MS_PRIVATE, "")?;
        process::mount("none", "/tmp", "tmpfs", 0, "size=64k")?;
        process::mount("none", "/home", "tmpfs", 0, "size=64k")?;
        process::mount("none", "/run", "tmpfs", 0, "size=64k")?;
        process::become_user(33, 33)
    })
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_with_its_own_mounts_makes_and_enters_the_jail_of_the_host() {
    let user = User::new();
    let _quiet = sweep::none();
    let ask = ["sh", "-c", "pwd; echo x >> seen; readlink /proc/self/ns/ipc"];
    let cold = in_own_mounts(&user, &ask).run().well();
    let warm = in_own_mounts(&user, &ask).run().well();
    assert_eq!(cold, warm);
    assert_eq!(user.run(&ask).well(), cold);
    assert_eq!(std::fs::read_to_string(user.in_home("seen")).unwrap(), "x\nx\nx\n");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_caller_in_a_chroot_with_proc_makes_and_enters_the_jail_of_the_host() {
    let user = User::new();
    let root = format!("/home/{}.root", user.name);
    let dir = Chroot::new(&root);
    let program = program("trampoline").to_str().unwrap().to_owned();
    let words: Vec<String> = std::iter::once("trampoline".to_owned())
        .chain(user.words(&["sh", "-c", "pwd; id -u"]).into_iter().map(str::to_owned))
        .collect();
    let copy = format!("{root}/trampoline");
    executable::copied(&program, &copy, (0, 33), 0o4750);
    for (with_proc, expected) in [(false, 125), (true, 0)] {
        if with_proc {
            dir.mount_proc();
        }
        let (root, words) = (root.clone(), words.clone());
        let done = Call::of("/bin/true", [""; 0])
            .by(0, 0)
            .after(move || {
                process::chroot(&root)?;
                process::become_user(33, 33)?;
                Err(process::execute("/trampoline", &words.iter().map(String::as_str).collect::<Vec<_>>()))
            })
            .run();
        assert_eq!(done.code(), expected, "{}", done.err);
        if with_proc {
            assert_eq!(done.well(), format!("{}\n{}", user.home, user.uid));
        } else {
            done.failed(125);
            user.leaves_nothing();
        }
    }
}

struct Chroot(String);

impl Chroot {
    fn new(path: &str) -> Self {
        std::fs::create_dir(path).unwrap();
        for dir in ["proc", "dev"] {
            std::fs::create_dir(format!("{path}/{dir}")).unwrap();
        }
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self(path.to_owned())
    }

    fn mount_proc(&self) {
        process::mount("proc", &format!("{}/proc", self.0), "proc", 0, "").unwrap();
    }
}

impl Drop for Chroot {
    fn drop(&mut self) {
        drop(process::unmount(&format!("{}/proc", self.0), libc::MNT_DETACH));
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_run_is_one_line_in_the_system_log() {
    let user = User::new();
    let done = user.run(&["id", "-u"]);
    done.well();
    assert_eq!(crate::common::log::line_of(&done), format!("<86> uid 33 runs id as uid {}", user.uid));
    let done = user.run(&["sh\n<86>forged", "x"]);
    assert_eq!(crate::common::log::line_of(&done), format!("<86> uid 33 runs sh\\n<86>forged as uid {}", user.uid));
    assert_eq!(done.code(), 127);
}
