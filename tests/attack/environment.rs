//! Variables that led other programs astray: those that reach trampoline, and those that would reach the program.

use crate::common::call::Call;
use crate::common::user::User;
use crate::common::{log, process, program};
use std::process::Command;

/// Names that loaders, libraries, interpreters, shells, pagers, editors, resolvers and their like read, or that speak for
/// somebody else's session.
const NAMES: &str = "
LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_DEBUG LD_DEBUG_OUTPUT LD_PROFILE LD_PROFILE_OUTPUT LD_ORIGIN_PATH LD_BIND_NOW LD_BIND_NOT
LD_SHOW_AUXV LD_USE_LOAD_BIAS LD_DYNAMIC_WEAK LD_HWCAP_MASK LD_PREFER_MAP_32BIT_EXEC LD_VERBOSE LD_WARN LD_TRACE_LOADED_OBJECTS
GLIBC_TUNABLES GCONV_PATH GETCONF_DIR LOCPATH NLSPATH HOSTALIASES LOCALDOMAIN RES_OPTIONS RESOLV_HOST_CONF RESOLV_ADD_TRIM_DOMAINS
RESOLV_OVERRIDE_TRIM_DOMAINS RESOLV_MULTI RESOLV_SPOOF_CHECK TZ TZDIR TMPDIR TMP TEMP TEMPDIR MALLOC_TRACE MALLOC_CHECK_ MALLOC_PERTURB_
MALLOC_ARENA_MAX NIS_PATH POSIXLY_CORRECT COLUMNS LINES ARGV0 AUTHSTATE
IFS ENV BASH_ENV BASH_OPTS BASH_LOADABLES_PATH SHELLOPTS BASHOPTS PS1 PS2 PS3 PS4 PROMPT_COMMAND CDPATH GLOBIGNORE FPATH NULLCMD
READNULLCMD ZDOTDIR KSH_ENV HISTFILE MAIL MAILPATH MAILCHECK FIGNORE FCEDIT HISTCONTROL INPUTRC JAVA_TOOL_OPTIONS
PERLLIB PERL5LIB PERL5OPT PERL5DB PERL5SHELL PERL_UNICODE PERLIO PERLIO_DEBUG PERL_HASH_SEED PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT
PYTHONUSERBASE PYTHONEXECUTABLE PYTHONWARNINGS PYTHONBREAKPOINT PYTHONIOENCODING PYTHONPYCACHEPREFIX PYTHONDEBUG RUBYLIB RUBYOPT RUBYSHELL
GEM_HOME GEM_PATH BUNDLE_GEMFILE NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE NODE_EXTRA_CA_CERTS NPM_CONFIG_PREFIX LUA_INIT LUA_PATH
LUA_CPATH PHPRC PHP_INI_SCAN_DIR CLASSPATH JAVA_HOME JDK_JAVA_OPTIONS _JAVA_OPTIONS JAVA_OPTS MAVEN_OPTS GOPATH GOROOT GOFLAGS GODEBUG GOTRACEBACK
CARGO_HOME RUSTUP_HOME RUSTC_WRAPPER RUSTFLAGS RUST_BACKTRACE RUST_LIB_BACKTRACE RUST_LOG RUST_MIN_STACK ERL_LIBS R_PROFILE R_ENVIRON R_LIBS
OCAMLRUNPARAM GUILE_LOAD_PATH TCLLIBPATH EMACSLOADPATH VIMINIT EXINIT VIM EDITOR VISUAL SUDO_EDITOR PAGER MANPAGER LESS LESSOPEN LESSCLOSE
LESSKEY LESSSECURE MORE GIT_SSH GIT_SSH_COMMAND GIT_PAGER GIT_EDITOR GIT_EXEC_PATH GIT_DIR GIT_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_COUNT
GIT_PROXY_COMMAND GIT_ASKPASS GIT_TEMPLATE_DIR GIT_EXTERNAL_DIFF SSH_ASKPASS SSH_AUTH_SOCK SSH_CONNECTION SSH_ORIGINAL_COMMAND RSYNC_RSH CVS_RSH
SVN_SSH TAR_OPTIONS GZIP XZ_OPT ZIPOPT UNZIP GREP_OPTIONS MAKEFLAGS MFLAGS MAKEFILES CC CXX CFLAGS LDFLAGS COMPILER_PATH GCC_EXEC_PREFIX
LIBRARY_PATH CPATH C_INCLUDE_PATH PKG_CONFIG_PATH BROWSER DISPLAY WAYLAND_DISPLAY XAUTHORITY XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_DIRS
XDG_CONFIG_DIRS XDG_SEAT XDG_VTNR XDG_SESSION_ID DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
LISTEN_FDNAMES WATCHDOG_USEC WATCHDOG_PID INVOCATION_ID JOURNAL_STREAM CREDENTIALS_DIRECTORY SYSTEMD_EXEC_PID MAINPID KRB5CCNAME KRB5_CONFIG KRB5_KTNAME
KRB5_CLIENT_KTNAME GPG_AGENT_INFO GNUPGHOME OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES SSLKEYLOGFILE SSL_CERT_FILE SSL_CERT_DIR CURL_HOME
CURL_CA_BUNDLE WGETRC NETRC http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY HTTP_HOST HTTP_COOKIE
HTTP_AUTHORIZATION REMOTE_USER QUERY_STRING PATH_INFO SCRIPT_NAME CONTENT_LENGTH GATEWAY_INTERFACE DATABASE_URL DB_PASSWORD MYSQL_PWD
PGPASSWORD PGPASSFILE AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID SECRET_KEY API_TOKEN VAULT_TOKEN KUBECONFIG DOCKER_HOST DOCKER_CONFIG
LIBMOUNT_MTAB LIBMOUNT_FSTAB LIBMOUNT_FORCE_MOUNT2 LIBMOUNT_DEBUG MODPROBE_OPTIONS LVM_SYSTEM_DIR DM_DEV_DIR BLKID_FILE BLKID_CONF
TERMINFO TERMINFO_DIRS TERMCAP TERMPATH NCURSES_NO_PADDING SCREENDIR SHELL HOME USER LOGNAME USERNAME PATH PWD OLDPWD MANPATH UID EUID
SUDO_COMMAND SUDO_USER SUDO_UID SUDO_GID SUDO_ASKPASS SUDO_PS1 PKEXEC_UID DOAS_USER GCC_COLORS LS_COLORS CHARSET OUTPUT_CHARSET
FAKEROOTKEY FAKECHROOT ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS LLVM_PROFILE_FILE GCOV_PREFIX GMON_OUT_PREFIX
";

