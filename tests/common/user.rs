//! A user of a test's own, with a jail: made by jailbase, gone with everything of theirs when the test ends.

use super::call::{Call, Done};
use super::{STATE, image, process, program, seen};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// The uids that belong to the tests.
pub const UIDS: std::ops::Range<u32> = 21_000..30_000;

/// One user.
pub struct User {
    pub uid: u32,
    pub name: String,
    pub home: String,
    /// Somebody changed the jail's files by hand: jailbase need not be able to remove it.
    broken: AtomicBool,
}

impl User {
    /// A user with a jail without network.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A user whose jail is added with these further words.
    pub fn with(words: &[&str]) -> Self {
        image::host();
        let user = Self::without_jail();
        user.add(words);
        user
    }

    /// A user with a home and without a jail.
    pub fn without_jail() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(UIDS.start);
        super::program("trampoline");
        loop {
            let uid = NEXT.fetch_add(1, Ordering::SeqCst);
            assert!(UIDS.contains(&uid), "all uids of the tests are taken; remove what is left below /home/t2*");
            let name = format!("t{uid}");
            let home = format!("/home/{name}");
            // Making the home claims the uid: two test programs may run at once.
            if fs::create_dir(&home).is_ok() {
                chown(&home, Some(uid), Some(uid)).unwrap();
                fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
                return Self { uid, name, home, broken: AtomicBool::new(false) };
            }
        }
    }

    /// Gives the user a jail.
    pub fn add(&self, words: &[&str]) {
        let uid = self.uid.to_string();
        let mut command = Command::new(program("jailbase"));
        command.args(["user", "add", &self.name, "--uid", &uid, "--gid", &uid, "--home", &self.home, "--shell", "/bin/sh"]);
        let done = command.args(words).output().unwrap();
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The words that run a program in the jail.
    pub fn words<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        [self.name.as_str(), "--"].into_iter().chain(command.iter().copied()).collect()
    }

    /// A call that runs a program in the jail.
    pub fn call(&self, command: &[&str]) -> Call {
        Call::new(self.words(command))
    }

    /// Runs a program in the jail, as uid 33.
    pub fn run(&self, command: &[&str]) -> Done {
        self.call(command).run()
    }

    /// Runs a line of shell in the jail, which must end well and say nothing on standard error; what it printed.
    #[track_caller]
    pub fn shell(&self, line: &str) -> String {
        self.run(&["/bin/sh", "-c", line]).well()
    }

    /// Runs a piece of Python in the jail, which must end well; what it printed.
    #[track_caller]
    pub fn python(&self, text: &str) -> String {
        self.run(&["/usr/bin/python3", "-I", "-c", text]).well()
    }

    /// Makes the jail ready.
    #[track_caller]
    pub fn ensure(&self) {
        Call::new(["--ensure", self.name.as_str()]).run().well();
    }

    /// A file of the jail's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{STATE}/jails/{}", self.uid)).join(name)
    }

    /// The jail's directory, to be spoiled by hand.
    pub fn spoil(&self) -> PathBuf {
        self.broken.store(true, Ordering::SeqCst);
        self.file("")
    }

    /// Writes the spec anew, changed.
    pub fn respec(&self, change: impl FnOnce(String) -> String) {
        let path = self.spoil().join("spec");
        let text = change(fs::read_to_string(&path).unwrap());
        fs::write(&path, text).unwrap();
    }

    /// Changes one value of the spec, and for a home the way down to it, as jailbase would.
    pub fn set(&self, key: &str, value: &str) {
        if let ("home", Some((_, below))) = (key, value[1..].split_once('/')) {
            drop(fs::create_dir_all(self.file("parents").join(below)));
        }
        self.respec(|text| {
            let lines = text
                .lines()
                .map(|line| if line.starts_with(&format!("{key} = ")) { format!("{key} = {value}") } else { line.to_owned() });
            lines.map(|line| line + "\n").collect()
        });
    }

    /// A file of the home, as the host sees it.
    pub fn in_home(&self, name: &str) -> PathBuf {
        PathBuf::from(&self.home).join(name)
    }

    /// Nothing of a call that failed is there: no pin, no process. Mounts have one place only, and it is looked at too.
    #[track_caller]
    pub fn leaves_nothing(&self) {
        let gone = || seen::processes(self.uid).is_empty();
        assert!(seen::within(Duration::from_secs(2), gone), "processes are left: {:?}", seen::processes(self.uid));
        assert!(!seen::is_pinned(self.uid), "the jail of uid {} is left", self.uid);
        assert!(!seen::has_place(self.uid), "an empty place of a pin is left for uid {}", self.uid);
        let ours = format!("t{}", self.uid);
        let left: Vec<_> =
            seen::mounts().into_iter().filter(|m| m.contains(&ours) || m.contains(&self.uid.to_string())).collect();
        assert!(left.is_empty(), "mounts are left: {left:?}");
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let failing = std::thread::panicking();
        let broken = self.broken.load(Ordering::SeqCst);
        let ended = seen::within(Duration::from_secs(3), || seen::processes(self.uid).is_empty());
        let left = seen::processes(self.uid);
        for (pid, _) in &left {
            process::kill(*pid, libc::SIGKILL);
        }
        let uid = self.uid.to_string();
        let has_jail = self.file("").exists();
        let removed = has_jail.then(|| Command::new(program("jailbase")).args(["user", "rm", &uid, "--purge"]).output().unwrap());
        seen::take_down(self.uid);
        drop(fs::remove_dir_all(self.file("")));
        drop(fs::remove_file(format!("{STATE}/jails/by-name/{}", self.name)));
        match fs::symlink_metadata(&self.home) {
            Ok(meta) if meta.is_dir() => drop(fs::remove_dir_all(&self.home)),
            Ok(_) => drop(fs::remove_file(&self.home)),
            Err(_) => {}
        }
        if failing {
            return;
        }
        assert!(ended, "processes of uid {uid} outlived their session: {left:?}");
        if let (Some(done), false) = (removed, broken) {
            assert!(done.status.success(), "jailbase user rm {uid} --purge: {}", String::from_utf8_lossy(&done.stderr));
        }
    }
}

/// Who owns a file: uid and gid.
pub fn owner(path: impl AsRef<std::path::Path>) -> (u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap();
    (meta.uid(), meta.gid())
}
