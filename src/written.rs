//! Specs and manifests as text: what jailbase writes and trampoline only reads. The setuid program has no use for it.
#![forbid(unsafe_code)]

use crate::explain::word;
use crate::id::{Group, Name};
use crate::image::Image;
use crate::limits::Limits;
use crate::spec::{FILTERS, Init, NETWORKS, Root, Spec};

impl Spec {
    /// The text that [`Spec::read`] reads as this spec.
    pub fn write(&self) -> String {
        let mut lines = vec![
            ("format", "1".to_owned()),
            ("name", self.name.to_string()),
            ("uid", self.uid.to_string()),
            ("gid", self.gid.to_string()),
            ("groups", join(&self.groups)),
            ("image", self.image.to_string()),
            ("home", self.home.to_string()),
            ("shell", self.shell.to_string()),
            (
                "root",
                match self.root {
                    Root::ReadOnly => "readonly",
                }
                .to_owned(),
            ),
            ("network", word(&NETWORKS, self.network).to_owned()),
            (
                "init",
                match self.init {
                    Init::Builtin => "builtin",
                }
                .to_owned(),
            ),
            ("filter", word(&FILTERS, self.filter).to_owned()),
            ("hostname", self.hostname.as_ref().map_or("none", Name::as_str).to_owned()),
            ("domain", self.domain.as_ref().map_or("none", Name::as_str).to_owned()),
        ];
        lines.extend(self.limits.table().map(|(key, value)| (key, value.to_string())));
        record(&lines)
    }
}

impl Image {
    /// The text that [`Image::read`] reads as this manifest.
    pub fn write(&self) -> String {
        let host = if self.host.is_empty() { "none".to_owned() } else { self.host.join(" ") };
        record(&[("format", "1".to_owned()), ("host", host)])
    }
}

impl Limits {
    /// What a user gets who asked for nothing: enough for a compiler or a web handler, too little for a fork bomb.
    pub fn usual(ceilings: &Self) -> Self {
        Self {
            cpu: ceilings.cpu.min(3600),
            memory: ceilings.memory.min(8 << 30),
            processes: ceilings.processes.min(256),
            file_size: ceilings.file_size.min(4 << 30),
            open_files: ceilings.open_files.min(1024),
        }
    }
}

fn join(groups: &[Group]) -> String {
    let words: Vec<String> = groups.iter().map(ToString::to_string).collect();
    if words.is_empty() { "none".into() } else { words.join(" ") }
}

/// The text that [`Record::read`] reads as these lines.
fn record(lines: &[(&str, String)]) -> String {
    lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// So that a program with many kinds of errors can box it; trampoline has one kind.
impl std::error::Error for crate::error::Error {}
