//! The one door to registries. A [`Source`] gives bytes by path and promises nothing about them; a
//! [`Registry`] is a source whose roots and head have been checked, and it hands out only what hangs
//! below that head by hash. It never falls back to another registry.

mod bundled;
mod session;

use std::path::{Path, PathBuf};

use leah_plugin::{
    catalog::{self, Catalog, CatalogError},
    digest::Digest,
    head::Head,
    key::{KeyError, PublicKey},
    name::{Origin, PluginName},
    record::{Record, RecordError, VersionLine},
    registry_layout::RegistryLayout as Paths,
    root::RootChain,
    tree::{self, RecordRef, TreeError},
    yaml::Format,
};

pub use self::session::{Session, SessionError};
use crate::{
    fs::{self, FsError},
    trust::{self, Seen, TrustError},
};

/// Largest root or head in bytes, signature included; both are a few hundred bytes.
const MAX_SIGNED_BYTES: u64 = 16 << 10;
/// Largest node of the directory: 1,000 names at depth 0, or 256 hashes.
const MAX_NODE_BYTES: u64 = 1 << 20;
/// Largest record: some 10,000 versions of one plugin.
const MAX_RECORD_BYTES: u64 = 16 << 20;
/// Largest object of the catalog: 10,000 entries.
const MAX_CATALOG_BYTES: u64 = 16 << 20;
/// Longest chain of roots that is walked.
const MAX_ROOTS: u64 = 1_000;

/// Where the bytes of a registry come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This binary.
    Bundled,
    /// A folder.
    Folder(PathBuf),
}

/// A registry whose chain of roots and head were found good.
#[derive(Debug)]
pub struct Registry {
    source: Source,
    roots: RootChain,
    head: Head,
    head_digest: Digest,
}

/// Why a registry cannot be used, or something cannot be had from it.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no registry at that place.
    #[error("there is no registry in {0}: it has no `root/1`")]
    NoRegistry(String),
    /// A file that must be there is not.
    #[error("{place} lacks `{path}`")]
    Missing {
        /// Where it was looked for.
        place: String,
        /// Its path in the registry.
        path: String,
    },
    /// It is longer than such a file may be: endless data is an attack of its own.
    #[error("`{path}` of {place} is larger than the {limit} bytes that it may have")]
    TooLarge {
        /// Where it was read.
        place: String,
        /// Its path in the registry.
        path: String,
        /// How many bytes it may have.
        limit: u64,
    },
    /// It cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A root, the head, or what they imply is not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// An object has other bytes than its name says.
    #[error("`{path}` of registry `{origin}` was changed: its sha256 is {found}")]
    Object {
        /// The registry.
        origin: Origin,
        /// Path of the object.
        path: String,
        /// Hash of the bytes that were read.
        found: Digest,
    },
    /// A node of the directory is malformed.
    #[error("the directory of registry `{origin}` is not valid")]
    Tree {
        /// The registry.
        origin: Origin,
        /// What is wrong.
        source: TreeError,
    },
    /// A record is malformed or not signed as it must be.
    #[error("the record of `{name}` in registry `{origin}` is not valid")]
    Record {
        /// The registry.
        origin: Origin,
        /// The plugin.
        name: PluginName,
        /// What is wrong.
        source: RecordError,
    },
    /// The catalog is malformed.
    #[error("the catalog of registry `{origin}` is not valid")]
    Catalog {
        /// The registry.
        origin: Origin,
        /// What is wrong.
        source: CatalogError,
    },
    /// The key that a registry offers as its root is malformed.
    #[error("`root.pub` of {place} is not a public key")]
    RootKey {
        /// Where it stands.
        place: String,
        /// What is wrong.
        source: KeyError,
    },
}

impl Source {
    /// The source of a registry by the URL it was added with: an absolute folder.
    #[must_use]
    pub fn folder(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }

    /// The address that may stand in a lock; none for a folder, which means nothing on another machine.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        None
    }

    /// For a person: where the bytes come from.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Bundled => "this leahpm".into(),
            Self::Folder(path) => format!("`{}`", fs::shown(path)),
        }
    }

    /// The bytes of a file of the registry, at most `limit`; `None` when there is no such file.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, RegistryError> {
        match self {
            Self::Bundled => Ok(bundled::file(path).map(<[u8]>::to_vec)),
            Self::Folder(folder) => fs::read_if_any(&folder.join(path), limit).map_err(|error| {
                if error.is_too_large() {
                    RegistryError::TooLarge { place: self.place(), path: path.to_owned(), limit }
                } else {
                    error.into()
                }
            }),
        }
    }

    fn require(&self, path: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let missing = || RegistryError::Missing { place: self.place(), path: path.to_owned() };
        self.read(path, limit)?.ok_or_else(missing)
    }

    /// The root key that the registry shows to whoever meets it first. It proves nothing: a person must
    /// compare it with what the registry's people publish elsewhere.
    ///
    /// # Errors
    /// When there is none or it is malformed.
    pub fn offered_key(&self) -> Result<PublicKey, RegistryError> {
        let bytes = self.require(Paths::ROOT_KEY, MAX_SIGNED_BYTES)?;
        PublicKey::from_file_text(&String::from_utf8_lossy(&bytes))
            .map_err(|source| RegistryError::RootKey { place: self.place(), source })
    }
}

