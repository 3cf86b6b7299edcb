//! `user set`: what is named is another from now on, and nothing else. The spec is replaced by one rename, under the locks
//! under which every spec is written; whoever is in the jail stays in it as it is.

use super::about::{About, From};
use super::account::{Account, name_of, ordered};
use super::change::Change;
use super::give::{self, Before, Done, Wanted};
use super::lists;
use super::rm::target;
use super::shape::{Shape, readable};
use super::wrapper;
use crate::see::living;
use crate::table::table;
use crate::{parse, tell};
use clap::Args;
use jail::error::Error;
use jail::id::Group;
use jail::layout;
use jail::path::JailPath;
use jail::spec::Spec;
use jail::state::host::Host;
use jail::state::jails::{JailDir, Jails};
use jail::sys::root::Root;

/// The command line of `user set`.
#[derive(Args, Debug)]
pub struct Words {
    /// The name or uid of the user
    pub user: String,
    /// Take the primary group, the groups, the home and the shell from the system's account again
    #[arg(long)]
    account: bool,
    /// The home, the same path outside and inside
    #[arg(long, value_parser = parse::path)]
    home: Option<JailPath>,
    /// Make the home if there is none: mode 0700, owned by the user
    #[arg(long)]
    create_home: bool,
    /// The primary group
    #[arg(long, conflicts_with = "account", value_parser = parse::group)]
    gid: Option<Group>,
    /// A supplementary group, instead of all there are; may be repeated
    #[arg(long = "group", conflicts_with = "account", value_parser = parse::group)]
    groups: Vec<Group>,
    /// No supplementary group
    #[arg(long, conflicts_with_all = ["account", "groups"])]
    no_groups: bool,
    #[command(flatten)]
    shape: Shape,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Changes a spec.
pub fn run(root: &Root, host: &Host, words: &Words) -> Result<(), Error> {
    if words.is_empty() {
        return Err(Error::Usage("nothing is named that should change, --image for example".into()));
    }
    let jails = Jails::open()?;
    let target = target(&jails, &words.user)?;
    let dir = jails.jail(target)?;
    let old = dir.spec()?;
    let wanted = words.wanted(&dir, &old)?;
    // A home that stays is not looked at unless somebody asks for it.
    let homeless = give::judge_change(root, &wanted, &old, words.create_home)?
        || (words.create_home && give::judge_home(root, &wanted, true)?);
    if wanted.spec.shell != old.shell {
        wrapper::warn(wanted.spec.shell.as_str());
    }
    let name = format!("{} (uid {target})", old.name);
    let done = match words.dry_run {
        true => give::look(&wanted)?,
        false => give::put(wanted, homeless, &Before::Exactly(Box::new(old.clone())))?,
    };
    let home = match (homeless, words.dry_run) {
        (false, _) => None,
        (true, true) => Some("the home would be made"),
        (true, false) => Some("the home was made"),
    };
    let Done::Updated(changes) = done else { return tell::said(&format!("{name}: {}\n", home.unwrap_or("already so"))) };
    let mut text = format!("{name}: {}\n{}", if words.dry_run { "would be set" } else { "set" }, lines(&changes));
    text += &home.map(|home| format!("{home}\n")).unwrap_or_default();
    if changes.iter().any(|change| !change.counts_at_once()) && living(root, host).is_ok_and(|uids| uids.contains(&target.get()))
    {
        text += &format!(
            "the jail lives and keeps its shape until it is unmounted; reaper --drain {} does it when its programs have ended\n",
            old.name
        );
    }
    if words.dry_run { tell::say(&text) } else { tell::said(&text) }
}

fn lines(changes: &[Change]) -> String {
    let when = |change: &Change| if change.counts_at_once() { "the next call" } else { "the next jail" };
    let row = |change: &Change| [change.key, &change.old, &change.new, when(change)].map(str::to_owned);
    table(["KEY", "WAS", "IS", "COUNTS FOR"], &changes.iter().map(row).collect::<Vec<_>>())
}

impl Words {
    fn is_empty(&self) -> bool {
        let own = self.home.is_none() && self.gid.is_none() && self.groups.is_empty() && !self.no_groups && !self.account;
        own && !self.create_home && self.shape.is_empty()
    }

    fn wanted(&self, dir: &JailDir, old: &Spec) -> Result<Wanted, Error> {
        let mut about = About::read(dir).unwrap_or_else(About::by_hand);
        let mut spec = old.clone();
        let mut account = None;
        if self.account {
            let found = Account::of_system(&old.name, None, None)?;
            if found.uid != old.uid {
                let why = format!("the system knows the account as uid {}; remove the user, and add it again", found.uid);
                return Err(Error::Refused(why));
            }
            spec = Spec {
                gid: found.gid,
                groups: found.groups.clone(),
                home: found.home.clone(),
                shell: found.shell.clone(),
                ..spec
            };
            about.account_gave_all();
            account = Some(found);
        }
        let is_system = about.from.values().any(|from| *from == From::Account);
        if let Some(gid) = self.gid {
            spec.gid = gid;
            about.came("gid", From::Chosen);
        }
        if !self.groups.is_empty() || self.no_groups || self.gid.is_some() {
            let asked = if self.groups.is_empty() && !self.no_groups { spec.groups.clone() } else { self.groups.clone() };
            spec.groups = ordered(asked, spec.gid)?;
        }
        if !self.groups.is_empty() || self.no_groups {
            about.came("groups", From::Chosen);
        }
        if let Some(home) = &self.home {
            spec.home = home.clone();
            about.came("home", From::Chosen);
        }
        self.shape.put(&mut spec, &mut about)?;
        readable(&spec)?;
        // What the jail's own lists say of names stays; who named the groups before is not asked again.
        let (full_name, mut names) = match account {
            Some(found) => {
                (found.full_name, found.group_names.into_iter().filter_map(|(group, name)| Some((group.get(), name?))).collect())
            }
            None => lists::read(&old.name, &give::text(dir, layout::PASSWD), &give::text(dir, layout::GROUP)),
        };
        for group in [spec.gid].iter().chain(&spec.groups).filter(|_| is_system) {
            if let (false, Some(name)) = (names.contains_key(&group.get()), name_of(*group)?) {
                names.insert(group.get(), name);
            }
        }
        let account = Account::of_spec(&spec, full_name, &names);
        Ok(Wanted { account, spec, about })
    }
}
