//! `user add`: everything is judged first, then written in the order in which a crash does no harm: the spec comes last,
//! and without a spec there is no jail.

use super::account::Account;
use super::words::Words;
use super::{conflict, home, lists};
use crate::{store, tell};
use jail::error::Error;
use jail::id::Name;
use jail::policy::STATE;
use jail::spec::Spec;
use jail::state::Doing;
use jail::state::images::Generation;
use jail::state::jails::{JailDir, Jails};
use jail::sys::lock::Lock;
use jail::sys::root::Root;
use jail::{layout, plan};

/// Gives the user a jail.
pub fn run(root: &Root, words: Words) -> Result<(), Error> {
    let account = words.account()?;
    let spec = words.spec(&account)?;
    account.judge()?;
    home::judge_path(&account.home)?;
    let generation = in_service(&words.image)?;
    home::judge_image(&account.home, words.image.as_str(), &generation)?;
    let homeless = home::judge_place(root, &account, words.create_home)?;

    store::directory(STATE, 0o755)?;
    let all = format!("{STATE}/{}", layout::JAILS);
    store::directory(&all, 0o700)?;
    let jails = Jails::open()?;
    // ORDER: the lock of all jails, then of one; whoever takes both takes them so.
    let _all = Lock::exclusive(&jails.dir).doing("lock", all.clone())?;
    let links = store::directory_at(&jails.dir, layout::BY_NAME, 0o700, (0, 0), &format!("{all}/{}", layout::BY_NAME))?;
    conflict::judge_name(&jails, &links, &account.name, account.uid)?;
    // Whoever writes a spec holds the lock of all jails, so what is read here stays as it is.
    let old = jails.jail(account.uid).ok().map_or(Ok(None), |dir| conflict::judge_spec(&dir, &account.name))?;
    if homeless {
        home::make(&account)?;
    }

    store::directory_at(&jails.dir, &layout::pin(account.uid), 0o700, (0, 0), &layout::jail_dir(account.uid))?;
    let dir = jails.jail(account.uid)?;
    let _one = dir.lock()?;
    write(&dir, &account, &spec)?;
    store::link(&links, account.name.as_str(), &account.uid.to_string(), &format!("{all}/{}/{}", layout::BY_NAME, account.name))?;

    let done = match old {
        None => "added",
        Some(old) if old == spec => "already so",
        Some(_) => "updated; a jail that lives keeps its old shape until it expires",
    };
    tell::say(&format!("{} (uid {}): {done}\n", account.name, account.uid))
}

/// ORDER: the spec last. Without one there is no jail, so a crash leaves either none or one that is complete.
fn write(dir: &JailDir, account: &Account, spec: &Spec) -> Result<(), Error> {
    let path = |name: &str| format!("{}/{name}", layout::jail_dir(account.uid));
    store::directory_at(&dir.dir, layout::TMP, 0o700, (account.uid.get(), account.gid.get()), &path(layout::TMP))?;
    parents(dir, account)?;
    store::write(&dir.dir, layout::PASSWD, &lists::passwd(account), 0o644, &path(layout::PASSWD))?;
    store::write(&dir.dir, layout::GROUP, &lists::group(account), 0o644, &path(layout::GROUP))?;
    store::write(&dir.dir, layout::SPEC, &spec.write(), 0o600, &path(layout::SPEC))
}

/// The directories that a jail shows on the way to the home. Those of an earlier home stay, because a jail that lives may
/// have it mounted there, and to remove the place of a mount is to unmount it.
fn parents(dir: &JailDir, account: &Account) -> Result<(), Error> {
    let mut path = format!("{}/{}", layout::jail_dir(account.uid), layout::PARENTS);
    let mut at = store::directory_at(&dir.dir, layout::PARENTS, 0o755, (0, 0), &path)?;
    for part in plan::parents(&account.home).1 {
        path = format!("{path}/{part}");
        at = store::directory_at(&at, &part, 0o755, (0, 0), &path)?;
    }
    Ok(())
}

fn in_service(image: &Name) -> Result<Generation, Error> {
    let path = format!("{}/{}", layout::image_dir(image), layout::CURRENT);
    if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Err(Error::Refused(format!("there is no image {image}; make it with jailbase image build {image} --from host")));
    }
    Generation::in_service(image)
}
