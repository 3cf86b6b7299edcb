//! A machine of a test's own: accounts, groups, homes, specs and jails that nobody else sees, in a mount namespace with a
//! process 1 of its own, so that jailbase takes it for the host. Its files are on this machine's disk.

use crate::Said;
use crate::common::{RUN, STATE, log, program};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The accounts that every machine has.
const ROOT: &str = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\n";

/// What keeps it from this one.
const APART: [&str; 5] = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// One machine.
pub struct World {
    pub dir: PathBuf,
    /// What is done there before everything else, as lines of shell.
    pub first: String,
}

impl World {
    /// With the image `host`, and without anybody.
    pub fn new(name: &str) -> Self {
        log::listen();
        let world = Self { dir: program(&format!("users-{name}")), first: String::new() };
        world.clear();
        for part in ["", "state", "home"] {
            fs::create_dir(world.dir.join(part)).unwrap();
            fs::set_permissions(world.dir.join(part), fs::Permissions::from_mode(0o755)).unwrap();
        }
        world.accounts(&[]);
        world.groups(&[]);
        world.jailbase("image build host --from host").well();
        world
    }

    /// The accounts there are from now on: name, uid and primary group.
    pub fn accounts(&self, all: &[(&str, u32, u32)]) {
        let line = |(name, uid, gid): &(&str, u32, u32)| format!("{name}:x:{uid}:{gid}:The {name}:/home/{name}:/bin/bash\n");
        fs::write(self.dir.join("passwd"), ROOT.to_owned() + &all.iter().map(line).collect::<String>()).unwrap();
    }

    /// The groups there are from now on: name, gid and members.
    pub fn groups(&self, all: &[(&str, u32, &str)]) {
        let line = |(name, gid, members): &(&str, u32, &str)| format!("{name}:x:{gid}:{members}\n");
        let text: String = all.iter().map(line).collect();
        fs::write(self.dir.join("group"), format!("root:x:0:\nwww-data:x:33:\n{text}")).unwrap();
    }

    /// A line of shell on that machine.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(APART).args(["/bin/sh", "-c", &self.script(line)]);
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", program("").display());
        command.env_clear().env("PATH", path).stdin(Stdio::null());
        command
    }

    fn script(&self, line: &str) -> String {
        format!(
            "set -e\n{first}\n\
             for file in passwd group; do mount --bind {dir}/$file /etc/$file; done\n\
             mkdir -p {STATE}; mkdir -m 700 -p {RUN}; mount --bind {dir}/state {STATE}; mount --bind {dir}/home /home; mount -t tmpfs -o mode=700 none {RUN}\n\
             {line}",
            first = self.first,
            dir = self.dir.display(),
        )
    }

    /// The same as one line for a shell elsewhere.
    pub fn line(&self, line: &str) -> String {
        let file = self.dir.join("line");
        fs::write(&file, self.script(line)).unwrap();
        format!("exec unshare {} /bin/sh {}", APART.join(" "), file.display())
    }

    /// Runs it.
    pub fn shell(&self, line: &str) -> Said {
        Said::of(&self.command(line).output().unwrap())
    }

    /// Runs jailbase there.
    pub fn jailbase(&self, words: &str) -> Said {
        self.shell(&format!("exec jailbase {words}"))
    }

    /// A spec, or nothing.
    pub fn spec(&self, uid: u32) -> String {
        fs::read_to_string(self.dir.join(format!("state/jails/{uid}/spec"))).unwrap_or_default()
    }

    /// What a sync did, as name and outcome, in order, and its exit code.
    #[track_caller]
    pub fn sync(&self, words: &str) -> (i32, Vec<(String, String)>) {
        let said = self.jailbase(&format!("user sync --json {words}"));
        let told = said.json();
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
        let rows = told["users"].as_array().unwrap().iter().map(|row| (text(row, "name"), text(row, "what")));
        (said.code, rows.collect())
    }

    /// A digest of everything on that machine's disk: names, owners, modes, dates and contents.
    pub fn digest(&self) -> String {
        self.digest_of("")
    }

    /// The same of a part of it.
    pub fn digest_of(&self, part: &str) -> String {
        let line = "cd \"$0\" && find . -printf '%p %y %m %U %G %s %T@ %l\\n' | sort | sha256sum; find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum";
        let done = Command::new("/bin/sh").args(["-c", line]).arg(self.dir.join(part)).output().unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap()
    }

    fn clear(&self) {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.clear();
    }
}
