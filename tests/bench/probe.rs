//! A look around from inside, before anything is timed: a contender that does not do the work is not measured.

use crate::Outcome;
use crate::crew::{Crew, Who};

const SPACES: [&str; 5] = ["mnt", "pid", "ipc", "uts", "net"];

/// What a contender has to have done by the time its program runs.
pub struct Asked<'a> {
    /// The uid and gid of the program.
    pub uid: &'a str,
    /// The home that must be writable.
    pub home: &'a str,
    /// Namespaces that must not be the caller's.
    pub own: &'a [&'a str],
}

/// All of them: what a jail has.
pub const FULL: &[&str] = &SPACES;

/// The shell script that a contender is to run. One line, no double quotes: it also travels inside a JSON string.
/// `chmod` tells a read-only mount (EROFS) from a directory of somebody else's (EPERM), so it must never be root's.
pub fn script(home: &str) -> String {
    format!(
        "echo uid=$(id -u) gid=$(id -g); [ $(id -u) = 0 ] && exit; \
         for d in usr /; do chmod 0755 /$d 2>&1 | grep -q Read-only && echo $d=ro; done; \
         for d in /tmp {home}; do touch $d/.probe && rm $d/.probe && echo $d=rw; done; {}",
        surroundings()
    )
}

fn surroundings() -> String {
    format!("for n in {}; do echo $n=$(readlink /proc/self/ns/$n); done; echo list=$(ls /)", SPACES.join(" "))
}

/// Runs `argv` (the contender with the script for a program), judges what it saw, and says what isolation there was.
pub fn inside(crew: &mut Crew, who: Who, argv: &[String], asked: &Asked) -> Outcome<String> {
    let outside = crew.look(who, &["sh", "-c", &surroundings()])?;
    let seen = crew.look(who, argv)?;
    let line = |text: &str, key: &str| -> Option<String> {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_string))
    };
    let has = |want: &str| seen.lines().any(|line| line == want);
    if !has(&format!("uid={0} gid={0}", asked.uid)) {
        return Err(format!("the program did not run as {}: {}", asked.uid, first(&seen)));
    }
    if !has("usr=ro") {
        return Err("its /usr is not read-only".into());
    }
    for place in ["/tmp", asked.home] {
        if !has(&format!("{place}=rw")) {
            return Err(format!("its {place} is not writable"));
        }
    }
    if line(&seen, "list") == line(&outside, "list") {
        return Err("its / is the host's".into());
    }
    let private = |name: &&&str| {
        let within = line(&seen, name);
        within.as_ref().is_some_and(|link| !link.is_empty()) && within != line(&outside, name)
    };
    let own: Vec<&str> = SPACES.iter().filter(private).copied().collect();
    if let Some(missing) = asked.own.iter().find(|name| !own.contains(name)) {
        return Err(format!("its {missing} namespace is the caller's"));
    }
    let root = if has("/=ro") { "" } else { "; its / can be written by root" };
    let spaces = match own.len() {
        0 => "no namespace of its own".to_string(),
        5 => "own mnt pid ipc uts net".to_string(),
        _ => format!("own {} only", own.join(" ")),
    };
    Ok(format!("{spaces}{root}"))
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or("it printed nothing")
}
