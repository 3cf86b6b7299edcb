//! The cold entry: builds a jail from its plan in a new mount namespace, and pins it.

use crate::request::Authorised;
use jail::error::Error;
use jail::id::Name;
use jail::layout;
use jail::plan::{Plan, Step};
use jail::policy::SHM_BYTES;
use jail::spec::Network;
use jail::state::Doing;
use jail::state::holder::{Holder, Lease};
use jail::state::host::Host;
use jail::state::images::Generation;
use jail::sys::drop::{Ids, as_user};
use jail::sys::fd::{self, How};
use jail::sys::mount::{self, Flags};
use jail::sys::ns::{self, Kind};
use jail::sys::root::Root;
use jail::sys::{Errno, devices, net, why};
use std::os::fd::OwnedFd;

/// A step of the plan with its tree in hand, already with its flags, and not yet hung anywhere; `None` is the template's.
struct Prepared<'a> {
    step: &'a Step,
    at: String,
    tree: Option<OwnedFd>,
}

/// Makes the jail and takes the lease on it. The process comes from the holder and ends there.
pub fn jail(root: &Root, host: &Host, holder: &Holder, task: &Authorised) -> Result<Lease, Error> {
    let _lock = task.dir.lock()?;
    // Somebody else may have made it while we waited.
    if let Some(lease) = holder.lease(task.spec.uid)? {
        return Ok(lease);
    }
    // ORDER: under the lock. A drain concludes under it, and after that nothing is made.
    task.jails.admit(task.spec.uid)?;
    if task.dir.spec()? != task.spec {
        return Err(Error::failed("make the jail of", task.spec.name.to_string(), "its spec was changed meanwhile; try again"));
    }
    let template = fd::open(&format!("/{}", layout::TEMPLATE), How::Read).doing("open", "the template of jails")?;
    // ORDER: still in the holder. KERNEL: terminals of a devpts that is made in the host's own mount namespace may use up
    // those that are kept for the host (`mount_opts.reserve`, fs/devpts/inode.c).
    let pts = devices::pts(root).doing("make", "/dev/pts")?;
    // ORDER: everything of the host's is opened in the host's namespace; the holder has none of it.
    host.back(root)?;
    let generation = Generation::in_service(&task.spec.image)?;
    let plan = Plan::of(&task.spec, &generation.image);
    let trees: Vec<Prepared> =
        plan.0.iter().map(|step| prepare(root, task, &generation.tree, &pts, step)).collect::<Result<_, _>>()?;
    let own = fd::open_magic(fd::HERE, "/proc/self/ns", How::Directory).doing("open", "/proc/self/ns")?;
    let shared_net = if task.spec.network == Network::Host { Some(Host::namespace(Kind::Net)?) } else { None };

    // ORDER: before the template, which has no /proc.
    ns::unshare(root, &[Kind::Ipc]).doing("make", "the jail's ipc namespace")?;
    ns::bound_ipc(root, SHM_BYTES).doing("bound", "the jail's System V objects")?;
    ns::join(root, &template, Kind::Mount).doing("join", "the template of jails")?;
    let kinds: &[Kind] = if shared_net.is_none() { &[Kind::Mount, Kind::Uts, Kind::Net] } else { &[Kind::Mount, Kind::Uts] };
    ns::unshare(root, kinds).doing("make", "the jail's namespaces")?;
    pin_others(root, &own, shared_net.as_ref())?;
    if shared_net.is_none() {
        net::loopback_up(root).doing("bring up", "the loopback interface")?;
    }
    let (host_name, domain) = (task.spec.hostname.as_ref(), task.spec.domain.as_ref());
    ns::set_names(root, host_name.map(Name::as_str), domain.map(Name::as_str)).doing("set", "the host name")?;
    trees.into_iter().try_for_each(|prepared| hang(root, &prepared))?;
    // Each session mounts its own procfs there, by name: the name must be a directory of the image, and no link.
    place("proc", How::Directory)?;
    let pin = format!("{}/{}", layout::PINS, layout::pin(task.spec.uid));
    let _held = holder.pin(root, &pin, &own)?;
    holder.lease(task.spec.uid)?.ok_or_else(|| Error::failed("hold", pin, "somebody unmounted it; try again"))
}

