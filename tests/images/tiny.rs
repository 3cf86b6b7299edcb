//! The smallest system: one static program, which says what a file holds, or changes that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

/// Names the compiled program to the copies of a test.
pub const COMPILED: &str = "JAIL_TINY_PROGRAM";

/// Says what /data/word holds; with a further word, once for each line it reads; with two, it writes
/// the second there, with three after so many seconds; if the first is `end`, it ends with the second.
const SAY: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int say(void) {
    char text[100];
    FILE *file = fopen("/data/word", "r");
    if (!file || !fgets(text, sizeof text, file)) return 1;
    fclose(file);
    puts(text);
    return fflush(stdout);
}
static int write_word(const char *word) {
    FILE *file = fopen("/data/word", "w");
    return !file || fputs(word, file) == EOF || fclose(file) ? 1 : 0;
}
int main(int count, char **words) {
    char line[10];
    if (count < 2) return say();
    if (count > 2 && !strcmp(words[1], "end")) return atoi(words[2]);
    if (count > 3) sleep(atoi(words[3]));
    if (count > 2) return write_word(words[2]);
    while (fgets(line, sizeof line, stdin)) if (say()) return 1;
    return 0;
}
"#;

/// The program, compiled once. A copy of a test has it from the test: several at once must not write the same file.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(compiled) = std::env::var_os(COMPILED) {
            return compiled.into();
        }
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jail-images-say");
        let (source, program) = (place.with_extension("c"), place.clone());
        fs::write(&source, SAY).unwrap();
        let done = Command::new("gcc").args(["-static", "-O1", "-o"]).arg(&program).arg(&source).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::remove_file(source).unwrap();
        program
    })
}

/// Makes the system below a directory, with this word.
pub fn system(dir: &Path, word: &str) {
    for part in ["bin", "data", "etc", "lib"] {
        fs::create_dir_all(dir.join(part)).unwrap();
    }
    fs::copy(program(), dir.join("bin/say")).unwrap();
    fs::write(dir.join("data/word"), word).unwrap();
    fs::write(dir.join("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
    for number in 0..20 {
        fs::write(dir.join(format!("lib/{number}")), format!("{number}\n").repeat(1000)).unwrap();
    }
    // A file that did not change has the date it had.
    for name in ["bin/say".into(), "etc/hosts".into()].into_iter().chain((0..20).map(|number| format!("lib/{number}"))) {
        let file = fs::File::options().write(true).open(dir.join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    }
}
