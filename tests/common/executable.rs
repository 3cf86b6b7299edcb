//! Files that a test puts somewhere and then runs.
//!
//! Another process writes them. Were it the test's own, a child that another test's thread forks meanwhile would hold the file
//! open for writing up to its execve, and who runs the file in that moment gets ETXTBSY ([execve(2)]).
//!
//! [execve(2)]: https://man7.org/linux/man-pages/man2/execve.2.html

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A copy of a file, with this owner (uid and gid) and mode.
pub fn copied(from: impl AsRef<Path>, to: impl AsRef<Path>, owner: (u32, u32), mode: u32) {
    let done = install(owner, mode).arg(from.as_ref()).arg(to.as_ref()).status().unwrap();
    assert!(done.success(), "{}", to.as_ref().display());
}

/// A file with these bytes, owner (uid and gid) and mode.
pub fn written(bytes: impl AsRef<[u8]>, to: impl AsRef<Path>, owner: (u32, u32), mode: u32) {
    let mut writer = install(owner, mode).arg("/dev/stdin").arg(to.as_ref()).stdin(Stdio::piped()).spawn().unwrap();
    writer.stdin.take().unwrap().write_all(bytes.as_ref()).unwrap();
    assert!(writer.wait().unwrap().success(), "{}", to.as_ref().display());
}

fn install((uid, gid): (u32, u32), mode: u32) -> Command {
    let mut install = Command::new("install");
    install.args([
        format!("--owner={uid}"),
        format!("--group={gid}"),
        format!("--mode={mode:o}"),
        "--no-target-directory".to_owned(),
    ]);
    install
}
