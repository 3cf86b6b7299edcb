//! Where each thing of a jail lives, and a generation read back. Every path is one component or a constant.
#![forbid(unsafe_code)]

use crate::id::{Name, Target};

/// Under [`crate::policy::STATE`]: one directory per target, root only.
pub const JAILS: &str = "jails";
/// Under [`JAILS`]: one symbolic link per name, whose text is the uid.
pub const BY_NAME: &str = "by-name";
/// Under [`crate::policy::STATE`]: one directory per image.
pub const IMAGES: &str = "images";
/// Under a jail's directory: the spec.
pub const SPEC: &str = "spec";
/// Under a jail's directory: what the jail shows as `/etc/passwd`.
pub const PASSWD: &str = "passwd";
/// Under a jail's directory: what the jail shows as `/etc/group`.
pub const GROUP: &str = "group";
/// Under a jail's directory: the directories that lead down to the home, and nothing in them.
pub const PARENTS: &str = "parents";
/// Under a jail's directory: the user's `/tmp` and `/var/tmp`.
pub const TMP: &str = "tmp";
/// Under an image's directory: the link whose text is the number of the generation in service.
pub const CURRENT: &str = "current";
/// Under a generation: what the image is made of.
pub const MANIFEST: &str = "image";
/// Under a generation: the tree.
pub const TREE: &str = "root";
/// Under [`crate::policy::RUN`]: the pin of the holder.
pub const HOLDER: &str = "holder";
/// In the holder: the pins.
pub const PINS: &str = "pins";
/// In the holder: the pin of the namespace that new jails are copies of.
pub const TEMPLATE: &str = "template";
/// In the template, and in a jail's mount namespace until it is moved to its place: `/dev`.
pub const DEV: &str = "/dev";
/// In a jail's mount namespace: the pins of its other namespaces.
pub const NS: &str = "ns";
/// In a jail's mount namespace: the tree a session sees.
pub const ROOT: &str = "root";

/// The name of a target's pin, and of its directory; [`Target::parse`] reads it back, and nothing else has such a name.
pub fn pin(target: Target) -> String {
    target.to_string()
}

/// A generation's directory name read back: a positive decimal number.
pub fn generation(text: &str) -> Option<u32> {
    crate::id::decimal(text).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
}

/// `/STATE/jails/UID`, for messages.
pub fn jail_dir(target: Target) -> String {
    format!("{}/{JAILS}/{target}", crate::policy::STATE)
}

/// `/STATE/images/NAME`, for messages.
pub fn image_dir(image: &Name) -> String {
    format!("{}/{IMAGES}/{image}", crate::policy::STATE)
}
