//! The bundles that runc and crun start.
//!
//! A minimal config.json with the jail's own parts: no /sys, no masked paths, no mqueue. It asks for less than
//! `runc spec` writes, which is in the runtimes' favour.

use crate::Outcome;
use crate::stage::Scratch;
use crate::table::quoted;

/// Writes a bundle whose program is `argv` and returns its directory.
pub fn bundle(scratch: &Scratch, name: &str, argv: &[&str]) -> Outcome<String> {
    let args: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
    let bind = |to: &str, from: &str, flags: &str| {
        let (to, from) = (quoted(to), quoted(from));
        format!(r#"{{"destination":{to},"type":"none","source":{from},"options":["bind",{flags}"nosuid","nodev"]}}"#)
    };
    let mounts = [
        r#"{"destination":"/proc","type":"proc","source":"proc","options":["nosuid","nodev","noexec"]}"#.to_string(),
        r#"{"destination":"/dev","type":"tmpfs","source":"dev","options":["nosuid","mode=755","size=65536k"]}"#.into(),
        r#"{"destination":"/dev/pts","type":"devpts","source":"devpts",
            "options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"]}"#
            .into(),
        r#"{"destination":"/dev/shm","type":"tmpfs","source":"shm",
            "options":["nosuid","noexec","nodev","mode=1777","size=65536k"]}"#
            .into(),
        bind("/usr", "/usr", r#""ro","#),
        bind("/home/bench", &scratch.path("home"), ""),
        bind("/tmp", &scratch.path("tmp"), ""),
        bind("/var/tmp", &scratch.path("tmp"), ""),
    ];
    let config = format!(
        r#"{{"ociVersion":"1.0.0",
 "process":{{"terminal":false,"user":{{"uid":2001,"gid":2001}},"args":[{args}],"cwd":"/home/bench",
  "env":["PATH=/usr/bin:/bin","HOME=/home/bench","LC_ALL=C"],"capabilities":{{}},"noNewPrivileges":true}},
 "root":{{"path":{root},"readonly":true}},"hostname":"bench","mounts":[{mounts}],
 "linux":{{"resources":{{}},"namespaces":[{{"type":"pid"}},{{"type":"network"}},{{"type":"ipc"}},{{"type":"uts"}},
  {{"type":"mount"}}]}}}}"#,
        args = args.join(","),
        root = quoted(&scratch.path("base")),
        mounts = mounts.join(",\n  "),
    );
    scratch.file(&format!("{name}/config.json"), &config)?;
    Ok(scratch.path(name))
}
