//! The command line of the noun `image`.

use super::about::Recipe;
use super::source::{Source, package};
use clap::{Args, Subcommand};
use jail::id::Name;
use jail::layout;
use std::str::FromStr;

/// What can be done with images.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Build a new generation of an image and put it in service; jails that live keep theirs
    Build {
        /// The image
        #[arg(value_parser = crate::parse::name)]
        name: Name,
        #[command(flatten)]
        how: How,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Make the next generation as the one in service was made; one of Debian's has its packages upgraded
    Update {
        /// The image
        #[arg(value_parser = crate::parse::name)]
        name: Name,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Open a shell in a clone of the generation in service; if it ends well, the clone is the next generation
    Edit {
        /// The image
        #[arg(value_parser = crate::parse::name)]
        name: Name,
        /// A program of the image to run instead of a shell, and its words
        #[arg(last = true)]
        program: Vec<String>,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Say what two generations do not have in common
    Diff {
        /// The image, or one generation of it as IMAGE@GENERATION
        #[arg(value_parser = Asked::from_str)]
        from: Asked,
        /// The other
        #[arg(value_parser = Asked::from_str)]
        to: Asked,
        /// For programs: an array of objects
        #[arg(long)]
        json: bool,
    },
    /// List all generations of all images, and how many live jails use each
    Ls {
        /// For programs: an array of objects instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Say all there is to know of an image
    Show {
        /// The image, or one generation of it as IMAGE@GENERATION
        #[arg(value_parser = Asked::from_str)]
        image: Asked,
        /// For programs: an array of objects
        #[arg(long)]
        json: bool,
    },
    /// Say whether a generation is still what was published
    Verify {
        /// The image, or one generation of it as IMAGE@GENERATION; else what is in service of all images
        #[arg(value_parser = Asked::from_str)]
        image: Option<Asked>,
        /// For programs: an array of objects, one for each fault
        #[arg(long)]
        json: bool,
    },
    /// Put an older generation in service; jails that live keep theirs
    Rollback {
        /// The image, or the generation to go back to as IMAGE@GENERATION
        #[arg(value_parser = Asked::from_str)]
        image: Asked,
        /// Do not look whether it still is what was published
        #[arg(long)]
        unverified: bool,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove an image that no user has, or one generation that is not in service and that no live jail uses
    Rm {
        /// The image, or one generation of it as IMAGE@GENERATION
        #[arg(value_parser = Asked::from_str)]
        image: Asked,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove generations that are not in service and that no live jail uses
    Gc {
        /// Of this image alone
        #[arg(value_parser = crate::parse::name)]
        name: Option<Name>,
        /// So many generations below the one in service stay, to roll back to
        #[arg(long, default_value_t = 1)]
        keep: usize,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// How an image is made.
#[derive(Args, Debug)]
pub struct How {
    /// host, debian:SUITE, tar:FILE, dir:DIR, oci:DIR or oci:DIR:TAG
    #[arg(long, value_parser = Source::from_str)]
    from: Source,
    /// Packages beyond the suite's own; only for debian:
    #[arg(long, value_delimiter = ',', value_parser = package)]
    include: Vec<String>,
    /// Take off what others could write with, instead of refusing it
    #[arg(long)]
    mend: bool,
    /// The most bytes that all files may have, as 500M or 20G
    #[arg(long, value_parser = crate::parse::amount, default_value = "32G")]
    most_bytes: u64,
    /// The most files, directories and links there may be
    #[arg(long, value_parser = crate::parse::amount, default_value = "2M")]
    most_files: u64,
}

impl How {
    /// As it is kept.
    pub fn recipe(self) -> Recipe {
        let Self { from, include, mend, most_bytes, most_files } = self;
        Recipe { from: from.to_string(), include, mend, most_bytes, most_files }
    }
}

/// An image, or one generation of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The image.
    pub name: Name,
    /// The generation.
    pub generation: Option<u32>,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, number)) = text.split_once('@') else {
            return Ok(Self { name: crate::parse::name(text)?, generation: None });
        };
        let number = layout::generation(number).ok_or("a generation is a number from 1 up, as in host@3")?;
        Ok(Self { name: crate::parse::name(name)?, generation: Some(number) })
    }
}

impl Verb {
    /// Whether it makes a generation, which takes long, and leaves much if it is ended where it is.
    pub fn makes(&self) -> bool {
        matches!(self, Self::Build { .. } | Self::Update { .. } | Self::Edit { .. })
    }

    /// Follows "cannot".
    pub fn title(&self) -> String {
        let of = |image: &Asked| image.generation.map_or(image.name.to_string(), |number| format!("{}@{number}", image.name));
        match self {
            Self::Build { name, .. } => format!("build the image {name}"),
            Self::Update { name, .. } => format!("update the image {name}"),
            Self::Edit { name, .. } => format!("edit the image {name}"),
            Self::Diff { .. } => "compare the images".into(),
            Self::Ls { .. } => "list the images".into(),
            Self::Show { image, .. } => format!("show the image {}", of(image)),
            Self::Verify { image: Some(image), .. } => format!("verify the image {}", of(image)),
            Self::Verify { image: None, .. } => "verify the images".into(),
            Self::Rollback { image, .. } => format!("roll back the image {}", image.name),
            Self::Rm { image, .. } => format!("remove the image {}", of(image)),
            Self::Gc { .. } => "remove generations".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_alone_or_with_a_generation() {
        assert!("host".parse::<Asked>().is_ok_and(|asked| asked.generation.is_none()));
        assert!("host@12".parse::<Asked>().is_ok_and(|asked| asked.generation == Some(12)));
        for bad in ["", "@1", "host@", "host@0", "host@01", "host@-1", "host@x", "ho/st@1", "../x"] {
            assert!(bad.parse::<Asked>().is_err(), "{bad:?}");
        }
    }
}
