//! The setuid program as a file: how it is hardened, and what of the C library came with it.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use common::program;
use common::user::User;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

fn said(tool: &str, words: &[&str]) -> String {
    let done = Command::new(tool).args(words).env("LC_ALL", "C").output().unwrap();
    assert!(done.status.success(), "{tool} {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn readelf(what: &str, name: &str) -> String {
    said("readelf", &["-W", what, program(name).to_str().unwrap()])
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn it_is_a_static_pie_that_no_loader_touches() {
    let (header, segments, dynamic) = (readelf("-h", "trampoline"), readelf("-l", "trampoline"), readelf("-d", "trampoline"));
    assert!(header.contains("DYN (Position-Independent Executable file)"), "{header}");
    assert!(!segments.contains("INTERP") && !segments.contains("interpreter"), "{segments}");
    for tag in ["NEEDED", "RPATH", "RUNPATH", "TEXTREL", "SONAME"] {
        assert!(!dynamic.contains(tag), "{tag}: {dynamic}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn its_tables_are_read_only_its_stack_is_not_executable_and_nothing_is_both_written_and_executed() {
    for name in ["trampoline", "reaper", "jailbase"] {
        let (segments, dynamic) = (readelf("-l", name), readelf("-d", name));
        assert!(dynamic.contains("BIND_NOW") && dynamic.contains("NOW PIE"), "{name}: {dynamic}");
        assert!(!dynamic.contains("TEXTREL"), "{name}: {dynamic}");
        let flags = |kind: &str| -> Vec<String> {
            let rows = segments.lines().map(str::trim).filter(|line| line.starts_with(kind));
            // The flags stand between the sixth column and the last, with blanks for those that are off.
            rows.map(|row| row.split_whitespace().skip(6).filter(|word| word.chars().all(|c| "RWE".contains(c))).collect())
                .collect()
        };
        assert_eq!(flags("GNU_STACK"), ["RW"], "{name}");
        assert_eq!(flags("GNU_RELRO"), ["R"], "{name}");
        let loaded = flags("LOAD");
        assert!(loaded.len() >= 3 && loaded.iter().all(|f| !(f.contains('W') && f.contains('E'))), "{name}: {segments}");
        // Full: the table of addresses of functions lies within what becomes read-only.
        let mapping = segments.split_once("Segment Sections...").unwrap().1;
        let relro =
            mapping.lines().filter(|row| row.contains(".data.rel.ro") && row.contains(".dynamic") && row.contains(".got"));
        assert!(relro.clone().any(|row| !row.contains(".data ") && !row.contains(".bss")), "{name}: {mapping}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn it_names_no_symbol_and_no_place_of_whoever_built_it() {
    let sections = readelf("-S", "trampoline");
    assert!(!sections.contains(".symtab") && !sections.contains(".debug_"), "{sections}");
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    for name in ["trampoline", "reaper", "jailbase"] {
        let bytes = std::fs::read(program(name)).unwrap();
        for place in [env!("CARGO_MANIFEST_DIR"), &cargo] {
            assert!(!bytes.windows(place.len()).any(|window| window == place.as_bytes()), "{name} names {place}");
        }
    }
}

/// Functions by which a program loads code, asks for names, or lets the environment name files; of each family the ends that
/// every caller of it needs.
const UNWANTED: &[&str] = &[
    "dlopen",
    "dlmopen",
    "dlsym",
    "dlvsym",
    "_dl_open",
    "__libc_dlopen_mode",
    "setlocale",
    "newlocale",
    "_nl_find_locale",
    "__gconv_open",
    "__gconv_find_shlib",
    "iconv_open",
    "gettext",
    "bindtextdomain",
    "catopen",
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getgrnam",
    "getgrnam_r",
    "getgrgid",
    "getgrgid_r",
    "getgrouplist",
    "initgroups",
    "getlogin",
    "getaddrinfo",
    "gethostbyname",
    "getservbyname",
    "__nss_lookup_function",
    "__nss_database_get",
    "res_init",
    "__tzfile_read",
    "localtime_r",
    "system",
    "popen",
    "posix_spawn",
    "execvp",
    "execlp",
    "wordexp",
    "glob",
    "tempnam",
    "tmpnam",
    "mktemp",
    "syslog",
    "openlog",
];

fn unwanted(symbols: &str) -> BTreeSet<&'static str> {
    // A symbol ends its line, in the list of nm and in the map of either linker.
    let words: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
    UNWANTED.iter().copied().filter(|name| words.contains(name) || words.contains(format!("__{name}").as_str())).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn of_the_c_library_it_holds_nothing_unwanted_that_an_empty_program_does_not_hold() {
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/target/check/trampoline.map");
    let map = std::fs::read_to_string(map).unwrap_or_else(|e| panic!("{map}: {e}; make programs-for-check writes it"));
    assert!(map.contains("setresuid") && map.contains("openat"), "this is no map of the setuid program");
    let own = unwanted(&map);

    // The start of a static program of glibc brings its messages, those their translation, and that its loader.
    let dir = std::env::temp_dir().join(format!("trampoline-empty-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let (source, empty) = (dir.join("empty.c"), dir.join("empty"));
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    said("gcc", &["-O1", "-static-pie", "-o", empty.to_str().unwrap(), source.to_str().unwrap()]);
    let brought = unwanted(&said("nm", &[empty.to_str().unwrap()]));
    std::fs::remove_dir_all(dir).unwrap();

    println!("unwanted in trampoline: {own:?}; in an empty program: {brought:?}");
    assert!(own.is_subset(&brought), "{:?}", own.difference(&brought));
    // Known by name, so that a C library that brings more is noticed.
    let known = ["__gconv_find_shlib", "__gconv_open", "__libc_dlopen_mode", "_dl_open", "dlmopen", "dlopen", "dlsym", "dlvsym"];
    assert!(own.iter().all(|name| known.contains(name)), "{own:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn while_it_waits_it_maps_no_file_but_itself_and_nothing_that_is_written_and_executed() {
    let user = User::new();
    let mut child = Command::new(program("trampoline"))
        .args([&user.name, "--", "sh", "-c", "echo; read x"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(maps.lines().count() > 3, "{maps}");
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (rights, path) = (fields.nth(1).unwrap(), fields.nth(3).unwrap_or_default());
        assert!(!rights.contains("wx"), "{line}");
        assert!(!path.starts_with('/') || path == program("trampoline").to_str().unwrap(), "{line}");
    }
}