fn usual(user: &User) -> Vec<String> {
    let mut all = vec![
        format!("HOME={}", user.home),
        format!("LOGNAME={}", user.name),
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games".into(),
        "SHELL=/bin/sh".into(),
        format!("USER={}", user.name),
    ];
    all.sort();
    all
}

fn entries(out: &[u8]) -> Vec<String> {
    let text = String::from_utf8(out.to_vec()).unwrap();
    let mut all: Vec<String> = text.split('\0').filter(|e| !e.is_empty()).map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn names_that_led_programs_astray_do_not_come_in_whatever_their_value() {
    let user = User::new();
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    for value in ["/tmp/x", "C", "() { :; }; echo no", "glibc.malloc.mxfast=glibc.malloc.mxfast=A", "", "1"] {
        let pairs: Vec<(&str, &str)> = names.iter().map(|name| (*name, value)).collect();
        let done = user.call(&["env", "-0"]).env(&pairs).run();
        assert_eq!(entries(&done.out), usual(&user), "{value:?}: {}", done.err);
    }
    println!("{} names, 6 values", names.len());
    assert!(names.len() >= 200);
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn doubled_nameless_and_odd_entries_come_in_once_or_not_at_all() {
    let user = User::new();
    let path = program("trampoline").to_str().unwrap().to_owned();
    let odd: Vec<Vec<u8>> = [
        &b"LANG=C"[..],
        b"LANG=POSIX",
        b"LANG=/tmp/x",
        b"TERM=xterm",
        b"TERM=",
        b"TERM",
        b"=TERM=vt100",
        b"=",
        b"",
        b"==",
        b"LC_=C",
        b"LC_ALL",
        b"LC_A=C=D",
        b"LC_ALL=C",
        b"LC_ALL=() { :; }",
        b"LC_\xff=C",
        b"LC_ALL \t=C",
        b" LC_ALL=x",
        b"LC_CTYPE=\xff\xfe",
        b"LC_TIME=C\nLD_PRELOAD=/x",
        b"LC_LONGER_THAN_ANY_NAME_OF_A_CATEGORY=C",
        b"lc_all=C",
        b"LANGUAGE=de:en",
        b"LANGUAGE=de:en",
        b"HOME=/root",
        b"HOME=/etc",
        b"PATH=/tmp",
    ]
    .map(<[u8]>::to_vec)
    .into();
    let words = [path.clone(), user.name.clone(), "--".into(), "env".into(), "-0".into()];
    let done = Call::of("/bin/true", [""; 0])
        .after(move || Err(process::execute_with(&path, &words.each_ref().map(String::as_str), &odd)))
        .run();
    let mut expected = usual(&user);
    expected.extend(["LANG=POSIX", "TERM=xterm", "LC_=C", "LC_ALL=C", "LANGUAGE=de:en"].map(str::to_owned));
    expected.sort();
    assert_eq!(entries(&done.out), expected, "{}", done.err);
}

/// A library that writes down in which program it was loaded.
const TATTLER: &str = "
#include <fcntl.h>
#include <unistd.h>
unsigned int la_version(unsigned int v) { return v; }
__attribute__((constructor)) static void tell(void) {
    char name[256];
    long n = readlink(\"/proc/self/exe\", name, sizeof name);
    int fd = open(\"PLACE/told\", O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd >= 0 && n > 0) { write(fd, name, n); write(fd, \"\\n\", 1); }
}
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_library_that_the_environment_names_is_loaded_neither_into_it_nor_into_the_program() {
    let user = User::new();
    // Where everybody can write, on the host and inside.
    let place = user.in_home("place");
    std::fs::create_dir(&place).unwrap();
    std::fs::set_permissions(&user.home, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let at = |name: &str| place.join(name).to_str().unwrap().to_owned();
    std::fs::write(at("t.c"), TATTLER.replace("PLACE", place.to_str().unwrap())).unwrap();
    assert!(Command::new("gcc").args(["-shared", "-fPIC", "-o", &at("t.so"), &at("t.c")]).status().unwrap().success());
    for name in ["libnss_files.so.2", "libnss_compat.so.2", "libc.so.6", "gconv-modules.so", "UTF-16.so"] {
        std::fs::copy(at("t.so"), at(name)).unwrap();
    }
    std::fs::write(at("gconv-modules"), "module INTERNAL UTF-8// UTF-16 1\nmodule UTF-8// INTERNAL UTF-16 1\n").unwrap();
    let (so, dir) = (at("t.so"), place.to_str().unwrap().to_owned());
    let variables = [
        ("LD_PRELOAD", so.as_str()),
        ("LD_AUDIT", &so),
        ("LD_LIBRARY_PATH", &dir),
        ("LD_PROFILE_OUTPUT", &dir),
        ("LD_PROFILE", "libc.so.6"),
        ("GCONV_PATH", &dir),
        ("LOCPATH", &dir),
        ("NLSPATH", &so),
        ("GLIBC_TUNABLES", "glibc.rtld.nns=9:glibc.malloc.mxfast=glibc.malloc.mxfast=A"),
        ("LC_ALL", "de_DE.UTF-16"),
        ("TZ", &so),
        ("HOSTALIASES", &so),
        ("OPENSSL_CONF", &so),
    ];
    // The bait works: an ordinary program takes it, and so does one inside whose caller asks for that.
    let told = || std::fs::read_to_string(at("told")).unwrap_or_default();
    Call::of("/bin/true", [""; 0]).env(&[("LD_PRELOAD", &so)]).run().well();
    assert!(told().contains("true"), "the library does not tell");
    std::fs::remove_file(at("told")).unwrap();
    Call::new(["-e", &format!("LD_PRELOAD={so}"), &user.name, "--", "true"]).run().well();
    assert!(told().contains("true"), "the library does not tell inside");
    std::fs::remove_file(at("told")).unwrap();
    crate::common::seen::take_down(user.uid);
    for words in [
        &["--policy"][..],
        &["--explain", &user.name],
        &["--ensure", &user.name],
        &[&user.name, "--", "id", "-u"],
        &["--nope"],
        &["nobody-here", "--", "id"],
    ] {
        Call::new(words).env(&variables).run();
        Call::new(words).env(&variables).by(0, 0).run();
    }
    assert_eq!(told(), "", "it was loaded");
    let left: Vec<String> = std::fs::read_dir(&place).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left.len(), 8, "something else was written there: {left:?}");
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn what_it_answers_and_decides_is_the_same_under_every_environment() {
    let user = User::new();
    let _quiet = crate::common::sweep::none();
    let poisons: [Vec<(&str, &str)>; 3] = [
        vec![
            ("RUST_BACKTRACE", "full"),
            ("RUST_LIB_BACKTRACE", "1"),
            ("RUST_LOG", "trace"),
            ("RUST_MIN_STACK", "garbage"),
            ("LANG", "de_DE.UTF-8"),
            ("LC_ALL", "tr_TR.UTF-8"),
        ],
        vec![
            ("SUDO_UID", "0"),
            ("USER", "root"),
            ("LOGNAME", "root"),
            ("HOME", "/root"),
            ("UID", "0"),
            ("XDG_SEAT", "seat0"),
            ("XDG_VTNR", "1"),
            ("TZ", ":/etc/shadow"),
        ],
        vec![
            ("LINES", "1"),
            ("COLUMNS", "1"),
            ("TERM", "../../etc/shadow"),
            ("TMPDIR", "/root"),
            ("POSIXLY_CORRECT", "1"),
            ("MALLOC_CHECK_", "3"),
            ("RUST_MIN_STACK", "18446744073709551615"),
        ],
    ];
    let of = |words: &[&str], by: u32, variables: &[(&str, &str)]| {
        let done = Call::new(words).by(by, 33).env(variables).run();
        let lines = log::of(&done);
        (done.code(), done.text(), done.err, lines)
    };
    let name = user.name.as_str();
    for by in [33, 34, user.uid] {
        for words in [
            &["--policy"][..],
            &["--help"],
            &["--explain", name],
            &["--ensure", name],
            &[name, "--", "id"],
            &["--nope"],
            &["0", "--", "id"],
            &[name, "--", "no-such"],
        ] {
            let clean = of(words, by, &[]);
            for poison in &poisons {
                let (code, out, err, _) = of(words, by, poison);
                assert_eq!((code, out, err), (clean.0, clean.1.clone(), clean.2.clone()), "{words:?} by {by} under {poison:?}");
            }
        }
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn an_environment_of_megabytes_neither_overruns_anything_nor_comes_in() {
    let user = User::new();
    let long = "x".repeat(130_000);
    for size in [1, 5, 14] {
        for limit in [8 << 20, libc::RLIM_INFINITY] {
            let names: Vec<String> = (0..size).map(|i| format!("LC_{i}")).collect();
            let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
            let done = user.call(&["env", "-0"]).env(&pairs).after(move || process::soft_limit(libc::RLIMIT_STACK, limit)).run();
            assert_eq!(entries(&done.out), usual(&user), "{size} values: {}", done.err);
        }
    }
}
