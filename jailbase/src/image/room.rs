//! Where a program works on a tree that will become a generation: in namespaces of its own, with the tree as its root, and
//! with little of root's rights. Used by `image edit` and by the update of a Debian image.
//!
//! The tree may be a stranger's, and a program of it runs: so it has no capability to mount, to make devices or to leave the
//! chroot, sees no process but its own, and of the host's files the tree alone. It has the host's network, for packages, but no
//! unix sockets: who passes descriptors by one passes the walls of both sides. It may become any user, and is no other process's
//! of that user for that: the user namespace is its own.
//! It runs below `unshare` and `setpriv` of util-linux, which see to it that it ends when jailbase does, however that ends.

use super::mounts;
use super::terminal::Terminal;
use crate::interrupt;
use jail::error::Error;
use jail::image::Image;
use jail::report::escaped;
use jail::state::Doing;
use jail::state::host::Host;
use jail::sys::fd::{self, How};
use jail::sys::images::{apart, room};
use jail::sys::mount::{self, Flags};
use jail::sys::ns::{self, Kind};
use jail::sys::root::Root;
use jail::sys::{Errno, files, why};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, umask};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// What the programs of an image find.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Becomes the program if whoever asked for it still lives.
///
/// KERNEL: a wish to die with the parent says nothing of a parent that is dead already (PR_SET_PDEATHSIG in prctl(2)), and whom
/// that left goes on below another. The first process of a pid namespace sees its parents in the /proc of the namespace outside.
const IF_WANTED: &str = r#"read -r _ _ _ parent _ < /proc/self/stat && read -r _ _ _ asked _ < "/proc/$parent/stat" &&
[ "$asked" = "$0" ] && exec "$@"
echo "jailbase: it has ended, or /proc is not that of its processes; nothing was run" >&2
exit 125"#;

/// The first word of what `run` starts, which is not for people.
const INSIDE: &str = "in-image";

/// The file beside the tree that says why its program could not be executed, made by the process that tried; empty if the
/// program is not there. Out of the program's own reach, so that no exit status of its can be taken for that.
const NOT_STARTED: &str = ".not-started";

/// A program and its words that will end, with all it starts, when we do, and with what it mounts if it has mounts of its own.
pub fn contained(program: &str, mounts: Option<&str>) -> Command {
    let mut command = Command::new("/usr/bin/setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", "/usr/bin/unshare", "--pid", "--fork", "--kill-child=KILL"])
        .args(mounts)
        .args(["--", "/bin/sh", "-c", IF_WANTED, &std::process::id().to_string()])
        .arg(program);
    command.env_clear().env("PATH", PATH).env("HOME", "/root").env("LC_ALL", "C.UTF-8");
    // What an administrator types into a shell in there is nothing for the users of the image.
    command.env("HISTFILE", "");
    for name in ["TERM", "http_proxy", "https_proxy", "no_proxy"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs something with the umask that everybody expects, and takes the strict one again.
pub fn with_usual_umask<T>(what: impl FnOnce() -> T) -> T {
    let strict = umask(Mode::from_bits_truncate(0o022));
    let done = what();
    umask(strict);
    done
}

/// Runs a program of a tree in it, with our standard streams; nothing that it leaves behind can write there.
pub fn run(root: &Root, host: &Host, tree: &Path, image: &Image, program: &[&str]) -> Result<ExitStatus, Error> {
    let own = std::env::current_exe().map_err(|error| Error::failed("find", "jailbase itself", error))?;
    let mut command = contained(&own.display().to_string(), None);
    command.arg(INSIDE).arg(tree).args(program);
    let _terminal = Terminal::now();
    let failed = |error| Error::failed("start", "setpriv (Debian: util-linux)", error);
    let status = mounts::within(root, host, tree, image, || {
        let done = with_usual_umask(|| interrupt::output(&mut command, |_| {}));
        done.map(|done| done.status).map_err(failed)
    })?;
    let name = || escaped(program.first().copied().unwrap_or_default().as_bytes());
    match std::fs::read_to_string(tree.with_file_name(NOT_STARTED)) {
        Err(_) => Ok(status),
        Ok(why) if why.is_empty() => Err(Error::NotFound(name())),
        Ok(why) => Err(Error::NotExecutable(name(), why)),
    }
}

/// What the process has to do that `run` started.
#[derive(Debug)]
pub struct Room {
    tree: PathBuf,
    program: Vec<OsString>,
}

impl Room {
    /// If we are that process.
    pub fn asked() -> Option<Self> {
        let mut words = std::env::args_os().skip(1);
        (words.next()? == INSIDE).then(|| Self { tree: words.next().unwrap_or_default().into(), program: words.collect() })
    }

    /// Becomes the program. Returns only if that failed.
    pub fn enter(self, root: &Root) -> Result<(), Error> {
        // Anywhere else it would mount on what is not its own, the /proc of the host for example.
        if std::process::id() == 1 && is_mount(&self.tree) {
            enter(root, &self.tree, &self.program)
        } else {
            Err(Error::Usage(format!("{INSIDE} is only for the process that image edit and update start")))
        }
    }
}

/// Whether a directory is on another mount than the one it is in.
fn is_mount(dir: &Path) -> bool {
    let (Some(above), Some(name)) = (dir.parent(), dir.file_name()) else { return false };
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_NO_XDEV);
    let above = fd::open(&above.display().to_string(), How::Directory);
    above.is_ok_and(|above| matches!(openat2(above, name, how), Err(Errno::EXDEV)))
}

