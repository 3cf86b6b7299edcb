//! OCI layouts made by hand: what no tool would write, and what none here can.

use super::packing::run;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What this machine is called in layouts, and a machine that it is not.
pub const OURS: &str = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
pub const OTHER: &str = if cfg!(target_arch = "x86_64") { "arm64" } else { "amd64" };

/// How a layer is packed, as its media type ends.
pub const PLAIN: &str = "tar";
pub const GZIP: &str = "tar+gzip";
pub const ZSTD: &str = "tar+zstd";

/// The digest of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    let said = String::from_utf8(run("sha256sum", &[], bytes)).unwrap();
    format!("sha256:{}", said.split(' ').next().unwrap())
}

/// One layer: how it is packed, its bytes, and the digest of what is in it.
pub struct Layer(pub &'static str, pub Vec<u8>, pub String);

impl Layer {
    /// Not packed at all.
    pub fn plain(bytes: Vec<u8>) -> Self {
        let digest = digest(&bytes);
        Self(PLAIN, bytes, digest)
    }
}

/// A layout in the making.
pub struct Layout {
    dir: PathBuf,
    listed: Vec<Value>,
}

impl Layout {
    /// In a new directory.
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { dir: dir.to_owned(), listed: Vec::new() }
    }

    fn blob(&self, kind: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        fs::write(self.dir.join("blobs/sha256").join(&digest["sha256:".len()..]), bytes).unwrap();
        json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest, "size": bytes.len()})
    }

    /// An image of layers, whose configuration names this machine.
    pub fn image(&self, machine: &str, layers: &[Layer]) -> Value {
        let promised: Vec<&str> = layers.iter().map(|layer| layer.2.as_str()).collect();
        let config = json!({"architecture": machine, "os": "linux", "rootfs": {"type": "layers", "diff_ids": promised}});
        let config = self.blob("config.v1+json", config.to_string().as_bytes());
        let layers: Vec<Value> = layers.iter().map(|layer| self.blob(&format!("layer.v1.{}", layer.0), &layer.1)).collect();
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.blob("manifest.v1+json", manifest.to_string().as_bytes())
    }

    /// An index of what was made.
    pub fn index(&self, of: &[Value]) -> Value {
        self.blob("index.v1+json", json!({"schemaVersion": 2, "manifests": of}).to_string().as_bytes())
    }

    /// Lists what was made, under a tag or under none.
    pub fn list(&mut self, mut one: Value, tag: Option<&str>) {
        if let Some(tag) = tag {
            one["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        }
        self.listed.push(one);
        let index = json!({"schemaVersion": 2, "manifests": self.listed});
        fs::write(self.dir.join("index.json"), index.to_string()).unwrap();
    }
}

/// What was made, as the form of an image that is for this machine.
pub fn for_machine(mut one: Value, machine: &str, variant: Option<&str>) -> Value {
    one["platform"] = json!({"os": "linux", "architecture": machine});
    if let Some(variant) = variant {
        one["platform"]["variant"] = json!(variant);
    }
    one
}
