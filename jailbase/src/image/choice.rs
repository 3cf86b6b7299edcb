//! Which of the images that an index of a layout lists is meant: by its tag, and by the machine that it is made for.

use jail::report::escaped;
use oci_spec::image::{Arch, Descriptor, Os};

/// The annotation that holds the tag.
const TAG: &str = "org.opencontainers.image.ref.name";

/// The image that was asked for by its tag, or the only one there is.
pub fn tagged<'a>(all: &'a [Descriptor], tag: Option<&str>) -> Result<&'a Descriptor, String> {
    let asked: Vec<&Descriptor> = all.iter().filter(|one| tag.is_none() || tag_of(one) == tag).collect();
    match asked.as_slice() {
        [] if all.is_empty() => Err("it lists no image".into()),
        [] => Err(format!("no image has this tag; there are: {}", listed(all, tag_of))),
        [only] => Ok(only),
        // One image, for several machines, which has no index of its own.
        [first, others @ ..] if others.iter().all(|other| tag_of(other) == tag_of(first)) => for_us(&asked),
        _ => Err(format!("it lists several images; say which, as oci:DIR:TAG, of: {}", listed(all, tag_of))),
    }
}

/// The one of an image's forms that is for this machine.
pub fn for_us<'a>(forms: &[&'a Descriptor]) -> Result<&'a Descriptor, String> {
    // Of several the one that asks least of the processor; the name of the least is the first.
    let variant = |one: &&&Descriptor| one.platform().as_ref().and_then(|platform| platform.variant().clone());
    let fits =
        |one: &&&'a Descriptor| one.platform().as_ref().is_some_and(|platform| is_ours(platform.os(), platform.architecture()));
    if let Some(ours) = forms.iter().filter(fits).min_by_key(variant) {
        return Ok(ours);
    }
    let mut silent = forms.iter().filter(|one| one.platform().is_none());
    match (silent.next(), silent.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(format!(
            "no image of it is for this machine, {}; there are: {}",
            shown(&Os::Linux, &machine()),
            listed(forms.iter().copied(), |one| one.platform().as_ref().map(|p| shown(p.os(), p.architecture())))
        )),
        _ => Err("several of its images have neither a tag of their own nor a machine; give each a tag".into()),
    }
}

/// Refuses an image that says it is made for another machine.
pub fn judge(os: &Os, architecture: &Arch) -> Result<(), String> {
    if is_ours(os, architecture) {
        return Ok(());
    }
    let (theirs, ours) = (shown(os, architecture), shown(&Os::Linux, &machine()));
    Err(format!("it is made for {theirs}; fetch the image for this machine, {ours}"))
}

fn is_ours(os: &Os, architecture: &Arch) -> bool {
    *os == Os::Linux && *architecture == machine()
}

fn machine() -> Arch {
    match std::env::consts::ARCH {
        "x86_64" => Arch::Amd64,
        "aarch64" => Arch::ARM64,
        other => Arch::Other(other.to_owned()),
    }
}

fn shown(os: &Os, architecture: &Arch) -> String {
    format!("{os}/{architecture}")
}

fn tag_of(one: &Descriptor) -> Option<&str> {
    one.annotations().as_ref().and_then(|all| all.get(TAG)).map(String::as_str)
}

/// What some say of themselves, each word once.
fn listed<'a, T: AsRef<str>>(
    all: impl IntoIterator<Item = &'a Descriptor>,
    word: impl Fn(&'a Descriptor) -> Option<T>,
) -> String {
    let mut words: Vec<String> = Vec::new();
    for said in all.into_iter().filter_map(word).map(|said| escaped(said.as_ref().as_bytes())) {
        if !words.contains(&said) {
            words.push(said);
        }
    }
    if words.is_empty() { "none that has one".into() } else { words.join(", ") }
}
