//! `user add`: everything is judged first, then written.

use super::account;
use super::give::{self, Before, Done};
use super::words::Words;
use super::wrapper;
use crate::tell;
use jail::error::Error;
use jail::sys::root::Root;

/// Gives the user a jail.
pub fn run(root: &Root, words: &Words) -> Result<(), Error> {
    let wanted = words.wanted()?;
    let homeless = give::judge(root, &wanted, words.create_home)?;
    if let Some(shared) = account::shared(wanted.account.uid, &wanted.account.name) {
        log::warn!("{shared}; choose one that is nobody's");
    }
    wrapper::warn(wanted.spec.shell.as_str());
    let (name, uid) = (wanted.account.name.clone(), wanted.account.uid);
    if words.dry_run {
        let would = match give::look(&wanted)? {
            Done::Added => "would be added".to_owned(),
            Done::Same => "already so".to_owned(),
            Done::Updated(changes) => format!("would be updated: {}", give::listed(&changes)),
        };
        let home = if homeless { "; the home would be made" } else { "" };
        return tell::say(&format!("{name} (uid {uid}): {would}{home}\n"));
    }
    let done = match give::put(wanted, homeless, &Before::Whatever)? {
        Done::Added => "added".to_owned(),
        Done::Same => "already so".to_owned(),
        // What was chosen before and is not named again is as usual again: whoever wanted that sees it, and so does who did not.
        Done::Updated(changes) => {
            let keeps = changes.iter().any(|change| !change.counts_at_once());
            let shape = if keeps { "; a jail that lives keeps its old shape until it expires" } else { "" };
            format!("updated: {}{shape}", give::listed(&changes))
        }
    };
    tell::said(&format!("{name} (uid {uid}): {done}\n"))
}
