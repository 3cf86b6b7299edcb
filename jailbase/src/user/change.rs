//! What one spec has otherwise than another, and from when on that counts.

use jail::spec::Spec;
use serde::Serialize;

/// What the next call gets, also in a jail that lives. The rest is in the jail's own namespaces.
const AT_ONCE: [&str; 9] = ["gid", "groups", "shell", "filter", "cpu", "memory", "processes", "file-size", "open-files"];

/// One value that is another now.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The key of the spec.
    pub key: &'static str,
    /// As it was.
    pub old: String,
    /// As it is.
    pub new: String,
}

impl Change {
    /// Whether the next call has it, whatever jail lives.
    pub fn counts_at_once(&self) -> bool {
        AT_ONCE.contains(&self.key)
    }
}

/// The keys of a spec that people change, in the order in which it lists them.
pub const KEYS: [&str; 18] = [
    "name",
    "uid",
    "gid",
    "groups",
    "image",
    "home",
    "shell",
    "root",
    "network",
    "init",
    "filter",
    "hostname",
    "domain",
    "cpu",
    "memory",
    "processes",
    "file-size",
    "open-files",
];

/// The values of a spec as it writes them, by its keys.
pub fn values(spec: &Spec) -> Vec<(&'static str, String)> {
    let text = spec.write();
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(" = ")).collect();
    let value = |key: &str| lines.iter().find(|(found, _)| *found == key).map(|(_, value)| (*value).to_owned());
    KEYS.iter().filter_map(|key| Some((*key, value(key)?))).collect()
}

/// What is another in the second.
pub fn changes(old: &Spec, new: &Spec) -> Vec<Change> {
    let pairs = values(old).into_iter().zip(values(new));
    pairs.filter(|(old, new)| old != new).map(|((key, old), (_, new))| Change { key, old, new }).collect()
}

/// In one line.
pub fn listed(changes: &[Change]) -> String {
    let each = changes.iter().map(|Change { key, old, new }| format!("{key} {old} -> {new}"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_spec_is_shown_and_compared() -> Result<(), String> {
        let text = "format = 1\nname = a\nuid = 2001\ngid = 2001\ngroups = none\nimage = host\nhome = /home/a\nshell = /bin/sh\n\
                    root = readonly\nnetwork = none\ninit = builtin\nfilter = web\nhostname = none\ndomain = none\ncpu = 1\n\
                    memory = 1\nprocesses = 1\nfile-size = 1\nopen-files = 1\n";
        let spec = Spec::read(text.as_bytes())?;
        assert_eq!(values(&spec).len() + 1, text.lines().count(), "the format is no value of anybody's");
        let other = Spec::read(text.replace("cpu = 1", "cpu = 2").replace("image = host", "image = debian").as_bytes())?;
        assert_eq!(listed(&changes(&spec, &other)), "image host -> debian, cpu 1 -> 2");
        assert_eq!(changes(&spec, &other).iter().map(Change::counts_at_once).collect::<Vec<_>>(), [false, true]);
        Ok(())
    }
}