/// The tree of one step, with its flags.
fn prepare<'a>(root: &Root, task: &Authorised, base: &OwnedFd, pts: &OwnedFd, step: &'a Step) -> Result<Prepared<'a>, Error> {
    let cloned = |source: &OwnedFd, flags: Flags, all: bool, what: &str| {
        let tree = mount::clone_tree(root, source, all).doing("clone the mount of", what)?;
        mount::set_flags(root, &tree, flags, all).doing("set the flags of", what)?;
        Ok::<_, Error>(tree)
    };
    let (at, tree) = match step {
        Step::Dev => return Ok(Prepared { step, at: "dev".to_owned(), tree: None }),
        Step::Base => (String::new(), cloned(base, Flags::READ_ONLY, false, "the base image")?),
        Step::Host(dir) => {
            let path = format!("/{dir}");
            let source = fd::open(&path, How::Directory).doing("open the host's", path.clone())?;
            ((*dir).to_owned(), cloned(&source, Flags::READ_ONLY, true, &path)?)
        }
        Step::Own { file, at } => ((*at).to_owned(), cloned(&task.dir.place(file, How::Place)?, Flags::SEALED, false, file)?),
        Step::Pts => ("dev/pts".to_owned(), pts.try_clone().map_err(|e| fd::errno(&e)).doing("use", "/dev/pts")?),
        Step::Shm(bytes) => ("dev/shm".to_owned(), devices::shm(root, *bytes).doing("make", "/dev/shm")?),
        Step::Parents(at) => (at.clone(), cloned(&task.dir.place(layout::PARENTS, How::Directory)?, Flags::SEALED, false, at)?),
        Step::Home(path) => (path.relative().to_owned(), home(root, task, path.as_str())?),
        Step::Tmp(at) => ((*at).to_owned(), cloned(&task.dir.tmp()?, Flags::PLAIN, false, "the user's tmp")?),
    };
    Ok(Prepared { step, at, tree: Some(tree) })
}

/// The home, looked up and cloned with the user's own rights to files, and judged on the open descriptor.
fn home(root: &Root, task: &Authorised, path: &str) -> Result<OwnedFd, Error> {
    let spec = &task.spec;
    let ids = Ids::of_target(spec.uid, spec.gid, &spec.groups);
    let opened = as_user(root, &ids, |root| {
        let home = fd::open(path, How::Directory)?;
        let stat = fd::stat(&home)?;
        Ok((mount::clone_tree(root, &home, false)?, stat.st_uid))
    });
    let (tree, owner) = opened.map_err(|errno| match errno {
        Errno::ENOENT => Error::failed("open the home", path, "it does not exist (ENOENT); see jailbase user set --create-home"),
        errno => Error::failed("open the home", path, why(errno)),
    })?;
    if owner != spec.uid.get() {
        return Err(Error::failed("use the home", path, format!("uid {owner} owns it; chown it to uid {}", spec.uid)));
    }
    mount::set_flags(root, &tree, Flags::PLAIN, false).doing("set the flags of the home", path).map(|()| tree)
}

/// Pins the other namespaces inside the jail's own, so that they live and die with it and the holder stays small.
fn pin_others(root: &Root, own: &OwnedFd, shared_net: Option<&OwnedFd>) -> Result<(), Error> {
    let dir = fd::open(&format!("/{}", layout::NS), How::Directory).doing("open", layout::NS)?;
    let pin = |kind: Kind| match shared_net {
        Some(net) if kind == Kind::Net => mount::pin(root, net, &dir, kind.name()),
        _ => mount::pin(root, fd::open_magic(own, kind.name(), How::Read)?, &dir, kind.name()),
    };
    Kind::BESIDE_MOUNT.into_iter().try_for_each(|kind| pin(kind).map(drop).doing("pin the namespace", kind.name()))
}

/// Hangs one tree on its place.
fn hang(root: &Root, prepared: &Prepared<'_>) -> Result<(), Error> {
    let how = if matches!(prepared.step, Step::Own { .. }) { How::Place } else { How::Directory };
    let place = place(&prepared.at, how)?;
    let hung = match &prepared.tree {
        Some(tree) => mount::attach(root, tree, place),
        None => fd::open(layout::DEV, How::Directory).and_then(|tree| mount::attach(root, tree, place)),
    };
    hung.doing("mount", format!("/{}", prepared.at))
}

/// A place in the jail's tree. It must be there as it is: no symbolic link on the way, nothing made.
fn place(at: &str, how: How) -> Result<OwnedFd, Error> {
    fd::open(&format!("/{}/{at}", layout::ROOT), how).doing("find in the image", format!("/{at}"))
}
