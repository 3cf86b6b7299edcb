//! The trees of trampoline's own, spoiled in a copy that only the doctor sees.

use crate::common::RUN;
use crate::{Programs, STATE, in_world};

/// A copy of the state in memory, so that a spoiled mode is nobody else's; without the big image, and without what users left in
/// their tmp. However much that is on a machine on which tests have run, 64 MiB stay free.
fn copied(spoil: &str) -> String {
    format!(
        "mkdir /etc/kept; mkdir -m 700 /etc/kept/images; tar -C {STATE} --exclude='jails/*/tmp/*' -cf - jails | tar -C /etc/kept -xpf -\n\
         for i in {STATE}/images/*; do case $i in */debian) ;; *) cp -a $i /etc/kept/images/ ;; esac; done\n\
         mount -t tmpfs -o mode=755,size=$(( $(du -sm /etc/kept | cut -f1) + 64 ))m none {STATE}; cp -a /etc/kept/. {STATE}/\n\
         {spoil}"
    )
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn each_fault_of_the_trees_is_found_by_the_check_of_its_name() {
    let jails = format!("{STATE}/jails");
    let rows = [
        (":".to_owned(), "state-path", "ok"),
        (format!("chmod 0775 {STATE}"), "state-path", "problem"),
        (format!("chown 33 {STATE}"), "state-path", "problem"),
        (format!("chmod 0711 {jails}"), "state-path", "problem"),
        (format!("chmod 0755 {jails}/by-name"), "state-path", "problem"),
        (format!("chown 33 {STATE}/images"), "state-path", "problem"),
        (format!("rm -r {jails}; touch {jails}"), "state-path", "problem"),
        (format!("mount -o remount,ro {STATE}"), "state-writable", "problem"),
        (format!("fallocate -l $(( $(stat -f -c '%a*%S' {STATE}) - 1048576 )) {STATE}/full"), "state-room", "advice"),
    ];
    crate::common::user::User::new();
    for (spoil, check, level) in rows {
        let programs = Programs::new();
        let said = in_world(&programs, &copied(&spoil));
        let (found, what) = said.check(check);
        assert_eq!(found, level, "{spoil}: {what}");
        assert_eq!(said.code, i32::from(level == "problem"), "{spoil}: {said:#?}");
    }
}

#[test]
#[ignore = "needs root and installed programs: make check"]
fn a_place_of_the_holder_that_others_can_open_is_found() {
    let programs = Programs::new();
    for (mode, level) in [("700", "ok"), ("711", "problem"), ("1777", "problem")] {
        let said = in_world(&programs, &format!("mount -t tmpfs -o mode={mode} none {RUN}"));
        assert_eq!(said.check("run-path").0, level, "{mode}");
    }
}
