//! What the system log has of one user.

use crate::common::user::User;
use crate::common::{image, log, program};
use crate::on_a_machine_apart;

/// `jailbase log` on a machine whose `/var/log` has these files, and which runs no journal.
fn log_of(user: &User, files: &[(&str, String)], words: &str) -> (i32, String, String) {
    log_of_word(&user.name, files, words)
}

/// The same for a name or a uid.
fn log_of_word(word: &str, files: &[(&str, String)], words: &str) -> (i32, String, String) {
    image::host();
    let mut script =
        "set -e\nmount -t tmpfs none /var/log; [ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd\n".to_owned();
    for (name, text) in files {
        script += &format!("cat > /var/log/{name} <<'END'\n{text}END\n");
    }
    script += &format!("exec {} log {} {words}", program("jailbase").display(), word);
    let done = on_a_machine_apart(&script);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn the_lines_about_a_user_are_shown_in_their_order_and_made_fit_to_be_shown() {
    let user = User::new();
    let uid = user.uid;
    let older = format!("Nov 21 23:59:59 www trampoline[7]: uid 33 runs /bin/old as uid {uid}\n");
    let younger = format!(
        "2026-11-22T00:00:01+00:00 www trampoline[8]: uid 33 runs /bin/\x1b[2J as uid {uid}\n\
         Nov 22 00:00:02 www trampoline[9]: uid 33 runs uid {uid} as uid 20002\n\
         Nov 22 00:00:03 www sshd[10]: trampoline[1]: uid 33 runs x as uid {uid}\n\
         Nov 22 00:00:04 www reaper[11]: {uid}: unmounted\n"
    );
    let (code, out, err) = log_of(&user, &[("auth.log.1", older.clone()), ("auth.log", younger.clone())], "");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let lines: Vec<&str> = out.lines().skip(1).collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].ends_with("/bin/old as uid {uid}".replace("{uid}", &uid.to_string()).as_str()), "{out}");
    assert!(lines[1].contains("/bin/\\x1b[2J") && lines[2].contains("reaper") && !out.contains('\x1b'), "{out}");
    let (_, out, _) = log_of(&user, &[("auth.log.1", older), ("auth.log", younger)], "--lines 1 --json");
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((said.as_array().unwrap().len(), &said[0]["program"], &said[0]["pid"]), (1, &"reaper".into(), &11.into()));
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn whoever_has_no_jail_has_a_log_if_his_uid_or_an_account_of_his_is_known() {
    let user = User::without_jail();
    let lines = format!(
        "Nov 22 00:00:01 www trampoline[9]: caller uid 33: refused: uid {0} has no jail\n\
         Nov 22 00:00:02 www trampoline[9]: caller uid 33: refused: by-name/daemon is missing\n",
        user.uid
    );
    for (word, code, told) in
        [(user.uid.to_string(), 0, "has no jail"), ("daemon".into(), 0, "by-name/daemon"), (user.name.clone(), 77, "")]
    {
        let (said, out, err) = log_of_word(&word, &[("auth.log", lines.clone())], "");
        assert_eq!((said, out.lines().count()), (code, if code == 0 { 2 } else { 0 }), "{word}: {out}{err}");
        assert!(out.contains(told), "{word}: {out}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_there_is_no_log_it_is_said_where_the_lines_go() {
    let user = User::new();
    let (code, out, err) = log_of(&user, &[], "");
    assert_eq!((code, out.as_str()), (125, ""), "{err}");
    assert!(err.contains("no journal runs") && err.contains(crate::common::LOG), "{err}");
}

/// A machine of its own, as far as processes and mounts go, on which a journal runs, and nothing else has written to it.
const JOURNAL: &str = "set -e
mkdir -p /run/systemd /run/log
for dir in /run/systemd /run/log /var/log; do mount -t tmpfs none $dir; done
/lib/systemd/systemd-journald &
for i in $(seq 200); do [ -S /run/systemd/journal/dev-log ] && break; sleep 0.05; done
mount --bind /run/systemd/journal/dev-log LOG
journalctl --quiet --sync || true
";

#[test]
#[ignore = "needs root and installed programs: make check"]
fn where_a_journal_runs_its_lines_are_shown_and_what_others_wrote_in_our_name_is_not() {
    let user = User::new();
    image::host();
    log::listen();
    let script = JOURNAL.replace("LOG", crate::common::LOG)
        + &format!(
            "setpriv --reuid 33 --regid 33 --clear-groups {trampoline} {name} -- true
setpriv --reuid 33 --regid 33 --clear-groups logger --tag trampoline --socket /run/systemd/journal/dev-log 'uid 33 runs /bin/forged as uid {uid}'
logger --tag else --socket /run/systemd/journal/dev-log 'uid 33 runs /bin/else as uid {uid}'
setpriv --reuid 33 --regid 33 --clear-groups {trampoline} {name} -- id -u
for i in $(seq 100); do {jailbase} log {name} | grep -q 'runs id' && break; sleep 0.05; done
{jailbase} log {name}; echo --; {jailbase} log {name} --lines 1 --json; echo; echo --; journalctl --quiet --output=cat | grep forged",
            trampoline = program("trampoline").display(),
            jailbase = program("jailbase").display(),
            name = user.name,
            uid = user.uid,
        );
    let missing: Vec<&str> = ["/run/systemd", "/run/log"].into_iter().filter(|dir| !std::path::Path::new(dir).exists()).collect();
    let done = on_a_machine_apart(&script);
    missing.iter().for_each(|dir| std::fs::remove_dir(dir).unwrap());
    let (out, err) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert!(done.status.success(), "{out}{err}");
    assert!(out.contains(&format!("trampoline  uid 33 runs true as uid {}", user.uid)), "{out}{err}");
    let parts: Vec<&str> = out.split("\n--\n").collect();
    assert!(parts[0].contains("  uid 33 runs id as uid ") && !parts[0].contains("/bin/else"), "{out}{err}");
    assert!(!parts[0].contains("/bin/forged"), "{out}");
    let said: serde_json::Value = serde_json::from_str(parts[1]).unwrap();
    assert_eq!((said.as_array().unwrap().len(), &said[0]["program"]), (1, &"trampoline".into()), "{out}");
    assert!(said[0]["message"].as_str().unwrap().starts_with("uid 33 runs id as uid "), "{out}");
    assert_eq!(parts[2], format!("uid 33 runs /bin/forged as uid {}\n", user.uid), "it is in the journal");
}
