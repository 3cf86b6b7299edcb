//! What to do next when the kernel refused something that was done to a path. The setuid program has no use for it: who called it
//! can do none of this, and its words are in the system log.

use crate::error::Error;
use crate::sys::{Errno, why};

/// Each kind of refusal with the next step, for whoever is root and has a shell.
const STEPS: [(&[Errno], &str); 23] = [
    (&[Errno::EACCES, Errno::EPERM], "run it as root, or look at the mode and the immutable flag (ls -ld, lsattr -d)"),
    (&[Errno::ENOENT], "see that it is there and spelled right"),
    (&[Errno::ENOTDIR], "a part of its path is no directory: namei -l shows which"),
    (&[Errno::EISDIR], "a directory is where a file must be: move it away"),
    (&[Errno::EEXIST, Errno::ENOTEMPTY], "look what is there already, and move it away"),
    (&[Errno::ELOOP], "name the place itself: a symbolic link is on the way, and none is followed here"),
    (&[Errno::ENAMETOOLONG], "choose a shorter name"),
    (&[Errno::EXDEV], "put both on one file system"),
    (&[Errno::ENOSPC], "make room first: df -h and df -i show where, and jailbase image gc removes what nobody can get any more"),
    (&[Errno::EDQUOT], "make room first, or have the quota raised: jailbase image gc removes what nobody can get any more"),
    (&[Errno::EROFS], "mount it for writing (mount -o remount,rw), once dmesg has said why it is not"),
    (&[Errno::EIO, Errno::EUCLEAN, Errno::EBADMSG], "look at the kernel's log (dmesg) and at the disk"),
    (&[Errno::ENXIO, Errno::ENODEV, Errno::ENOMEDIUM], "see that its device is there: the kernel's log (dmesg) says more"),
    (&[Errno::EMFILE], "raise the limit of open files (ulimit -n, or LimitNOFILE= of the service)"),
    (&[Errno::ENFILE], "raise the limit of open files of the machine (sysctl fs.file-max)"),
    (&[Errno::EMLINK], "move some elsewhere: its file system takes no more links there"),
    (&[Errno::EBUSY, Errno::ETXTBSY], "see who uses it (fuser -vm, findmnt), and try again"),
    (&[Errno::EFBIG], "raise the limit of the size of files (ulimit -f), or take a file system that has larger ones"),
    (&[Errno::ENOMEM], "see that memory is free (free -m), and try again"),
    (&[Errno::EAGAIN, Errno::EINTR], "try again"),
    (&[Errno::EOPNOTSUPP], "put it on a file system that can do this, ext4 or XFS for example"),
    (
        &[Errno::ESTALE, Errno::ENOTCONN, Errno::EHOSTDOWN, Errno::EHOSTUNREACH],
        "see that the file server answers, and mount it anew",
    ),
    (&[Errno::ENOLCK], "see that the file server has locks, or put it on a disk of this machine"),
];

/// What an error says, without the word that a refusal begins with, and with the next step if it ends in the kernel's own words.
pub fn told(error: &Error) -> String {
    match error {
        Error::Refused(why) => advised(why),
        other => advised(&other.to_string()),
    }
}

/// The same of a text: one that says more than what the kernel said has its step already.
pub fn advised(text: &str) -> String {
    let steps = STEPS.iter().flat_map(|(errnos, step)| errnos.iter().map(move |errno| (*errno, step)));
    let mut fitting = steps.filter_map(|(errno, step)| {
        let ours = why(errno);
        let before = text.strip_suffix(&ours).or_else(|| text.strip_suffix(&std::io::Error::from(errno).to_string()))?;
        // What `why` adds for everybody is said better here.
        Some(format!("{before}{}; {step}", ours.split("; ").next().unwrap_or_default()))
    });
    fitting.next().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Doing;

    fn failed(errno: Errno) -> Error {
        Err::<(), _>(errno).doing("write", "/x/y").err().unwrap_or(Error::Later("no error"))
    }

    #[test]
    fn each_errno_of_a_path_has_one_next_step_whoever_words_it() {
        for errno in STEPS.iter().flat_map(|(errnos, _)| errnos.iter().copied()) {
            let ours = told(&failed(errno));
            assert_eq!(ours, told(&Error::failed("write", "/x/y", std::io::Error::from(errno))), "{errno}");
            assert!(ours.starts_with("cannot write /x/y: ") && ours.contains(&format!(" ({errno:?}); ")), "{ours}");
            assert_eq!(ours.matches("; ").count(), 1, "{ours}");
            assert!(ours.len() < 180 && !ours.ends_with('.') && ours.lines().count() == 1, "{ours}");
            assert_eq!(advised(&ours), ours, "said once");
        }
        let all: Vec<Errno> = STEPS.iter().flat_map(|(errnos, _)| errnos.iter().copied()).collect();
        assert!(all.iter().all(|one| all.iter().filter(|other| *other == one).count() == 1), "one place for each");
    }

    #[test]
    fn the_commonest_refusals_name_what_mends_them() {
        for (errno, words) in [
            (Errno::EACCES, "Permission denied (EACCES); run it as root, "),
            (Errno::EPERM, "immutable flag (ls -ld, lsattr -d)"),
            (Errno::ENOSPC, "(ENOSPC); make room first: df -h and df -i show where, and jailbase image gc "),
            (Errno::EDQUOT, "jailbase image gc "),
            (Errno::EROFS, "mount -o remount,rw"),
            (Errno::EIO, "(EIO); look at the kernel's log (dmesg) and at the disk"),
            (Errno::ENOENT, "(ENOENT); see that it is there and spelled right"),
            (Errno::EMFILE, "ulimit -n"),
            (Errno::ENFILE, "fs.file-max"),
            (Errno::EMLINK, "no more links"),
            (Errno::ELOOP, "(ELOOP); name the place itself: a symbolic link is on the way, and none is followed here"),
        ] {
            let said = told(&failed(errno));
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn what_says_its_own_step_or_is_no_kernel_s_word_is_left_as_it_is() {
        for text in ["cannot lock /x: somebody replaced it meanwhile; try again", "no", "", "(ENOENT) was the answer", "x; y"] {
            assert_eq!(advised(text), text);
        }
        let with_hint = failed(Errno::ENOSYS).to_string();
        assert!(with_hint.contains("; this kernel lacks") && advised(&with_hint) == with_hint);
        assert_eq!(told(&Error::Refused("it is in service; roll back".into())), "it is in service; roll back");
    }

    #[test]
    fn real_refusals_of_real_paths_are_advised() {
        let none = std::fs::read("/nowhere/at/all").map_err(|error| Error::failed("read", "/nowhere/at/all", error));
        let said = none.err().map(|error| told(&error));
        let expected = "cannot read /nowhere/at/all: No such file or directory (ENOENT); see that it is there and spelled right";
        assert_eq!(said.as_deref(), Some(expected));
        let listed = std::fs::read_dir("/proc/version").map(drop).map_err(|error| Error::failed("list", "/proc/version", error));
        assert!(
            listed.err().is_some_and(
                |error| told(&error).ends_with("(ENOTDIR); a part of its path is no directory: namei -l shows which")
            )
        );
    }
}
