//! The host's table of mounts, read.

/// One mount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Where.
    pub at: String,
    /// Its own flags: `ro`, `nosuid`, ...
    flags: Vec<String>,
    /// The type of its file system.
    pub kind: String,
}

impl Mount {
    /// Whether it has this flag.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| f == flag)
    }
}

/// The table of this process's namespace, which is the host's.
pub fn table() -> Vec<Mount> {
    read(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default())
}

/// Reads the text of a table (proc_pid_mountinfo(5)).
fn read(text: &str) -> Vec<Mount> {
    let line = |line: &str| {
        let (own, rest) = line.split_once(" - ")?;
        let mut fields = own.split(' ').skip(4);
        let at = unescaped(fields.next()?);
        let flags = fields.next()?.split(',').map(str::to_owned).collect();
        Some(Mount { at, flags, kind: rest.split(' ').next()?.to_owned() })
    };
    text.lines().filter_map(line).collect()
}

/// The mount that a path lies on: of those above it the deepest, and of those on one place the last.
pub fn of<'a>(table: &'a [Mount], path: &str) -> Option<&'a Mount> {
    table.iter().filter(|mount| within(path, &mount.at)).max_by_key(|mount| mount.at.len())
}

/// Whether a path is this directory or lies below it.
pub fn within(path: &str, dir: &str) -> bool {
    dir == "/" || path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// KERNEL: a blank, a tab, a line's end and a backslash stand as an octal number (`mangle`, fs/seq_file.c).
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 8:2 / /home rw,nosuid,nodev - xfs /dev/sda2 rw\n\
        31 22 8:2 / /home/a\\040b rw - xfs /dev/sda2 rw\n\
        32 30 8:3 / /home rw,nodev master:2 - btrfs /dev/sda3 rw\n\
        odd\n";

    #[test]
    fn a_path_lies_on_the_deepest_mount_and_on_the_last_of_two() {
        let table = read(TABLE);
        let on = |path: &str| of(&table, path).map(|m| (m.kind.as_str(), m.has("nosuid"), m.has("nodev")));
        assert_eq!(table.len(), 4);
        assert_eq!(on("/home/alice"), Some(("btrfs", false, true)));
        assert_eq!(on("/homes"), Some(("ext4", false, false)));
        assert_eq!(on("/home/a b/c"), Some(("xfs", false, false)));
        assert_eq!(of(&[], "/"), None);
    }
}
