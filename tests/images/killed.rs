//! A build that ends before its end: killed anywhere, or on a full disk.

use super::tiny::system;
use super::{Own, jailbase};
use crate::common::{process, program};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// Every so many system calls a build is killed; `JAIL_KILL_EVERY=1` tries them all.
fn every() -> u64 {
    std::env::var("JAIL_KILL_EVERY").map_or(10, |text| text.parse().unwrap())
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_build_that_is_killed_at_any_system_call_leaves_the_old_generation_in_service() {
    let own = Own::new("killed");
    let source = own.place.join("system");
    let from = format!("dir:{}", source.display());
    system(&source, "0");
    own.build(&from, &[]).well();
    let (mut serving, mut published, mut kills) = ("0".to_owned(), 0, 0);
    for at in (every()..).step_by(every() as usize) {
        let word = at.to_string();
        fs::write(source.join("data/word"), &word).unwrap();
        let mut command = Command::new(program("jailbase"));
        command.args(["image", "build", &own.name, "--from", &from]).env_clear().stdout(std::process::Stdio::null());
        let ended = process::killed_at_call(&mut command, at);
        // Whatever is in service is whole: the old word or the new one.
        let now = fs::read_to_string(own.file(own.current(), "data/word")).unwrap();
        assert!(now == serving || now == word, "at {at}: {now}");
        published += usize::from(now == word);
        serving = now;
        if ended {
            break;
        }
        kills += 1;
        jailbase(["image", "verify", &own.name]).well();
        // The next command clears what was left, and a number never means two things.
        jailbase(["image", "gc", &own.name, "--keep", "0"]).well();
        let current = own.current().to_string();
        assert_eq!(own.names(), [current.as_str(), "current", "last"], "at {at}");
        assert_eq!(fs::read_to_string(own.file(own.current(), "data/word")).unwrap(), serving);
    }
    println!("{kills} kills, {published} of them after the switch");
    assert!(kills > 100 && serving != "0", "{kills}");
    assert_eq!(fs::metadata(own.dir()).unwrap().mode() & 0o7777, 0o755);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_change_of_generations_that_is_killed_at_any_system_call_is_done_or_is_not() {
    let own = Own::new("killed-gc");
    let source = own.place.join("system");
    let from = format!("dir:{}", source.display());
    let words: [&[&str]; 3] = [&["rollback", &own.name], &["gc", &own.name, "--keep", "0"], &["rm", &own.name]];
    for command_words in words {
        for at in (every()..).step_by(every() as usize) {
            while own.names().iter().filter(|name| name.parse::<u32>().is_ok()).count() < 2 {
                fs::create_dir_all(own.place.join("system")).unwrap();
                system(&source, &own.names().len().to_string());
                own.build(&from, &[]).well();
            }
            let mut command = Command::new(program("jailbase"));
            command
                .arg("image")
                .args(command_words)
                .env_clear()
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null());
            let ended = process::killed_at_call(&mut command, at);
            // What is in service is whole, and what has a number too. An image that is being removed may be out of service.
            for number in own.names().iter().filter(|name| name.parse::<u32>().is_ok()) {
                jailbase(["image", "verify", &format!("{}@{number}", own.name)]).well();
            }
            if own.dir().exists() && command_words[0] != "rm" {
                assert!(own.file(own.current(), "data/word").exists(), "at {at}: {:?}", own.names());
            }
            if ended {
                break;
            }
        }
    }
    assert!(!own.dir().exists());
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_full_disk_leaves_the_old_generation_in_service_and_says_so() {
    let own = Own::new("full");
    let source = own.place.join("system");
    let from = format!("dir:{}", source.display());
    system(&source, "one");
    fs::create_dir_all(own.dir()).unwrap();
    process::mount("none", own.dir().to_str().unwrap(), "tmpfs", 0, "size=3m,mode=755").unwrap();
    let done = std::panic::catch_unwind(|| {
        own.build(&from, &[]).well();
        system(&source, "two");
        fs::write(source.join("big"), vec![1; 3 << 20]).unwrap();
        own.build(&from, &[]).no(125, "No space left on device (ENOSPC); make room first");
        assert_eq!((own.current(), own.names()), (1, vec!["1".into(), "current".into(), "last".into()]));
        assert_eq!(fs::read_to_string(own.file(1, "data/word")).unwrap(), "one");
        jailbase(["image", "verify", &own.name]).well();
        // The same for an archive.
        let archive = own.place.join("big.tar");
        fs::write(&archive, super::packing::Tar::default().entry(b'0', b"big", "", &vec![1; 3 << 20]).end()).unwrap();
        own.build(&format!("tar:{}", archive.display()), &[]).no(125, "No space left on device (ENOSPC); make room first");
        assert_eq!(own.names(), ["1", "current", "last"]);
    });
    process::unmount(own.dir().to_str().unwrap(), 0).unwrap();
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
