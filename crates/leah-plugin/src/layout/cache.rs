//! Where everything stands in the cache. All of it may be deleted at any time, and nothing in it is believed: objects
//! and archives are compared with the hash that they are named by, roots and heads with their signatures.

use std::path::{Path, PathBuf};

use crate::{digest::Digest, key::PublicKey};

/// The paths of one cache; several homes may share it.
///
/// ```text
/// <cache>/objects/<2 hex>/<sha256>        nodes of directories, records, catalogs
/// <cache>/archives/<2 hex>/<sha256>       packages
/// <cache>/compiled/<16 hex>/<sha256>      components as machine code, by the engine that reads it
/// <cache>/registries/<16 hex>/root-<n>    roots, as last read; the hex is of the pinned root key
/// <cache>/registries/<16 hex>/head        the head, as last read
/// <cache>/registries/<16 hex>/head.json   what the server said of it, to ask whether there is another one
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLayout {
    folder: PathBuf,
}

impl CacheLayout {
    /// The layout below `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder that holds all the others.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folders in it that are ours; what else stands there is somebody else's.
    #[must_use]
    pub fn folders(&self) -> [PathBuf; 4] {
        ["objects", "archives", "compiled", "registries"].map(|name| self.folder.join(name))
    }

    /// An object of any registry.
    #[must_use]
    pub fn object(&self, digest: &Digest) -> PathBuf {
        self.by_hash("objects", digest)
    }

    /// The archive of a package of any registry.
    #[must_use]
    pub fn archive(&self, digest: &Digest) -> PathBuf {
        self.by_hash("archives", digest)
    }

    /// All machine code. Whoever writes there decides what a host runs.
    #[must_use]
    pub fn machine_code(&self) -> PathBuf {
        self.folder.join("compiled")
    }

    /// The machine code of a component; `engine` is the digest of everything that it depends on beside the component.
    #[must_use]
    pub fn compiled(&self, engine: &Digest, component: &Digest) -> PathBuf {
        self.machine_code().join(&engine.to_string()[..16]).join(component.to_string())
    }

    /// A root of the registry whose chain begins with `key`.
    #[must_use]
    pub fn root(&self, key: &PublicKey, serial: u64) -> PathBuf {
        self.registry(key).join(format!("root-{serial}"))
    }

    /// The head of that registry.
    #[must_use]
    pub fn head(&self, key: &PublicKey) -> PathBuf {
        self.registry(key).join("head")
    }

    /// What the server said of the head.
    #[must_use]
    pub fn head_validators(&self, key: &PublicKey) -> PathBuf {
        self.registry(key).join("head.json")
    }

    fn registry(&self, key: &PublicKey) -> PathBuf {
        let digest = Digest::of(key.to_string().as_bytes()).to_string();
        self.folder.join("registries").join(&digest[..16])
    }

    fn by_hash(&self, kind: &str, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.folder.join(kind).join(&hex[..2]).join(hex)
    }
}
