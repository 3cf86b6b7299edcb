//! Whose a file is and who else may write it; the same for every directory on the way to it.

use std::fs::{Metadata, symlink_metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bits of a mode that are about rights.
pub fn rights(meta: &Metadata) -> u32 {
    meta.mode() & 0o7777
}

/// What is wrong with a file or directory that must be root's alone to write.
pub fn fault(path: &Path, meta: &Metadata) -> Option<(String, String)> {
    let shown = path.display();
    if meta.uid() != 0 {
        Some((format!("{shown} belongs to uid {}", meta.uid()), format!("chown root {shown}, and look what its owner did there")))
    } else if !meta.is_symlink() && rights(meta) & 0o022 != 0 {
        Some((
            format!("{shown} can be written by others than root (mode {:04o})", rights(meta)),
            format!("chmod go-w {shown}, and look what others did there"),
        ))
    } else {
        None
    }
}

/// What is wrong with the directories above a path: whoever can write one of them can put something else in the path's place.
pub fn above(path: &Path) -> Vec<(String, String)> {
    let above = path.ancestors().skip(1);
    above.filter_map(|dir| fault(dir, &symlink_metadata(dir).ok()?)).collect()
}

/// What is wrong with a directory and with all above it, if it is there at all; `secret` means that nobody but root may look in.
pub fn directory(path: &Path, secret: bool) -> Vec<(String, String)> {
    let shown = path.display();
    let mut faults = above(path);
    match symlink_metadata(path) {
        Ok(meta) if !meta.is_dir() => {
            faults.push((format!("{shown} is no directory"), "move it away; what belongs there is made anew".to_owned()));
        }
        Ok(meta) => {
            faults.extend(fault(path, &meta));
            if secret && rights(&meta) & 0o077 != 0 {
                faults.push((
                    format!("{shown} is open to others than root (mode {:04o})", rights(&meta)),
                    format!("chmod 0700 {shown}"),
                ));
            }
        }
        Err(_) => {}
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_directory_below_one_that_others_can_write_is_not_roots_alone() -> std::io::Result<()> {
        let top = std::env::temp_dir().join(format!("jailbase-owners-{}", std::process::id()));
        fs::create_dir_all(top.join("a/b"))?;
        fs::set_permissions(top.join("a"), fs::Permissions::from_mode(0o777))?;
        fs::set_permissions(top.join("a/b"), fs::Permissions::from_mode(0o755))?;
        let said = |path: &str, secret| {
            directory(&top.join(path), secret).into_iter().map(|(found, _)| found).collect::<Vec<_>>().join("\n")
        };
        let wanted = format!("{}/a can be written by others than root (mode 0777)", top.display());
        assert!(said("a/b", false).contains(&wanted));
        assert!(!said("a/b", false).contains("is open to others") && said("a/b", true).contains("a/b is open to others"));
        fs::write(top.join("a/file"), "")?;
        assert!(said("a/file", false).contains("is no directory"));
        fs::remove_dir_all(&top)
    }
}
