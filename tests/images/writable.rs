//! What everybody could write: closed without a word in the places where a running system has that, refused anywhere else.

use super::packing::{Header, Tar};
use super::tiny::system;
use super::{Own, jailbase};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// A place where everybody may write on a running system, and places beside it, over it or in it where nobody may.
const PLACES: [(&str, [&str; 3]); 6] = [
    ("tmp", ["temp", "tmp/.X11-unix", "opt/tmp"]),
    ("var/tmp", ["var/temp", "var", "var/tmp/tmp"]),
    ("dev/shm", ["dev/shm2", "dev/mqueue", "dev"]),
    ("run/lock", ["run/locks", "run", "run/lock/subsys"]),
    ("run/shm", ["run/shm.d", "run/user", "shm"]),
    ("var/lock", ["var/lock2", "var/mail", "lock"]),
];

const FAULT: &str = "can be written by others than root; chmod go-w it where the image is made from, or give --mend";

/// An archive with this directory, which everybody may write.
fn packed(own: &Own, place: &str) -> String {
    let file = own.place.join("archive");
    let open = Header { name: place.into(), kind: b'5', mode: 0o1777, size: 0, link: Vec::new() };
    fs::write(&file, Tar::default().file("data").header(&open).end()).unwrap();
    format!("tar:{}", file.display())
}

/// A directory with the same.
fn plain(own: &Own, place: &str) -> String {
    let source = own.place.join("system");
    drop(fs::remove_dir_all(&source));
    system(&source, "one");
    fs::create_dir_all(source.join(place)).unwrap();
    fs::set_permissions(source.join(place), Permissions::from_mode(0o1777)).unwrap();
    format!("dir:{}", source.display())
}

fn mode(own: &Own, place: &str) -> u32 {
    fs::symlink_metadata(own.file(own.current(), place)).unwrap().permissions().mode() & 0o7777
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_everybody_writes_on_a_running_system_an_image_is_closed_without_a_word() {
    let own = Own::new("writable-listed");
    for (listed, _) in PLACES {
        for from in [packed(&own, listed), plain(&own, listed)] {
            own.clear_image();
            let said = own.build(&from, &[]);
            assert_eq!((said.code, said.err.as_str()), (0, ""), "{from}: {listed}: {}", said.out);
            assert!(!said.out.contains("rights of everybody"), "{from}: {listed}: {}", said.out);
            assert_eq!(mode(&own, listed), 0o755, "{from}: {listed}");
            jailbase(["image", "verify", &own.name]).well();
            // What is open there later was opened by somebody.
            fs::set_permissions(own.file(1, listed), Permissions::from_mode(0o1777)).unwrap();
            let said = jailbase(["image", "verify", &own.name]);
            assert!(said.code == 125 && said.out.contains(&format!("  /{listed}: {FAULT}\n")), "{listed}: {}", said.out);
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_nobody_needs_to_write_a_path_that_is_open_is_refused_with_its_name_or_mended_if_asked() {
    let own = Own::new("writable-beside");
    for place in PLACES.into_iter().flat_map(|(_, beside)| beside) {
        for from in [packed(&own, place), plain(&own, place)] {
            own.clear_image();
            own.build(&from, &[]).no(77, &format!("/{place}: {FAULT}"));
            assert!(!own.dir().exists(), "{from}: {place}");
            let said = own.build(&from, &["--mend"]).well();
            assert!(said.contains("1 rights of everybody to write"), "{from}: {place}: {said}");
            assert_eq!(mode(&own, place), 0o755, "{from}: {place}");
            jailbase(["image", "verify", &own.name]).well();
        }
    }
}