impl Registry {
    /// Opens a registry: walks its roots from the pinned key and reads its head. Whether it is older than
    /// one already seen, or past its time, is for
    /// [`Registry::check_not_older`] and [`Registry::check_fresh`] to say.
    ///
    /// # Errors
    /// When there is no registry, or it is not signed as it must be.
    pub fn open(source: Source, pinned: &PublicKey) -> Result<Self, RegistryError> {
        let mut roots = Vec::new();
        while let Some(bytes) = source.read(&Paths::root(roots.len() as u64 + 1), MAX_SIGNED_BYTES)? {
            roots.push(bytes);
            if roots.len() as u64 == MAX_ROOTS {
                break;
            }
        }
        if roots.is_empty() {
            return Err(RegistryError::NoRegistry(source.place()));
        }
        let roots = trust::walk_roots(&roots, pinned)?;
        let head = source.require(Paths::HEAD, MAX_SIGNED_BYTES)?;
        let head_digest = Digest::of(&head);
        let head = trust::read_head(&head, roots.newest())?;
        Ok(Self { source, roots, head, head_digest })
    }

    /// Refuses a registry that went back behind what was seen.
    ///
    /// # Errors
    /// On rollback and equivocation.
    pub fn check_not_older(&self, seen: Option<&Seen>) -> Result<(), TrustError> {
        trust::check_not_older(&self.head, &self.head_digest, seen)
    }

    /// Refuses a registry that is past its time at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// On expiry, and when head and newest root do not belong together.
    pub fn check_fresh(&self, now: u64) -> Result<(), TrustError> {
        // What is compiled in is as new as this binary; there is no newer state that could be held back.
        if self.source == Source::Bundled {
            return Ok(());
        }
        trust::check_fresh(&self.head, self.roots.newest(), now)
    }

    /// The name that its root states.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.roots.newest().origin
    }

    /// Its head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What is remembered of it: its state, and the owner lines pinned so far.
    #[must_use]
    pub fn seen(&self, before: Option<Seen>) -> Seen {
        Seen {
            format: Format,
            epoch: self.head.epoch,
            serial: self.head.serial,
            head: self.head_digest,
            owners: before.map(|seen| seen.owners).unwrap_or_default(),
        }
    }

    /// The record of a plugin, or `None` when the registry has no plugin of that name.
    ///
    /// # Errors
    /// When an object on the way is missing, changed or malformed.
    pub fn record(&self, name: &PluginName) -> Result<Option<Record>, RegistryError> {
        let Some(found) = self.find(name)? else { return Ok(None) };
        let bytes = self.object(&found.record, MAX_RECORD_BYTES)?;
        Record::read(&bytes, self.origin(), name, self.roots.root_key()).map(Some).map_err(|source| {
            RegistryError::Record { origin: self.origin().clone(), name: name.clone(), source }
        })
    }

    fn find(&self, name: &PluginName) -> Result<Option<RecordRef>, RegistryError> {
        let invalid = |source| RegistryError::Tree { origin: self.origin().clone(), source };
        let mut node = self.object(&self.head.tree, MAX_NODE_BYTES)?;
        for level in 0..self.head.depth {
            match tree::interior_child(&node, name, level).map_err(invalid)? {
                Some(child) => node = self.object(&child, MAX_NODE_BYTES)?,
                None => return Ok(None),
            }
        }
        tree::leaf_find(&node, name).map_err(invalid)
    }

    /// What search and browse need: one entry a plugin, sorted by name.
    ///
    /// # Errors
    /// When an object of the catalog is missing, changed or malformed.
    pub fn catalog(&self) -> Result<Catalog, RegistryError> {
        let invalid = |source| RegistryError::Catalog { origin: self.origin().clone(), source };
        let list = self.object(&self.head.catalog, MAX_CATALOG_BYTES)?;
        let mut segments = Vec::new();
        for segment in catalog::read_list(&list).map_err(invalid)? {
            let bytes = self.object(&segment.segment, segment.size.min(MAX_CATALOG_BYTES))?;
            segments.push(catalog::read_segment(&bytes).map_err(invalid)?);
        }
        Ok(catalog::merge(segments))
    }

    /// The bytes of an archive as the registry serves them, at most as many as its line says. Nothing is
    /// checked here; [`Verified`](crate::verify::Verified) is the only way on.
    ///
    /// # Errors
    /// When it is missing, larger than announced, or cannot be read.
    pub fn archive(&self, name: &PluginName, line: &VersionLine) -> Result<Vec<u8>, RegistryError> {
        self.source.require(&Paths::archive(name, &line.version), line.size)
    }

    fn object(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let path = Paths::object(digest);
        let bytes = self.source.require(&path, limit)?;
        let found = Digest::of(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(RegistryError::Object { origin: self.origin().clone(), path, found })
        }
    }
}
