//! The images that specs name: in service, and a tree as it was when it was published.

use super::finding::{Fault, Report, problem};
use super::users::reason;
use crate::image::verify;
use crate::table::counted;
use jail::id::Name;
use jail::layout;
use jail::spec::Spec;
use jail::state::images::Generation;
use std::collections::BTreeSet;
use std::path::Path;

/// `images`, `image-trees`, `image-host-directories`.
pub fn look(users: &[Spec], report: &mut Report) {
    let names: BTreeSet<&Name> = users.iter().map(|spec| &spec.image).collect();
    let (mut missing, mut spoiled, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for name in &names {
        match Generation::in_service(name) {
            Ok(generation) => {
                spoiled.extend(tree(name, &generation));
                absent.extend(shown(name, &generation));
            }
            Err(error) => missing.push(problem(
                format!("no jail can be made from the image {name}: {}", reason(error)),
                format!(
                    "put another generation in service: jailbase image rollback {name}; or jailbase image build {name} --from ..."
                ),
            )),
        }
    }
    report.note("images", missing, format!("{} in use, and a generation of each in service", counted(names.len(), "image")));
    report.note("image-trees", spoiled, "everything in their trees is root's, and none of it setuid or a device");
    report.note("image-host-directories", absent, "what they show of the host is there");
}

fn tree(name: &Name, generation: &Generation) -> Option<Fault> {
    let path = format!("{}/{}/{}", layout::image_dir(name), generation.number, layout::TREE);
    let error = verify::tree(Path::new(&path), &generation.image).err()?;
    Some(problem(
        format!("the image {name}: {}", reason(error)),
        format!("look who changed it, then jailbase image update {name}, or jailbase image rollback {name}"),
    ))
}

fn shown(name: &Name, generation: &Generation) -> Vec<Fault> {
    let places = generation.image.host.iter().filter(|dir| {
        let meta = std::fs::symlink_metadata(Path::new("/").join(dir));
        !meta.is_ok_and(|meta| meta.is_dir())
    });
    places
        .map(|dir| {
            problem(
                format!("the image {name} shows the host's /{dir}, and that is no directory any more"),
                format!("make a generation that does without: jailbase image update {name}"),
            )
        })
        .collect()
}
