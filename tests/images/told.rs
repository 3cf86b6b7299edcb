//! What `image ls`, `show`, `diff`, `verify` and `gc` say, value by value, beside what find, du and sha256sum say of the same.

use super::tiny::system;
use super::{Own, Said, jailbase, of_all};
use crate::common::{STATE, program};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

/// Two generations of a system; the word alone is new in the second.
fn two(name: &str) -> (Own, String) {
    let (own, _, from) = Own::of_words(name, &["one", "twenty"]);
    (own, from)
}

/// What a shell says, without the last line's end.
fn sh(line: &str) -> String {
    let done = Command::new("/bin/sh").args(["-c", line]).output().unwrap();
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

/// What a tree holds: things but its top, files, and their bytes.
fn counts(own: &Own, number: u32) -> (u64, u64, u64) {
    let root = own.file(number, "");
    let number = |rest: &str| sh(&format!("find {} -mindepth 1 {rest}", root.display())).parse().unwrap();
    (number("| wc -l"), number("-type f | wc -l"), number("-type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum }'"))
}

fn parsed(words: &[&str]) -> Value {
    serde_json::from_str(&jailbase(words).well()).unwrap()
}

/// The row of a generation.
fn row(words: &[&str], own: &Own, number: u32) -> Value {
    let all: Value = serde_json::from_str(&of_all(words)).unwrap();
    let own = |row: &&Value| row["image"] == own.name && row["generation"] == number;
    all.as_array().unwrap().iter().find(own).unwrap_or_else(|| panic!("{all}")).clone()
}

/// Whether the kernel tells which jails show an image: it does not in a pid namespace of one's own.
pub fn tells(own: &Own) -> bool {
    !row(&["image", "ls", "--json"], own, 1)["jails"].is_null()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_list_of_images_has_a_line_for_each_generation_with_what_it_is_and_cost() {
    let before = sh("date -u +%FT%TZ");
    let (own, from) = two("told-ls");
    let after = sh("date -u +%FT%TZ");
    let jails = if tells(&own) { "0" } else { "?" };
    let table = of_all(["image", "ls"]);
    let cells =
        |line: &str| -> Vec<String> { line.split("  ").map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect() };
    assert_eq!(cells(table.lines().next().unwrap()), ["IMAGE", "STATE", "JAILS", "SIZE", "COPIED", "BUILT", "FROM"]);
    let lines: Vec<Vec<String>> = table.lines().filter(|line| line.starts_with(&format!("{}@", own.name))).map(cells).collect();
    let size = |number| format!("{} KiB", counts(&own, number).2 >> 10);
    for (line, (number, state, copied)) in lines.iter().zip([(1, "-", size(1)), (2, "in service", "6 B".to_owned())]) {
        let built = &line[5];
        assert!(before <= *built && *built <= after, "{before} {built} {after}");
        let name = format!("{}@{number}", own.name);
        assert_eq!(line[..], [&name, state, jails, &size(number), &copied, built, &from].map(str::to_owned), "{table}");
    }
    assert_eq!(lines.len(), 2, "{table}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_generation_is_shown_with_every_value_and_programs_get_the_same() {
    let (own, from) = two("told-show");
    let name = format!("{}@2", own.name);
    let (entries, files, bytes) = counts(&own, 2);
    let sha256 = |paper: &str| sh(&format!("sha256sum < {} | cut -d ' ' -f 1", own.dir().join("2").join(paper).display()));
    let digest = sha256("digests");
    let shown = row(&["image", "show", &name, "--json"], &own, 2);
    let (jails, uids) = if tells(&own) { (json!(0), json!([])) } else { (Value::Null, Value::Null) };
    let expected = json!({
        "image": own.name, "generation": 2, "in_service": true, "jails": jails, "uids": uids,
        "from": from, "include": [], "mend": false, "most_bytes": 32_u64 << 30, "most_files": 2 << 20, "built": shown["built"],
        "entries": entries, "bytes": bytes, "digest": digest, "image_digest": sha256("image"), "copied_files": 1, "copied_bytes": 6,
        "linked_files": files - 1, "linked_bytes": bytes - 6, "cloned_files": 0, "cloned_bytes": 0,
    });
    assert_eq!(shown, expected);
    assert_eq!(row(&["image", "ls", "--json"], &own, 2), expected, "a list says the same");
    let built = shown["built"].as_str().unwrap();
    let live = if tells(&own) { "none" } else { "unknown: that needs Linux 6.12 or newer, and no container around it" };
    let page = [
        format!("image       {name}"),
        "in service  yes".to_owned(),
        format!("live jails  {live}"),
        format!("from        {from}"),
        format!("built       {built}"),
        format!("entries     {entries}"),
        format!("size        {} KiB", bytes >> 10),
        "copied      1 file, 6 B".to_owned(),
        format!("linked      {} files, {} KiB", files - 1, (bytes - 6) >> 10),
        "cloned      0 files, 0 B".to_owned(),
        format!("digest      {digest}"),
    ];
    assert_eq!(jailbase(["image", "show", &name]).well().lines().collect::<Vec<_>>(), page);
    let all = jailbase(["image", "show", &own.name]).well();
    let pages: Vec<&str> = all.split("\n\n").map(|page| page.lines().next().unwrap()).collect();
    assert_eq!(pages, [format!("image       {}@1", own.name), format!("image       {name}")]);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_difference_is_told_for_each_path_and_for_programs_as_an_object() {
    let (own, from) = two("told-diff");
    let source = own.place.join("system");
    fs::remove_file(source.join("lib/7")).unwrap();
    fs::write(source.join("lib/new file"), "12345").unwrap();
    fs::remove_file(source.join("lib/8")).unwrap();
    symlink("9", source.join("lib/8")).unwrap();
    assert!(Command::new("chmod").arg("700").arg(source.join("bin/say")).status().unwrap().success());
    own.build(&from, &[]).well();
    let (one, three) = (format!("{}@1", own.name), format!("{}@3", own.name));
    let told = [
        ("bin/say", "has mode 0700 instead of 0755"),
        ("data/word", "holds something else: 6 bytes instead of 3"),
        ("lib/7", "is gone"),
        ("lib/8", "is of another kind"),
        ("lib/new file", "is new"),
    ];
    let objects: Vec<Value> = told.iter().map(|(path, what)| json!({ "path": path, "what": what })).collect();
    assert_eq!(parsed(&["image", "diff", &one, &three, "--json"]), Value::Array(objects));
    let lines: String = told.iter().map(|(path, what)| format!("/{path}: {what}\n")).collect();
    let size = (fs::metadata(own.file(3, "bin/say")).unwrap().len() + 6 + 5) >> 10;
    let said = jailbase(["image", "diff", &one, &three]).well();
    assert_eq!(said, format!("{lines}5 differences, {size} KiB of files that are new or changed\n"));
    assert_eq!(parsed(&["image", "diff", &three, &own.name, "--json"]), json!([]));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_is_as_published_is_counted_and_what_is_not_is_an_object_for_each_fault() {
    let (own, _) = two("told-verify");
    let (name, entries) = (format!("{}@2", own.name), counts(&own, 2).0);
    assert_eq!(jailbase(["image", "verify", &own.name]).well(), format!("{name}: {entries} entries, all as published\n"));
    assert_eq!(parsed(&["image", "verify", &own.name, "--json"]), json!([]));
    fs::write(own.file(2, "data/word"), "three").unwrap();
    fs::write(own.file(2, "lib/new"), "").unwrap();
    let object = |path: &str, what: &str| json!({ "image": name, "path": path, "what": what });
    let Said { code, out, err } = jailbase(["image", "verify", &own.name, "--json"]);
    let faults = json!([object("data/word", "holds something else: 5 bytes instead of 6"), object("lib/new", "is new")]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (125, faults), "{err}");
    let told = jailbase(["image", "verify", &name]).out;
    assert_eq!(told, format!("{name}: 2 faults\n  /data/word: holds something else: 5 bytes instead of 6\n  /lib/new: is new\n"));
    jailbase(["image", "verify", &format!("{}@1", own.name)]).well();
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_collection_without_a_name_goes_through_all_images() {
    // In a generation each: three, of which the youngest is in service, and two, of which the elder is again.
    let (first, _, _) = Own::of_words("told-gc-a", &["one", "two", "three"]);
    let (second, _) = two("told-gc-b");
    jailbase(["image", "rollback", &second.name]).well();
    let digests = [&first, &second].map(Own::digest);
    // What others have meanwhile is not to go, so nothing is done.
    let said = jailbase(["image", "gc", "--dry-run"]);
    if tells(&first) {
        let own = |line: &&str| line.starts_with("t-told-gc-");
        let lines: Vec<&str> = said.out.lines().filter(own).collect();
        assert_eq!((said.code, &lines[..]), (0, &["t-told-gc-a@1 would be removed", "t-told-gc-b@2 would be removed"][..]));
        let all = jailbase(["image", "gc", "--dry-run", "--keep", "0"]).well();
        let lines: Vec<&str> = all.lines().filter(own).collect();
        let elder = ["t-told-gc-a@1 would be removed", "t-told-gc-a@2 would be removed", "t-told-gc-b@2 would be removed"];
        assert_eq!(lines, elder);
    } else {
        said.no(77, "this kernel cannot say which generations live jails use");
    }
    assert_eq!([&first, &second].map(Own::digest), digests);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_nobody_can_say_what_live_jails_use_nothing_is_collected() {
    let own = Own::new("told-gc-blind");
    system(&own.place.join("system"), "one");
    let build = format!("{} image build blind --from dir:{}/system", program("jailbase").display(), own.place.display());
    let script = format!(
        "set -e; mount -t tmpfs -o mode=755 none {STATE}; {build}; {build}; {build}\n\
         {} image gc --keep 0 && exit 1; ls {STATE}/images/blind; {} image gc blind --keep 0",
        program("jailbase").display(),
        program("jailbase").display()
    );
    let words = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c", &script];
    let done = Said::of(&Command::new("unshare").args(words).output().unwrap());
    assert_eq!((done.code, done.err.lines().count()), (77, 2), "{}{}", done.out, done.err);
    assert!(done.err.lines().all(|line| line.ends_with("; nothing was removed")), "{}", done.err);
    assert!(done.out.ends_with("\n1\n2\n3\ncurrent\nlast\n"), "{}", done.out);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_wrong_word_that_is_no_text_is_answered_in_one_line_with_the_help_of_its_command() {
    for (words, command) in [
        (&[&b"image"[..], b"\xff"][..], "jailbase image"),
        (&[b"image", b"verify", b"--\xff"], "jailbase image verify"),
        (&[b"user", b"add", b"\xff", b"--network", b"hots"], "jailbase user add"),
    ] {
        jailbase(words.iter().map(|word| OsStr::from_bytes(word))).no(64, &format!("; see {command} --help"));
    }
}
