//! What a jail is made of, and what would be refused.

use crate::common::STATE;
use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{executable, reaped};
use crate::{jailbase, json, session, well};
use serde_json::Value;
use std::fs;
use std::process::Stdio;

fn refused(words: &[&str]) -> String {
    let page = json(words);
    page["refused"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_mount_that_is_explained_is_in_the_jail_with_those_flags_and_no_other_is() {
    let user = User::new();
    let page = json(&["explain", &user.name]);
    let mounts = page["mounts"].as_array().unwrap();
    let table = user.shell("cat /proc/self/mountinfo");
    let inside: Vec<(&str, &str)> =
        table.lines().map(|line| (line.split(' ').nth(4).unwrap(), line.split(' ').nth(5).unwrap())).collect();
    for mount in mounts {
        let (at, flags) = (mount["at"].as_str().unwrap(), mount["flags"].as_str().unwrap());
        let (_, real) = inside.iter().rev().find(|(place, _)| *place == at).unwrap_or_else(|| panic!("{at} is not in {table}"));
        for flag in ["ro", "nosuid", "nodev", "noexec"] {
            assert_eq!(flags.split(',').any(|f| f == flag), real.split(',').any(|f| f == flag), "{at}: {flag}: {real}");
        }
        if let Some(source) = mount["source"].as_str() {
            assert!(fs::symlink_metadata(source).is_ok(), "{source} is not there");
        }
    }
    // What is mounted below a directory of the host's is shown with it.
    let below = |place: &str| {
        mounts.iter().any(|m| m["from"].as_str().unwrap().contains("host =") && place.starts_with(m["at"].as_str().unwrap()))
    };
    let strange: Vec<_> = inside.iter().filter(|(place, _)| !mounts.iter().any(|m| m["at"] == *place) && !below(place)).collect();
    assert!(strange.is_empty(), "not explained: {strange:?}");
    // Each comes from where it is said to come from.
    let current = fs::read_link(format!("{STATE}/images/host/current")).unwrap();
    let manifest = format!("{STATE}/images/host/{}/image: host =", current.display());
    let home = format!("spec: home = {}", user.home);
    let own = |file: &str| format!("{STATE}/jails/{}/{file}", user.uid);
    for (at, source, from) in [
        (
            "/",
            format!("{STATE}/images/host/{}/root", current.display()),
            format!("spec: image = host; {STATE}/images/host/current"),
        ),
        ("/usr", "/usr".to_owned(), manifest),
        ("/etc/passwd", own("passwd"), "every jail".to_owned()),
        ("/etc/group", own("group"), "every jail".to_owned()),
        ("/dev/shm", String::new(), "policy: [limits] shm".to_owned()),
        ("/home", own("parents"), home.clone()),
        (&user.home, user.home.clone(), home),
        ("/tmp", own("tmp"), "every jail".to_owned()),
        ("/var/tmp", own("tmp"), "every jail".to_owned()),
    ] {
        let mount = mounts.iter().find(|mount| mount["at"] == at).unwrap_or_else(|| panic!("{at}: {page}"));
        assert_eq!(
            (mount["source"].as_str().unwrap_or_default(), mount["from"].as_str().unwrap()),
            (source.as_str(), from.as_str()),
            "{at}"
        );
    }
    // And trampoline says the same in its own words.
    let own = Call::new(["--explain", user.name.as_str()]).run().well();
    for mount in mounts {
        let (at, flags) = (mount["at"].as_str().unwrap(), mount["flags"].as_str().unwrap());
        assert!(own.lines().any(|line| line.split_whitespace().take(2).eq([at, flags])), "{at} {flags}: {own}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn each_fact_is_stated_with_the_file_or_rule_it_comes_from() {
    let words = "--cpu 99 --memory 3G --processes 77 --file-size 1G --open-files 55 --filter dev --network host --group 20031 \
                 --hostname its-own";
    let user = User::with(&words.split_whitespace().collect::<Vec<_>>());
    let (name, uid) = (&user.name, user.uid);
    let page = well(&["explain", name]);
    let (facts, mounts) = page.split_once("\n\n").unwrap();
    let told: Vec<String> = facts.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        told,
        [
            "WHAT IS FROM".to_owned(),
            format!("spec {STATE}/jails/{uid}/spec jailbase user add"),
            format!("user {name} spec: name ="),
            format!("uid {uid} spec: uid ="),
            format!("gid {uid} spec: gid ="),
            "groups 20031 spec: groups =".into(),
            format!("callers uid 0, uid 33, uid {uid} policy: [[enter]], [own]"),
            "image host spec: image =".into(),
            "shell /bin/sh spec: shell =".into(),
            "hostname its-own spec: hostname =".into(),
            "domain (cleared) spec: domain =".into(),
            "network host: the host's; without its abstract unix sockets since Linux 6.12 spec: network =".into(),
            "filter dev: with debugging of own processes spec: filter =".into(),
            "cpu 99, of at most 86400 spec: cpu =; policy: [limits]".into(),
            format!("memory {}, of at most {} spec: memory =; policy: [limits]", 3_u64 << 30, 64_u64 << 30),
            "processes 77, of at most 4096 spec: processes =; policy: [limits]".into(),
            format!("file-size {}, of at most {} spec: file-size =; policy: [limits]", 1 << 30, 64_u64 << 30),
            "open-files 55, of at most 65536 spec: open-files =; policy: [limits]".into(),
            "process no capability, bounding set empty, no_new_privs, own session and keyring, no core dumps, umask 022 every jail"
                .into(),
            "namespaces own mount, pid, ipc, uts every jail".into(),
            "live jail not up; the next entry makes it the kernel".into(),
        ]
    );
    assert!(mounts.starts_with("MOUNT ") && mounts.contains(&format!("\n{} ", user.home)), "{mounts}");
    // For programs the same, each fact with its origin.
    let facts = json(&["explain", name])["facts"].as_array().unwrap().clone();
    let text = |fact: &Value, key: &str| fact[key].as_str().unwrap().to_owned();
    let all: Vec<String> = facts.iter().map(|f| [text(f, "what"), text(f, "is"), text(f, "from")].join(" ")).collect();
    assert_eq!(all, told[1..]);
    // And the origin is where it says: the spec has these lines, and who enters has these numbers.
    let spec = fs::read_to_string(user.file("spec")).unwrap();
    for line in ["cpu = 99\n", "processes = 77\n", "open-files = 55\n", "filter = dev\n", "network = host\n", "groups = 20031\n"]
    {
        assert!(spec.contains(line), "{line:?} is not in {spec}");
    }
    // A shell counts memory in KiB and the length of a file in blocks of 512 bytes.
    let line = "id -u; id -G; ulimit -t; ulimit -v; ulimit -p; ulimit -f; ulimit -n; uname -n";
    let inside = format!("{uid}\n{uid} 20031\n99\n{}\n77\n{}\n55\nits-own", 3 << 20, 1 << 21);
    assert_eq!(user.shell(line), inside);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_program_is_found_as_it_would_be_inside() {
    let user = User::new();
    let name = user.name.as_str();
    let put = |file: &str, text: &str, mode: u32| {
        executable::written(text, user.in_home(file), (0, 0), mode);
        user.in_home(file).to_str().unwrap().to_owned()
    };
    std::os::unix::fs::symlink("/etc/../usr/bin/../bin/id", user.in_home("link")).unwrap();
    std::os::unix::fs::symlink("loop", user.in_home("loop")).unwrap();
    let home = user.home.as_str();
    let cases = [
        ("sh".to_owned(), ""),
        (put("script", "#!/bin/sh\n", 0o755), ""),
        (format!("{home}/link"), ""),
        ("./script".to_owned(), ""),
        ("./no-script".to_owned(), "no-script: there is no such file in the jail"),
        (put("secret", "#!/bin/sh\n", 0o600), "mode 0600, owner "),
        ("./secret".to_owned(), "the user may not execute it; chmod +x mends that"),
        (put("roots", "#!/bin/sh\n", 0o700), "mode 0700, owner 0: the user may not execute it\""),
        (
            put("lost", "#!/no/such/interpreter\n", 0o755),
            "its interpreter or loader /no/such/interpreter: there is no such file in the jail",
        ),
        (
            put("windows", "#!/bin/sh\r\n", 0o755),
            "its interpreter or loader /bin/sh\\\\r: there is no such file in the jail: its #! line ends with a carriage return, \
             which is a part of the last word; dos2unix takes it off",
        ),
        (put("text", "no program\n", 0o755), "neither a binary of this machine nor a script with a #! line"),
        (format!("{home}/loop"), "too many symbolic links"),
        ("no-such-program".to_owned(), "not found in /usr/local/bin:"),
        ("/etc/passwd".to_owned(), "its mount is noexec"),
        ("/usr/bin".to_owned(), "/usr/bin: it is a directory; name a program in it"),
        (".".to_owned(), "it is a directory; name a program in it"),
        ("/dev/null".to_owned(), "/dev/null: "),
        ("/root/x".to_owned(), "the user may not search /root"),
    ];
    for file in ["script", "secret", "lost", "windows", "text"] {
        std::os::unix::fs::chown(user.in_home(file), Some(user.uid), Some(user.uid)).unwrap();
    }
    for (path, why) in cases {
        let runs = why.is_empty();
        let done = jailbase(&["explain", name, "--json", "--", &path]);
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{path}");
        let page: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(page["program"]["runs"], runs, "{path}: {}", page["program"]);
        let refused = page["refused"].to_string();
        assert!(page["refused"].as_array().unwrap().is_empty() == runs && refused.contains(why), "{path}: {refused}");
        // The kernel says the same: 126 and 127 are what trampoline says of a program that does not start.
        let code = user.call(&[&path]).input("").run().status.code();
        assert_eq!(![Some(126), Some(127)].contains(&code), runs, "{path}: {code:?}");
        assert_eq!(done.status.code(), if runs { Some(0) } else { code }, "{path}: {refused}");
    }
    // A carriage return behind a word of the interpreter's: it starts, and whoever reads that word is surprised.
    let path = put("surprised", "#!/bin/sh -e\r\n", 0o755);
    let said = well(&["explain", name, "--", &path]);
    assert!(said.contains(&format!("  note: {path}: its #! line ends with a carriage return")), "{said}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_asks_for_a_program_reads_in_the_exit_code_what_trampoline_would_exit_with() {
    let user = User::new();
    let name = user.name.as_str();
    let asked = |program: &str| {
        let done = jailbase(&["explain", name, "--", program]);
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let trampoline = |program: &str| user.call(&[program]).input("").run().status.code();
    assert_eq!(asked("true").0, Some(0));
    // What hinders every entry comes before the program.
    for (key, value, usual, why) in [
        ("home", "/home/nosuchhome", user.home.as_str(), "the home /home/nosuchhome cannot be opened"),
        ("image", "nosuchimage", "host", "nosuchimage"),
    ] {
        user.set(key, value);
        let (code, said) = asked("/no/such/program");
        assert_eq!((code, said.contains(why)), (trampoline("/no/such/program"), true), "{key}: {said}");
        // A page without a question is a page.
        well(&["explain", name]);
        user.set(key, usual);
    }
    let running = session(&user, &["sleep", "60"]);
    let mut drain = reaped::command().args(["--drain", name, "--wait", "20"]).stderr(Stdio::null()).spawn().unwrap();
    let barred = || asked("true").0 == Some(77) && trampoline("true") == Some(77);
    let drained = crate::seen::within(std::time::Duration::from_secs(5), barred);
    crate::end(&user, vec![running]);
    drain.wait().unwrap();
    assert!(drained);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_hinders_an_entry_is_said_before_anybody_tries() {
    let user = User::new();
    let name = user.name.as_str();
    assert_eq!(refused(&["explain", name]), "");
    assert!(well(&["explain", name]).contains("\nnothing of this would be refused\n"));
    user.set("image", "nosuchimage");
    assert!(refused(&["explain", name]).contains("nosuchimage"));
    user.set("image", "host");
    user.set("home", "/home/nosuchhome");
    assert!(refused(&["explain", name]).contains("/home/nosuchhome"));
    user.set("home", "/usr");
    assert!(refused(&["explain", name]).contains("belongs to uid 0"));
    user.set("home", &user.home);
    let running = session(&user, &["sleep", "60"]);
    let mut drain = reaped::command().args(["--drain", name, "--wait", "20"]).stderr(Stdio::null()).spawn().unwrap();
    let drained = crate::seen::within(std::time::Duration::from_secs(5), || refused(&["explain", name]).contains("drained"));
    crate::end(&user, vec![running]);
    drain.wait().unwrap();
    assert!(drained);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_jail_that_shows_an_older_generation_is_said_to() {
    let image = crate::common::image::Image::copy("seeolder");
    let user = User::with(&["--image", "seeolder"]);
    user.ensure();
    let fact = || {
        let page = json(&["explain", &user.name]);
        page["facts"].as_array().unwrap().iter().find(|fact| fact["what"] == "live jail").unwrap()["is"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let number: u32 = fs::read_link(image.dir.join("current")).unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(fact(), format!("up, and shows seeolder@{number}"));
    // The next generation: a copy that is put in service by its link.
    let done = std::process::Command::new("cp")
        .arg("-a")
        .arg(image.generation())
        .arg(image.dir.join((number + 1).to_string()))
        .status()
        .unwrap();
    assert!(done.success());
    fs::remove_file(image.dir.join("current")).unwrap();
    std::os::unix::fs::symlink((number + 1).to_string(), image.dir.join("current")).unwrap();
    assert_eq!(fact(), format!("up, and still shows seeolder@{number} until it is unmounted"));
    assert_eq!(crate::of(&["ls"], &user)["image"], format!("seeolder@{number}"));
    drop(user);
    drop(image);
}
