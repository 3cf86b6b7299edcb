//! `--from host`: links where the host has links, empty directories where something of the host's or the user's will show.

use super::tree::Tree;
use jail::error::Error;
use jail::image::{Image, SHOWABLE};
use std::path::Path;

/// What merged systems have as links into `/usr`, and others as directories.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// Where something is mounted, or homes hang from, in every jail.
pub const PLACES: [(&str, u32); 24] = [
    ("dev", 0o755),
    ("proc", 0o755),
    ("tmp", 0o755),
    ("etc", 0o755),
    ("run", 0o755),
    ("root", 0o700),
    ("home", 0o755),
    ("srv", 0o755),
    ("mnt", 0o755),
    ("media", 0o755),
    ("export", 0o755),
    ("users", 0o755),
    ("data", 0o755),
    ("u", 0o755),
    ("var", 0o755),
    ("var/tmp", 0o755),
    ("var/home", 0o755),
    ("var/www", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o755),
    ("var/spool", 0o755),
    ("var/opt", 0o755),
];

/// Links that programs expect.
const LINKS: [(&str, &str); 2] = [("var/run", "../run"), ("var/lock", "../run/lock")];

/// What a name in the host's root is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Top {
    Directory,
    Link(String),
    Absent,
}

/// Names in the root of the tree, and the texts of the links they are.
type Links = Vec<(&'static str, String)>;

/// Makes the tree but for `/etc`, and says what the host shows in it.
pub fn tree(tree: &Tree) -> Result<Image, Error> {
    let tops: Vec<(&'static str, Top)> =
        MERGED.into_iter().chain(["usr", "opt"]).map(|name| Ok((name, look(name)?))).collect::<Result<_, Error>>()?;
    let (image, links) = shape(&tops).map_err(Error::Refused)?;
    for (name, text) in links {
        tree.link(name, &text)?;
    }
    for name in &image.host {
        tree.directory(name, 0o755)?;
    }
    for (name, mode) in PLACES {
        tree.directory(name, mode)?;
    }
    for (name, text) in LINKS {
        tree.link(name, text)?;
    }
    Ok(image)
}

fn look(name: &str) -> Result<Top, Error> {
    let path = Path::new("/").join(name);
    let failed = |error| Error::failed("look at", path.display().to_string(), error);
    match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Top::Absent),
        Err(error) => Err(failed(error)),
        Ok(meta) if meta.is_dir() => Ok(Top::Directory),
        Ok(meta) if meta.is_symlink() => {
            let text = std::fs::read_link(&path).map_err(failed)?.into_os_string().into_string();
            text.map(Top::Link).map_err(|_| Error::failed("read the link", path.display().to_string(), "it is no UTF-8"))
        }
        Ok(_) => Err(Error::failed("show", path.display().to_string(), "it is neither a directory nor a link")),
    }
}

/// From the host's root to a manifest and the links of the tree. A link that leads out of `/usr` would dangle or mislead.
fn shape(tops: &[(&'static str, Top)]) -> Result<(Image, Links), String> {
    let (mut host, mut links) = (Vec::new(), Vec::new());
    for (name, top) in tops {
        match top {
            Top::Absent if *name == "usr" => return Err("this machine has no /usr".into()),
            Top::Link(_) if *name == "usr" => {
                return Err(
                    "/usr is a symbolic link, and a mount of it would not be /usr; make it a directory or a bind mount".into()
                );
            }
            // Homes and programs may not be below it then; nothing breaks.
            Top::Absent => {}
            Top::Link(_) if *name == "opt" => log::warn!("/opt is a symbolic link; the image does not show it"),
            Top::Link(text) if text.trim_start_matches('/').starts_with("usr/") => links.push((*name, text.clone())),
            Top::Link(text) => {
                return Err(format!(
                    "/{name} is a symbolic link to {text}, which is not below /usr; only merged-usr links can be shown"
                ));
            }
            Top::Directory => match SHOWABLE.into_iter().find(|known| known == name) {
                Some(known) => host.push(known),
                None => log::warn!("/{name} is a directory that no image can show; it is left out"),
            },
        }
    }
    host.sort_by_key(|name| SHOWABLE.iter().position(|known| known == name));
    Ok((Image { host }, links))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Top {
        Top::Link(text.to_owned())
    }

    #[test]
    fn a_merged_host_shows_usr_and_links_and_another_its_directories() {
        let merged = [
            ("bin", link("usr/bin")),
            ("lib64", link("/usr/lib64")),
            ("lib32", Top::Absent),
            ("usr", Top::Directory),
            ("opt", Top::Directory),
        ];
        let links = vec![("bin", "usr/bin".to_owned()), ("lib64", "/usr/lib64".to_owned())];
        assert_eq!(shape(&merged), Ok((Image { host: vec!["usr", "opt"] }, links)));
        let split = [("bin", Top::Directory), ("lib", Top::Directory), ("usr", Top::Directory), ("opt", link("/data/opt"))];
        assert_eq!(shape(&split), Ok((Image { host: vec!["usr", "bin", "lib"] }, vec![])));
    }

    #[test]
    fn links_that_lead_elsewhere_are_refused() {
        for bad in [("bin", link("data/bin")), ("lib", link("../usr")), ("usr", link("data/usr")), ("usr", Top::Absent)] {
            assert!(shape(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_place_is_made_after_the_one_above_it_and_nobody_else_writes() {
        for (at, (name, mode)) in PLACES.iter().enumerate() {
            assert_eq!(mode & !0o755, 0, "{name}");
            if let Some((above, _)) = name.rsplit_once('/') {
                assert!(PLACES.iter().take(at).any(|(n, _)| *n == above), "{name}");
            }
        }
    }
}