fn enter(root: &Root, tree: &Path, program: &[OsString]) -> Result<(), Error> {
    let shown = tree.display().to_string();
    let own = fd::open(&shown, How::Directory).doing("open", &shown)?;
    // Read-only: its user is root, and most of the kernel's knobs ask for no more than that.
    let proc = mount::new_filesystem(root, c"proc", &[], Flags::SEALED).doing("make", "a procfs")?;
    let place = fd::open_beneath(&own, "proc", How::Directory).doing("find in the image", "proc")?;
    mount::attach(root, proc, place).doing("mount", "/proc")?;
    ns::unshare(root, &[Kind::Ipc, Kind::Uts]).doing("make", "namespaces")?;
    // A prompt that names the host would mislead.
    ns::set_names(root, Some("image"), None).doing("set", "the host name")?;
    // ORDER: while it has a name.
    let beside = tree.parent().unwrap_or(tree).display().to_string();
    let beside = fd::open(&beside, How::Directory).doing("open", &beside)?;
    // ORDER: after all that is mounted or named, and before the root is another.
    let apart = apart::from_others_of_the_uid(root).doing("make", "a user namespace")?;
    files::enter_directory(&own).doing("enter", &shown)?;
    mount::root_here(root).doing("enter", &shown)?;
    let (name, words) = program.split_first().ok_or_else(|| Error::Usage("a program is missing".into()))?;
    room::keep_little(root).doing("give up", "what the program does not need")?;
    room::hand_over_streams_alone().doing("keep", "the descriptors of whoever called")?;
    room::shut(apart).doing("load", "the filter of system calls")?;
    // What a package manager makes is for everybody to read.
    let error = with_usual_umask(|| Command::new(name).args(words).exec());
    // Whoever started us says it.
    let noted = files::touch(&beside, NOT_STARTED, 0o600)
        .and_then(|()| files::write(&beside, NOT_STARTED, &why_not_started(name, fd::errno(&error))));
    noted.map_err(|_| Error::failed("execute", name.to_string_lossy(), error))
}

/// Why a program was not executed; nothing if it is not there. The words are trampoline's. What is neither a binary nor names
/// an interpreter is a script of /bin/sh, as execvp(3) has it.
fn why_not_started(name: &OsStr, errno: Errno) -> String {
    let is_path = name.as_bytes().contains(&b'/');
    match errno {
        Errno::ENOENT if is_path && Path::new(name).symlink_metadata().is_ok() => {
            "it is there, but its interpreter or loader is not".into()
        }
        Errno::ENOENT | Errno::ENOTDIR => String::new(),
        errno => why(errno),
    }
}

/// The first of these that a tree has.
pub fn shell(tree: &Path, image: &Image) -> &'static str {
    // What the host shows is not in the tree; it has a shell.
    let has = |path: &&&str| !image.host.is_empty() || PathBuf::from(tree).join(path.trim_start_matches('/')).exists();
    ["/bin/bash", "/bin/sh"].iter().find(has).copied().unwrap_or("/bin/sh")
}
