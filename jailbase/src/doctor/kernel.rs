//! The kernel: not by its number but by trying, in a process of its own, every call that an entry makes.

use super::finding::{Report, problem};
use jail::error::Error;
use jail::id::{Group, Target};
use jail::spec::Filter;
use jail::state::Doing;
use jail::sys::drop::Ids;
use jail::sys::fd::{self, How};
use jail::sys::mount::{self, Flags};
use jail::sys::ns::{self, Kind};
use jail::sys::root::Root;
use jail::sys::{Errno, devices, files, net, seccomp};
use nix::sys::wait::{WaitStatus, waitpid};
use std::os::fd::OwnedFd;

/// The uid and gid of nobody.
const NOBODY: u32 = 65534;

/// The longest message that the process which tries may leave.
const LONGEST: usize = 1000;

/// `kernel-calls`.
pub fn look(root: &Root, report: &mut Report) {
    let fault = tried(root).err().map(|error| {
        problem(
            error.to_string(),
            "run Linux 5.14 or newer with namespaces, tmpfs, devpts and seccomp filters; in a container or a unit, let root keep its capabilities and its namespaces",
        )
    });
    report.note("kernel-calls", fault, "every call that an entry makes works here");
}

fn tried(root: &Root) -> Result<(), Error> {
    let (read, write) = fd::pipe().doing("make", "a pipe")?;
    // The very call that starts a session; what the other process does to its namespaces is gone with it.
    match ns::first_process(root).doing("start", "a process in a new pid and mount namespace")? {
        None => {
            let said = entry(root).err().map_or_else(String::new, |error| error.to_string());
            let told = nix::unistd::write(&write, said.get(..LONGEST.min(said.len())).unwrap_or_default().as_bytes());
            std::process::exit(i32::from(!said.is_empty() || told.is_err()))
        }
        Some(child) => {
            drop(write);
            let ended = waitpid(child, None).doing("wait", "for the process that tries the calls")?;
            let said = fd::read_at_most(read, LONGEST).doing("read", "what it said")?;
            match (ended, String::from_utf8_lossy(&said)) {
                (WaitStatus::Exited(_, 0), _) => Ok(()),
                (_, said) if !said.is_empty() => Err(Error::failed("make an entry", "", said)),
                (ended, _) => Err(Error::failed("make an entry", "", format!("the process that tried ended: {ended:?}"))),
            }
        }
    }
}

/// What the warm and the cold entry do, on nothing of anybody's.
fn entry(root: &Root) -> Result<(), Error> {
    mount::all_private(root).doing("make private", "a mount namespace")?;
    ns::unshare(root, &[Kind::Mount, Kind::Ipc, Kind::Uts, Kind::Net]).doing("make", "mount, ipc, uts and net namespaces")?;
    net::loopback_up(root).doing("bring up", "the loopback interface")?;
    ns::set_names(root, Some("jail"), None).doing("set", "a host name")?;
    let host = fd::open("/", How::Directory).doing("open without symbolic links", "/")?;
    let view = mount::clone_tree(root, &host, true).doing("clone", "a tree of mounts")?;
    mount::set_flags(root, &view, Flags::READ_ONLY, true).doing("give flags to", "a tree of mounts")?;

    let tree =
        mount::new_filesystem(root, c"tmpfs", &[(c"mode", "0700"), (c"size", "64k")], Flags::NO_EXEC).doing("make", "a tmpfs")?;
    mount::attach(root, &tree, &host).doing("mount", "a tmpfs")?;
    files::enter_directory(&tree).and_then(|()| mount::root_here(root)).doing("enter", "a tmpfs")?;
    for name in ["view", "dev", "pts", "proc"] {
        files::make_directory(fd::HERE, name, 0o700).doing("make", name)?;
    }
    hang(root, &view, "view")?;
    hang(root, &devices::tree(root).doing("make", "a tree of devices")?, "dev")?;
    hang(root, &devices::pts(root).doing("make", "a devpts")?, "pts")?;
    mount::proc_here(root).doing("mount", "a procfs")?;
    filter()
}

fn hang(root: &Root, tree: &OwnedFd, on: &'static str) -> Result<(), Error> {
    fd::open(&format!("/{on}"), How::Directory).and_then(|place| mount::attach(root, tree, place)).doing("mount", on)
}

/// The drop, and the filter that comes after it.
fn filter() -> Result<(), Error> {
    let (Some(uid), Some(gid), Some(root)) = (Target::new(NOBODY), Group::new(NOBODY), Root::left_over()) else {
        return Err(Errno::EPERM).doing("give up", "root's rights");
    };
    let user = Ids::of_target(uid, gid, &[]).become_user(root).doing("give up", "root's rights")?;
    seccomp::load(&user, Filter::Web).doing("load", "the system-call filter")
}
