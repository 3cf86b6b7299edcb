//! What is opened.

use super::entries;
use crate::common::user::User;

#[test]
#[ignore = "needs root and installed programs: make check"]
fn every_descriptor_it_opens_is_closed_by_an_execve() {
    let user = User::new();
    for trace in entries(&user) {
        for call in [trace.supervisor(), trace.init()].iter().flat_map(|p| &p.calls).filter(|c| c.worked()) {
            let opens = call.name.starts_with("open")
                || ["socket", "pipe2", "fsopen", "fsmount", "signalfd4"].contains(&call.name.as_str());
            let copies = call.name == "fcntl" && call.arguments.contains("F_DUPFD");
            assert!(!(opens || copies) || call.arguments.contains("CLOEXEC"), "{call:?}");
            assert!(
                !["dup", "dup2", "pipe", "socketpair", "accept", "recvmsg", "creat"].contains(&call.name.as_str()),
                "{call:?}"
            );
        }
    }
}
