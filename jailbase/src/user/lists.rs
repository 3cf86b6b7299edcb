//! The jail's own `passwd` and `group`: root, the user, nobody, and the user's groups by name; nobody else.

use super::account::Account;
use jail::id::Name;
use std::collections::BTreeMap;

/// The uid and gid of nobody, on every distribution.
const NOBODY: u32 = 65534;

/// What the jail shows as `/etc/passwd`.
pub fn passwd(account: &Account) -> String {
    let Account { name, uid, gid, home, shell, .. } = account;
    let full_name = if plain(&account.full_name) { account.full_name.as_str() } else { "" };
    let mut text = format!("root:x:0:0:root:/root:/usr/sbin/nologin\n{name}:x:{uid}:{gid}:{full_name}:{home}:{shell}\n");
    if uid.get() != NOBODY {
        text += &format!("nobody:x:{NOBODY}:{NOBODY}:nobody:/nonexistent:/usr/sbin/nologin\n");
    }
    text
}

/// What the jail shows as `/etc/group`.
pub fn group(account: &Account) -> String {
    let mut used = vec!["root".to_owned(), "nogroup".to_owned()];
    let mut text = "root:x:0:\n".to_owned();
    for (group, known) in &account.group_names {
        let gid = group.get();
        let known = known.as_deref().filter(|name| plain(name) && !name.is_empty() && !used.iter().any(|u| u == name));
        // A group without a name, or with one that would break the file or mean two groups, shows as its number.
        let name = known.map_or_else(|| numbered(gid), str::to_owned);
        text += &format!("{name}:x:{gid}:{}\n", member(account, gid));
        used.push(name);
    }
    if !account.group_names.iter().any(|(group, _)| group.get() == NOBODY) {
        text += &format!("nogroup:x:{NOBODY}:\n");
    }
    text
}

/// The full name in such a `passwd`, and the names of the groups in such a `group`: what [`passwd`] and [`group`] wrote.
pub fn read(name: &Name, passwd: &str, group: &str) -> (String, BTreeMap<u32, String>) {
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let own = passwd.lines().map(fields).find(|own| own.first().is_some_and(|first| first == name.as_str()));
    let full_name = own.and_then(|own| own.get(4).cloned()).unwrap_or_default();
    let named = |line: &str| {
        let all = fields(line);
        let gid: u32 = all.get(2)?.parse().ok()?;
        all.first().filter(|name| **name != numbered(gid)).map(|name| (gid, name.clone()))
    };
    (full_name, group.lines().filter_map(named).collect())
}

/// What a group is called that has no name.
fn numbered(gid: u32) -> String {
    format!("group-{gid}")
}

/// Membership of the primary group is what passwd says; group(5) lists the others.
fn member(account: &Account, gid: u32) -> &str {
    if gid == account.gid.get() { "" } else { Name::as_str(&account.name) }
}

/// Whether this can be a field: it starts no other field and no other line, and moves no cursor.
fn plain(text: &str) -> bool {
    text.len() <= 256 && !text.chars().any(|c| c.is_control() || c == ':' || c == ',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use jail::id::{Group, Target};
    use jail::path::JailPath;

    fn account(full_name: &str, names: &[(u32, Option<&str>)]) -> Option<Account> {
        let group_names = names.iter().map(|(g, n)| Some((Group::new(*g)?, n.map(str::to_owned)))).collect::<Option<Vec<_>>>()?;
        Some(Account {
            name: Name::new("alice")?,
            uid: Target::new(2001)?,
            gid: Group::new(2001)?,
            groups: group_names.iter().map(|(g, _)| *g).filter(|g| g.get() != 2001).collect(),
            group_names,
            full_name: full_name.into(),
            home: JailPath::new("/home/alice")?,
            shell: JailPath::new("/bin/bash")?,
        })
    }

    #[test]
    fn the_jail_knows_root_the_user_and_nobody() {
        let text = account("Alice A", &[]).map(|a| passwd(&a)).unwrap_or_default();
        assert_eq!(text.lines().nth(1), Some("alice:x:2001:2001:Alice A:/home/alice:/bin/bash"));
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn no_field_of_somebody_else_makes_a_line_or_a_field() {
        for evil in ["A\nroot2:x:0:0::/:/bin/sh", "A:0", "A\u{1b}[2J"] {
            let text =
                account(evil, &[(2001, Some(evil)), (30, Some(evil)), (31, None), (32, Some("root")), (33, Some("www data"))]);
            let Some(account) = text else { continue };
            assert_eq!(passwd(&account).lines().count(), 3);
            assert!(passwd(&account).lines().all(|line| line.split(':').count() == 7));
            let expected = "root:x:0:\ngroup-2001:x:2001:\ngroup-30:x:30:alice\ngroup-31:x:31:alice\ngroup-32:x:32:alice\n\
                            www data:x:33:alice\nnogroup:x:65534:\n";
            assert_eq!(group(&account), expected);
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let own = account("Alice A", &[(2001, Some("alice")), (30, Some("www data")), (31, None)]);
        let names = own.map(|own| read(&own.name, &passwd(&own), &group(&own)));
        let (full_name, names) = names.unwrap_or_default();
        assert_eq!(full_name, "Alice A");
        assert_eq!([2001, 30, 31].map(|gid| names.get(&gid).map(String::as_str)), [Some("alice"), Some("www data"), None]);
        if let Some(name) = Name::new("alice") {
            assert_eq!(read(&name, "", "nonsense\n:::\n"), (String::new(), BTreeMap::new()));
        }
    }
}
