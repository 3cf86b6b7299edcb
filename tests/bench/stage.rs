//! The stage: a scratch directory, and inside a private mount namespace the trees that the peers enter.
//!
//! Everything mounted here is mounted by the `Stage` worker, in its own namespace: when it ends, so do the mounts,
//! however the benchmark ended. The machine's own mount table never sees them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::crew::{Crew, Who};

const NAME: &str = "trampoline-bench.";

/// A directory of this run alone, removed with everything in it at the end.
pub struct Scratch {
    root: PathBuf,
    // Directories of the machine that a peer needs and that were not there.
    lent: Vec<PathBuf>,
}

impl Scratch {
    /// Makes it below the temporary directory; a name that somebody else took first is an error, not a choice.
    pub fn new() -> Outcome<Scratch> {
        let root = std::env::temp_dir().join(format!("{NAME}{}", std::process::id()));
        if root.to_string_lossy().contains(char::is_whitespace) {
            return Err("TMPDIR has a blank in its name, which mount options do not take: choose another".into());
        }
        leftovers();
        let made = fs::DirBuilder::new().mode(0o755).create(&root);
        made.map_err(|error| format!("cannot make {}: {error}", root.display()))?;
        // The peers' unprivileged worker walks through here; the caller's umask must not decide that.
        let opened = fs::set_permissions(&root, fs::Permissions::from_mode(0o755));
        opened.map_err(|error| format!("cannot open {} for all: {error}", root.display()))?;
        Ok(Scratch { root, lent: Vec::new() })
    }

    /// The absolute name of something inside.
    pub fn path(&self, name: &str) -> String {
        self.root.join(name).to_string_lossy().into_owned()
    }

    /// Makes a directory, and those above it.
    pub fn directory(&self, name: &str) -> Outcome<String> {
        let path = self.path(name);
        fs::create_dir_all(&path).map_err(|error| format!("cannot make {path}: {error}"))?;
        Ok(path)
    }

    /// Makes sure that a directory of the machine is there to be mounted over, and takes it away again at the end.
    pub fn lend(&mut self, path: &str) -> Outcome<()> {
        match fs::create_dir(path) {
            Ok(()) => self.lent.push(PathBuf::from(path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot make {path}: {error}")),
        }
        Ok(())
    }

    /// Writes a file, and makes the directories above it.
    pub fn file(&self, name: &str, text: &str) -> Outcome<String> {
        let path = self.path(name);
        if let Some((above, _)) = name.rsplit_once('/') {
            self.directory(above)?;
        }
        fs::write(&path, text).map_err(|error| format!("cannot write {path}: {error}"))?;
        Ok(path)
    }
}

/// Removes what benchmarks left that were killed: root's directories with the number of a process that is no more.
fn leftovers() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_prefix(NAME)) else { continue };
        let dead = number.parse::<u32>().is_ok() && !Path::new("/proc").join(number).exists();
        if dead && entry.metadata().is_ok_and(|data| data.uid() == 0 && data.is_dir()) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for path in &self.lent {
            // Somebody may have begun to use it, and then it is theirs.
            fs::remove_dir(path).ok();
        }
        // The stage's mounts are not visible from here, so this walks into none of them.
        if let Err(error) = fs::remove_dir_all(&self.root) {
            crate::say(&format!("bench: {} is left behind: {error}", self.root.display()));
        }
    }
}

/// Builds the trees: `base` is what peers start from (read-only, with nothing mounted inside it), `tree` is the same
/// with /usr, home, tmp, proc and dev already in place, for those that can only enter what is there.
pub fn furnish(crew: &mut Crew, scratch: &Scratch) -> Outcome<()> {
    skeleton(scratch)?;
    let path = |name: &str| scratch.path(name);
    for place in ["base", "tree", "state"] {
        scratch.directory(place)?;
    }
    let bind = |from: &str, to: &str, flags: &str| {
        vec![format!("mount --bind {from} {to}"), format!("mount -o remount,bind,nosuid,nodev{flags} {to}")]
    };
    let (skeleton, base, tree) = (path("skeleton"), path("base"), path("tree"));
    // The caller's umask must not decide what the target's uid can reach.
    let mut steps = vec![format!("chmod -R a+rX {skeleton}")];
    steps.extend(bind(&skeleton, &base, ",ro"));
    steps.extend(bind(&skeleton, &tree, ",ro"));
    steps.extend(bind("/usr", &format!("{tree}/usr"), ",ro"));
    steps.extend(bind(&path("home"), &format!("{tree}/home/bench"), ""));
    steps.extend(bind(&path("tmp"), &format!("{tree}/tmp"), ""));
    steps.extend(bind(&path("tmp"), &format!("{tree}/var/tmp"), ""));
    steps.push(format!("mount -t proc proc {tree}/proc"));
    steps.push(format!("mount -t tmpfs -o mode=755 dev {tree}/dev"));
    for node in ["null", "zero", "full", "random", "urandom", "tty"] {
        steps.push(format!("touch {tree}/dev/{node}"));
        steps.push(format!("mount --bind /dev/{node} {tree}/dev/{node}"));
    }
    // What runc and crun keep of a container lives in /run on a real machine, which is memory too.
    steps.push(format!("mount -t tmpfs -o mode=755 state {}", path("state")));
    for step in &steps {
        let words: Vec<&str> = step.split(' ').collect();
        crew.look(Who::Stage, &words).map_err(|why| format!("cannot set the stage: {step}: {why}"))?;
    }
    Ok(())
}

fn skeleton(scratch: &Scratch) -> Outcome<()> {
    for place in ["usr", "etc", "dev", "proc", "sys", "tmp", "var/tmp", "home/bench"] {
        scratch.directory(&format!("skeleton/{place}"))?;
    }
    for name in ["bin", "lib", "lib64", "sbin"] {
        let link = scratch.path(&format!("skeleton/{name}"));
        symlink(format!("usr/{name}"), &link).map_err(|error| format!("cannot link {link}: {error}"))?;
    }
    scratch.file("skeleton/etc/passwd", "root:x:0:0::/root:/bin/sh\nbench:x:2001:2001::/home/bench:/bin/sh\n")?;
    scratch.file("skeleton/etc/group", "root:x:0:\nbench:x:2001:\n")?;
    for own in ["home", "tmp"] {
        let path = scratch.directory(own)?;
        chown(&path, Some(2001), Some(2001)).map_err(|error| format!("cannot chown {path}: {error}"))?;
    }
    Ok(())
}
