//! Where a look does not go.

use crate::common::program;
use crate::common::trace::Scratch;
use crate::common::user::User;
use crate::{end, session};
use std::fs;
use std::process::Command;

/// All paths that a command looked up, itself and what it started, descriptors joined with what was looked up below them.
fn looked_up(scratch: &Scratch, words: &[&str]) -> Vec<String> {
    let file = scratch.0.join("trace");
    let mut traced = Command::new("/usr/bin/strace");
    traced
        .env_clear()
        .args(["-f", "-y", "-qq", "-s", "400", "-e", "trace=%file,openat2,getdents64,name_to_handle_at", "-o"])
        .arg(&file);
    let done = traced.arg(program("jailbase")).args(words).output().unwrap();
    // On a machine without a system log that is what log says.
    let well = done.status.success() || words[0] == "log";
    assert!(well, "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    let text = fs::read_to_string(&file).unwrap();
    let call = |line: &str| {
        let (base, rest) = line.split_once('"').unwrap_or((line, ""));
        let base = base.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
        let name = rest.split('"').next().unwrap_or_default();
        if name.starts_with('/') { name.to_owned() } else { format!("{base}/{name}") }
    };
    text.lines().map(call).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn no_look_goes_through_the_root_or_the_directory_of_a_process() {
    let user = User::new();
    let running = session(&user, &["sleep", "60"]);
    let scratch = Scratch::new(&user.name);
    let name = user.name.as_str();
    let looks: [&[&str]; 13] = [
        &["ls"],
        &["stat"],
        &["stat", name],
        &["ps", name],
        &["du", name],
        &["explain", name],
        &["explain", name, "--", "id"],
        &["kill", name, "--dry-run"],
        &["image", "ls"],
        &["image", "show", "host"],
        &["user", "show", name],
        &["log", name],
        &["enter", name, "--", "true"],
    ];
    let mut of_processes = 0;
    for words in looks {
        for path in looked_up(&scratch, words) {
            // Which file its own program is it may ask.
            let asked = if path == "/proc/self/exe" { "" } else { path.as_str() };
            let mut parts = asked.split('/').skip_while(|part| *part != "proc").skip(1);
            let is_process =
                parts.next().is_some_and(|part| ["self", "thread-self"].contains(&part) || part.parse::<u32>().is_ok());
            of_processes += usize::from(is_process);
            assert!(!is_process || !parts.any(|part| ["root", "cwd", "exe", "map_files"].contains(&part)), "{words:?}: {path}");
        }
    }
    assert!(of_processes > looks.len(), "{of_processes}");
    end(&user, vec![running]);
}
