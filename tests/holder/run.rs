//! A machine whose `/run` is read-only or full, and then is not any more.

use crate::common::user::User;
use crate::common::{RUN, program};
use std::process::Command;

/// What a machine of its own says of an entry and a sweep while its `/run` is mounted like this, and of an entry and two sweeps
/// when that was mended.
fn told(user: &User, options: &str, fill: &str, mend: &str) -> Vec<String> {
    let (trampoline, reaper) = (program("trampoline"), program("reaper"));
    let (trampoline, reaper, name) = (trampoline.display(), reaper.display(), &user.name);
    let script = format!(
        "mount -t tmpfs -o mode=755,{options} none /run; {fill}\n\
         {trampoline} {name} -- true 2>&1; echo \"entry $?\"; {reaper} -v 2>&1; echo \"sweep $?\"; ls -A {RUN} 2>/dev/null; {mend}\n\
         {trampoline} {name} -- true 2>&1; echo \"entry $?\"\n\
         for sweep in 1 2; do {reaper} 2>&1; echo \"sweep $?\"; done; {reaper} -v 2>&1; grep -c {RUN} /proc/self/mountinfo"
    );
    let words = ["--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", &script];
    let mut apart = Command::new("unshare");
    let done = apart.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap();
    assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn on_a_machine_whose_run_is_read_only_or_full_no_jail_is_made_and_it_is_said_and_mended_all_is_as_ever() {
    let user = User::new();
    let as_ever = ["entry 0", "sweep 0", "sweep 0"];
    for (options, mend, why) in
        [("ro", "mount -o remount,rw /run", "EROFS"), ("nr_inodes=1", "mount -o remount,nr_inodes=100 /run", "make room first")]
    {
        let told = told(&user, options, "", mend);
        assert!(told[0].starts_with(&format!("trampoline: cannot make {RUN}: ")) && told[0].contains(why), "{told:?}");
        assert_eq!(told[1..4], ["entry 125", "no jail is up: nothing to do", "sweep 0"], "{told:?}");
        assert_eq!(told[4..7], as_ever, "{options}: {told:?}");
        assert!(told[7].starts_with("sweep: 0 jails, ") && told[8] == "1" && told.len() == 9, "{options}: {told:?}");
    }
    // What is kept there takes no room for data.
    let told = told(&user, "size=4k", "echo full > /run/of-this", "rm /run/of-this");
    assert_eq!(
        (told[0].as_str(), &told[told.len() - 5..told.len() - 2]),
        ("entry 0", &as_ever.map(str::to_owned)[..]),
        "{told:?}"
    );
}
