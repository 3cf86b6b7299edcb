//! Login shells that only lead into a jail. In the jail itself they lead nowhere: trampoline has no rights there.

use jail::sys::fd::{self, HERE, How};
use std::path::Path;

/// What docs/examples calls it; a site may call its own otherwise.
const USUAL: &str = "jailsh";

/// Whether a shell is the wrapper of docs/examples, or another script that starts trampoline.
pub fn leads_into_jails(shell: &Path) -> bool {
    let starts_it = || {
        // Not `fd::open`, which follows no link: /bin/sh is behind one.
        let file = fd::open_magic(HERE, shell.to_str()?, How::Read).ok()?;
        let text = fd::stat(&file).ok().filter(fd::is_file).and_then(|_| fd::read_at_most(file, 4096).ok())?;
        let text = text.strip_prefix(b"#!").map(String::from_utf8_lossy)?;
        Some(text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("/trampoline")))
    };
    shell.file_name().is_some_and(|name| name == USUAL) || starts_it().unwrap_or(false)
}

/// Warns whoever gives such a shell to a jail.
pub fn warn(shell: &str) {
    if leads_into_jails(Path::new(shell)) {
        log::warn!(
            "{shell} only leads into the jail, and whatever starts it there fails; give the jail one with --shell /bin/bash"
        );
    }
}
