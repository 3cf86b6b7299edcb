//! The papers that lie beside the tree of a generation, compared with what its record says of them: otherwise whoever changes
//! a file and its line in the list would leave nothing that tells.

use super::about::{self, About};
use super::digests;
use super::source::Source;
use jail::error::Error;
use jail::image::Image;
use jail::layout;
use std::path::Path;

/// What is wrong with them, each with its path; and what cannot be known of a generation this old.
#[derive(PartialEq, Eq, Default, Debug)]
pub struct Papers {
    /// The path of a paper, and what is wrong with it.
    pub faults: Vec<(String, String)>,
    /// What nobody can say.
    pub unknown: Option<&'static str>,
}

/// Compares those of a generation; `image` is its manifest, read.
pub fn look(generation: &Path, image: &Image) -> Result<Papers, Error> {
    let bytes = |name: &str| {
        let path = generation.join(name);
        std::fs::read(&path).map_err(|error| Error::failed("read", path.display().to_string(), error))
    };
    let list = digests::of_paper(digests::FILE, &bytes(digests::FILE)?)?;
    let manifest = digests::of_paper(layout::MANIFEST, &bytes(layout::MANIFEST)?)?;
    let mut papers = judge(About::read(generation)?.as_ref(), &list, &manifest, image);
    for (name, _) in &mut papers.faults {
        *name = generation.join(&*name).display().to_string();
    }
    Ok(papers)
}

fn judge(about: Option<&About>, list: &str, manifest: &str, image: &Image) -> Papers {
    let fault = |name: &str, what: &str| (name.to_owned(), what.to_owned());
    let Some(about) = about else {
        return Papers { faults: vec![fault(about::FILE, "is gone, and with it what the other papers must be")], unknown: None };
    };
    let mut papers = Papers::default();
    if about.digest != list {
        papers.faults.push(fault(digests::FILE, "is not the list that was published"));
    }
    match &about.image_digest {
        Some(published) if published == manifest => {}
        Some(_) => papers.faults.push(fault(layout::MANIFEST, "is not what was published; it says what of this machine shows")),
        // Only an image of this machine ever showed any of it.
        None if image.host.is_empty() => {}
        None if about.recipe.source().is_ok_and(|source| source == Source::Host) => {
            papers.unknown = Some(
                "it was published before its manifest was digested, and nobody can say whether it shows the directories of this \
                 machine that it showed then; build the image anew to have that verified",
            );
        }
        None => papers.faults.push(fault(layout::MANIFEST, "shows directories of this machine, and it was not made of it")),
    }
    papers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(from: &str, image_digest: Option<&str>) -> Result<About, serde_json::Error> {
        let mut value = serde_json::json!({
            "from": from, "most_bytes": 1, "most_files": 1, "built": "", "entries": 1, "bytes": 1, "digest": "list",
            "copied_files": 0, "copied_bytes": 0, "linked_files": 0, "linked_bytes": 0, "cloned_files": 0, "cloned_bytes": 0,
        });
        if let (Some(digest), Some(object)) = (image_digest, value.as_object_mut()) {
            object.insert("image_digest".into(), digest.into());
        }
        serde_json::from_value(value)
    }

    fn faulty(papers: &Papers) -> Vec<&str> {
        papers.faults.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_paper_that_is_not_what_its_record_says_is_a_fault() -> Result<(), Box<dyn std::error::Error>> {
        let (own, shows) = (Image { host: vec![] }, Image { host: vec!["usr"] });
        let new = about("dir:/a", Some("manifest"))?;
        assert_eq!(judge(Some(&new), "list", "manifest", &own), Papers::default());
        assert_eq!(faulty(&judge(Some(&new), "other", "manifest", &own)), ["digests"]);
        assert_eq!(faulty(&judge(Some(&new), "list", "other", &shows)), ["image"]);
        assert_eq!(faulty(&judge(Some(&new), "other", "other", &own)), ["digests", "image"]);
        assert_eq!(faulty(&judge(None, "list", "manifest", &own)), ["about"]);
        Ok(())
    }

    #[test]
    fn of_a_generation_older_than_the_digest_of_its_manifest_it_is_said_what_cannot_be_known()
    -> Result<(), Box<dyn std::error::Error>> {
        let (own, shows) = (Image { host: vec![] }, Image { host: vec!["usr"] });
        assert_eq!(judge(Some(&about("dir:/a", None)?), "list", "any", &own), Papers::default());
        assert_eq!(faulty(&judge(Some(&about("dir:/a", None)?), "list", "any", &shows)), ["image"]);
        let host = judge(Some(&about("host", None)?), "list", "any", &shows);
        assert!(host.faults.is_empty() && host.unknown.is_some_and(|why| why.contains("build the image anew")), "{host:?}");
        Ok(())
    }
}
