//! What lets shells complete our words, as `make install` leaves it, in the shells themselves.

use crate::common::program;
use crate::common::screen::Screen;
use crate::{Place, shell};
use std::sync::{Mutex, PoisonError};

/// The installed files, below a place of a test's own.
fn installed(place: &Place) -> String {
    let to = place.path("root");
    // Whoever installs may let nobody else read what is new; what is installed can be read all the same.
    shell(&format!("umask 077; make -s install OUT=target/check/release DESTDIR={to} PREFIX=/usr MODE=0755 GROUP=root"));
    to
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn what_is_installed_is_removed_again() {
    let place = Place::new("install");
    let to = installed(&place);
    let files = || shell(&format!("cd {to} && find . ! -type d | sort"));
    assert_eq!(shell(&format!("find {to}/usr ! -perm -044")), "", "everybody can read it");
    for file in [
        "usr/share/bash-completion/completions/jailbase",
        "usr/share/bash-completion/completions/trampoline",
        "usr/share/zsh/site-functions/_reaper",
        "usr/share/fish/vendor_completions.d/jailbase.fish",
        "usr/share/man/man5/trampoline-policy.5",
        "usr/sbin/jailbase",
    ] {
        assert!(files().lines().any(|line| line == format!("./{file}")), "{file} is not in\n{}", files());
    }
    let kept = shell(&format!("grep -rl /usr/local/bin/trampoline {to}/usr/share/doc/trampoline/examples || true"));
    assert_eq!(kept, "", "the examples name the programs where they are");
    shell(&format!("make -s uninstall DESTDIR={to} PREFIX=/usr"));
    assert_eq!(files(), "");
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn only_the_web_servers_group_may_execute_what_is_installed_unless_somebody_says_otherwise() {
    let place = Place::new("mode");
    let to = place.path("root");
    let installed = |words: &str| {
        shell(&format!("umask 077; make -s install OUT=target/check/release DESTDIR={to} {words}"));
        shell(&format!("stat -c '%a %U:%G' {to}/usr/local/bin/trampoline")).trim().to_owned()
    };
    assert_eq!(installed(""), "4750 root:www-data");
    assert_eq!(installed("MODE=4755 GROUP=root"), "4755 root:root");
    assert_eq!(shell(&format!("grep -rl @PREFIX@ {to} || true")), "", "a place is not named");
    let units = shell(&format!("cd {to}/usr/local && cat lib/systemd/system/* share/doc/trampoline/cron.example"));
    assert!(units.matches("/usr/local/sbin/reaper").count() >= 2, "{units}");
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn whoever_builds_the_programs_gets_the_words_without_being_root() {
    let place = Place::new("anybody");
    shell(&format!("chmod 755 {0} && cp {1} {0}/", place.path(""), program("jailbase").display()));
    let said = shell(&format!("setpriv --reuid 65534 --regid 65534 --clear-groups {} completions bash", place.path("jailbase")));
    assert!(said.contains("complete -F _jailbase") && said.contains("--remove-home"), "{}", said.len());
}

/// What is typed, and what the shell makes of it at the key.
const TYPED: [(&str, &str); 19] = [
    ("jailbase user sy", "jailbase user sync"),
    ("jailbase user set x --open", "jailbase user set x --open-files"),
    ("jailbase image bui", "jailbase image build"),
    ("jailbase image upd", "jailbase image update"),
    ("jailbase user set t2999", "jailbase user set t29999"),
    ("jailbase user set t29999 --image hos", "jailbase user set t29999 --image host"),
    ("jailbase explain t2999", "jailbase explain t29999"),
    ("jailbase kill t2999", "jailbase kill t29999"),
    ("reaper --met", "reaper --metrics"),
    ("trampoline --expl", "trampoline --explain"),
    ("trampoline t2999", "trampoline t29999"),
    ("trampoline --ensure t2999", "trampoline --ensure t29999"),
    ("reaper --drain t2999", "reaper --drain t29999"),
    ("jailbase -q user rm t2999", "jailbase -q user rm t29999"),
    ("jailbase kill --wait 5 t2999", "jailbase kill --wait 5 t29999"),
    ("jailbase image build x --from ho", "jailbase image build x --from host"),
    ("jailbase image build x --from deb", "jailbase image build x --from debian:"),
    ("jailbase image build x --from tar:/usr/lib/os-rel", "jailbase image build x --from tar:/usr/lib/os-release"),
    ("jailbase image build x --from dir:/usr/inclu", "jailbase image build x --from dir:/usr/include/"),
];

/// A user to be found; the uid is the last of the tests', which nobody else gets as far as.
struct Last;

impl Last {
    fn new() -> Self {
        crate::common::image::host();
        let add = "user add t29999 --uid 29999 --gid 29999 --home /home/t29999 --create-home --shell /bin/sh";
        shell(&format!("{} -q {add}", program("jailbase").display()));
        Self
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        shell(&format!("{} -q user rm t29999 --purge --remove-home", program("jailbase").display()));
    }
}

/// There is one such user for all tests, so one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn completes(screen: &Screen) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _last = Last::new();
    for (typed, whole) in TYPED {
        screen.types(typed, &["Tab"]);
        screen.shows(whole);
        screen.types("", &["C-c"]);
        screen.types("clear", &["Enter"]);
        screen.shows("ready>");
    }
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn bash_completes_commands_options_and_users() {
    let place = Place::new("bash");
    let words = installed(&place) + "/usr/share/bash-completion/completions";
    let files = ["trampoline", "reaper", "jailbase"].map(|program| format!("{words}/{program}"));
    assert_eq!(shell(&format!("bash --norc -uc 'for file in {}; do source $file; done' 2>&1", files.join(" "))), "");
    std::fs::write(place.path("rc"), format!("for file in {}; do source $file; done\nPS1='ready> '\n", files.join(" "))).unwrap();
    let screen = Screen::new(80, &format!("bash --rcfile {} -i", place.path("rc")));
    screen.shows("ready>");
    completes(&screen);
}

/// What bash's function for a program offers at the end of a line whose last word has no sign that bash takes words apart at.
fn offered(files: &str, line: &str) -> Vec<String> {
    let program = line.split(' ').next().unwrap();
    let script = format!(
        "source {files}/{program}; COMP_LINE='{line}' COMP_POINT=${{#COMP_LINE}}; read -ra COMP_WORDS <<<\"$COMP_LINE\"; \
         [[ $COMP_LINE != *' ' ]] || COMP_WORDS+=(''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         $(complete -p {program} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {program} \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\" 2>/dev/null; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let said = shell(&format!("PATH={}:$PATH\n{script}", program_dir()));
    said.lines().filter(|line| !line.is_empty() && !line.starts_with('-')).map(str::to_owned).collect()
}

fn program_dir() -> String {
    program("").display().to_string()
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn where_a_user_with_a_jail_is_meant_no_other_account_and_no_file_is_offered() {
    let place = Place::new("users");
    let files = installed(&place) + "/usr/share/bash-completion/completions";
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _last = Last::new();
    let all = |what: &str| {
        ["stat", "ps", "explain", "du", "enter", "kill", "log", "user set", "user show", "user rm"]
            .map(|verb| format!("jailbase {verb} {what}"))
            .into_iter()
            .chain(
                ["trampoline ", "trampoline --ensure ", "trampoline --explain ", "reaper --drain "]
                    .map(|line| format!("{line}{what}")),
            )
    };
    for line in all("") {
        let offered = offered(&files, &line);
        assert!(
            offered.contains(&"t29999".to_owned()) && offered.iter().all(|name| name.starts_with('t')),
            "{line}: {offered:?}"
        );
    }
    // The first letters of accounts and of files of the directory it runs in.
    for line in ["ro", "www", "dae", "src", "Car"].into_iter().flat_map(all) {
        assert_eq!(offered(&files, &line), [] as [&str; 0], "{line}");
    }
    // One user is enough, and behind -- comes a program.
    for line in ["jailbase explain t29999 t2999", "jailbase user set t29999 --memory t2999"] {
        assert_eq!(offered(&files, line), [] as [&str; 0], "{line}");
    }
    assert_eq!(offered(&files, "jailbase image build x --from "), ["host", "debian:", "tar:", "dir:", "oci:"]);
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn zsh_completes_commands_options_and_users() {
    let place = Place::new("zsh");
    let words = installed(&place) + "/usr/share/zsh/site-functions";
    // zsh takes no functions from where others than root and itself write.
    shell(&format!("chmod -R go-w {}", place.path("")));
    let rc = format!("fpath=({words} $fpath)\nautoload -U compinit\ncompinit -u -D\nPS1='ready> '\n");
    std::fs::write(place.path(".zshrc"), rc).unwrap();
    let screen = Screen::new(80, &format!("env ZDOTDIR={} zsh -d -i", place.path("")));
    screen.shows("ready>");
    completes(&screen);
}

#[test]
#[ignore = "needs root and the shells: make check"]
fn fish_completes_commands_options_and_users() {
    let place = Place::new("fish");
    let words = installed(&place) + "/usr/share/fish/vendor_completions.d";
    let home = place.path("home");
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _last = Last::new();
    for (typed, whole) in TYPED {
        let (programs, program) = (program("").display().to_string(), typed.split(' ').next().unwrap());
        let line = format!("source {words}/{program}.fish; complete -C \"{typed}\"");
        let offered = shell(&format!("HOME={home} PATH={programs}:$PATH fish --no-config --private -c '{line}' 2>&1"));
        let last = whole.rsplit(' ').next().unwrap();
        assert!(offered.lines().any(|line| line.split('\t').next() == Some(last)), "{typed}: {offered}");
    }
}
