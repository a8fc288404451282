//! The one door to registries. A [`Source`] gives bytes by path and promises nothing about them; a
//! [`Registry`] is a source whose roots and head have been checked, and it hands out only what hangs
//! below that head by hash. It never falls back to another registry.

mod bundled;
mod cache;
mod directory;
mod evidence;
mod network;
mod opening;
mod remote;
mod session;
mod source;

use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock};

use leah_http::HttpError;
use leah_plugin::{
    catalog::{self, Catalog, CatalogError},
    digest::{Digest, Hashed},
    head::Head,
    key::{KeyError, PublicKey},
    layout::Layout,
    name::{Origin, PluginName},
    record::{RecordError, VersionLine},
    registry_layout::RegistryLayout as Paths,
    root::{MAX_ROOTS, RootChain},
    tree::TreeError,
    yaml::Format,
};

use self::{cache::Named, directory::Node, remote::Wanted};
pub use self::{
    session::{Session, SessionError, Unsolved},
    source::Source,
};
use crate::{
    credentials::CredentialsError,
    fs::FsError,
    trust::{self, Believed, Demands, Seen, SeenRoot, TrustError},
};

/// Largest root or head in bytes, signature included; both are a few hundred bytes.
const MAX_SIGNED_BYTES: u64 = 16 << 10;
/// Largest node of the directory: a leaf, in which somebody made many names meet. An inner node has 2 KiB.
const MAX_NODE_BYTES: u64 = 1 << 20;
/// Largest record: some 10,000 versions of one plugin.
const MAX_RECORD_BYTES: u64 = 16 << 20;
/// Largest object of the catalog: 10,000 entries.
const MAX_CATALOG_BYTES: u64 = 16 << 20;
/// Most bytes of all its segments together: four times 10,000 entries, of which later ones replace earlier ones.
const MAX_SEGMENTS_BYTES: u64 = 64 << 20;

/// A registry whose chain of roots and head were found good.
#[derive(Debug)]
pub struct Registry {
    source: Source,
    believed: Believed,
    /// The top node of the directory, which every search of a name begins with.
    top: OnceLock<Node>,
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
    /// A large registry has no catalog; its marketplace searches.
    #[error("registry `{0}` has too many plugins for a catalog, so it cannot be searched from here")]
    NoCatalog(Origin),
    /// The catalog is malformed.
    #[error("the catalog of registry `{origin}` is not valid")]
    Catalog {
        /// The registry.
        origin: Origin,
        /// What is wrong.
        source: CatalogError,
    },
    /// The server wants another token, or one at all.
    #[error("{source}")]
    Denied {
        /// The registry, where its name is known.
        origin: Option<Origin>,
        /// What it answered.
        source: Box<HttpError>,
    },
    /// It did not come over the network.
    #[error(transparent)]
    Network(Box<HttpError>),
    /// It is not what was signed, and it ended where the connection did.
    #[error("`{url}` was cut off or changed; its server does not say how long it is")]
    OpenEnded {
        /// The file.
        url: String,
    },
    /// It shows one root after the other, and nobody knows how many there are to come.
    #[error("`{url}` takes too long to show its roots")]
    SlowRoots {
        /// The registry's URL.
        url: String,
    },
    /// A bundle is older than what was seen of a registry in it.
    #[error("{place} is too old")]
    OldBundle {
        /// The bundle.
        place: String,
        /// What is wrong.
        source: TrustError,
    },
    /// The network is switched off, and the cache does not have it.
    #[error("`{path}` of `{url}` is not in the cache, and nothing is fetched offline")]
    Offline {
        /// The registry's URL.
        url: String,
        /// Its path in the registry.
        path: String,
    },
    /// The network is switched off, and what the cache has is past its time.
    #[error("{source}, and a newer one is not looked for offline")]
    ExpiredOffline {
        /// What is past its time.
        source: TrustError,
    },
    /// It contradicts what it said before, and both are signed.
    #[error("{source}")]
    Caught {
        /// What is wrong.
        source: TrustError,
        /// The file in which both are kept.
        evidence: PathBuf,
    },
    /// The tokens of the user cannot be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The key that a registry offers as its root is malformed.
    #[error("`root.pub` of {place} is not a public key")]
    RootKey {
        /// Where it stands.
        place: String,
        /// What is wrong.
        source: KeyError,
    },
}

impl Registry {
    /// Opens a registry: walks its roots from the pinned key, reads its head, and refuses it when it is older than what
    /// was seen. Whether it is past its time is for [`Registry::check_fresh`] to say.
    ///
    /// # Errors
    /// When there is no registry, or it is not believed.
    pub fn open(source: Source, demands: &Demands<'_>, layout: &Layout) -> Result<Self, RegistryError> {
        let believed = opening::open(&source, demands, layout)?;
        Ok(Self { source, believed, top: OnceLock::new() })
    }

    /// Refuses a registry that is past its time at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// On expiry.
    pub fn check_fresh(&self, now: u64) -> Result<(), RegistryError> {
        let fresh = || trust::check_fresh(&self.believed.head, self.believed.roots.newest(), now);
        match &self.source {
            // What is compiled in is as new as this binary; there is no newer state that could be held back.
            Source::Bundled => Ok(()),
            Source::Remote(remote) if remote.is_offline() => {
                fresh().map_err(|source| RegistryError::ExpiredOffline { source })
            }
            Source::Remote(_) | Source::Folder(_) | Source::Bundle(..) => Ok(fresh()?),
        }
    }

    /// The name that its root states.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.believed.roots.newest().origin
    }

    /// True of a root key that followed the pinned one, each signed by the one before.
    #[must_use]
    pub fn came_to_root_key(&self, key: &PublicKey) -> bool {
        self.believed.roots.roots().iter().any(|root| root.next_root_key == *key)
    }

    /// Its head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.believed.head
    }

    /// The walk over its roots, from the pinned key on.
    #[must_use]
    pub fn roots(&self) -> &RootChain {
        &self.believed.roots
    }

    /// SHA-256 of the file that its head was read from.
    #[must_use]
    pub fn head_digest(&self) -> Digest {
        self.believed.digest()
    }

    /// For a person: where its bytes come from.
    #[must_use]
    pub fn place(&self) -> String {
        self.source.place()
    }

    /// True where nobody was asked: what it shows is what was read from the network once.
    #[must_use]
    pub fn is_from_cache(&self) -> bool {
        matches!(&self.source, Source::Remote(remote) if remote.is_offline())
    }

    /// Refuses it where it contradicts what another run has seen since this one began, which may be a newer state.
    ///
    /// # Errors
    /// On a fork of the chain of roots, and equivocation.
    pub fn check_beside(&self, seen: &Seen) -> Result<(), TrustError> {
        if seen.order() > self.believed.head.order() { Ok(()) } else { self.believed.check_follows(seen) }
    }

    /// What is remembered of it: its state, and what was pinned so far.
    #[must_use]
    pub fn seen(&self, before: Option<Seen>) -> Seen {
        let epoch = self.believed.head.epoch;
        let same_epoch = before.as_ref().is_some_and(|before| before.epoch == epoch);
        let (owners, records) = before.map(|seen| (seen.owners, seen.records)).unwrap_or_default();
        Seen {
            format: Format::NEWEST,
            epoch,
            serial: self.believed.head.serial,
            head: self.believed.digest(),
            root: self
                .believed
                .root_digests
                .last()
                .map(|sha256| SeenRoot { serial: self.believed.roots.newest().serial, sha256: *sha256 }),
            // What was verified is ASCII.
            signed_head: String::from_utf8(self.believed.signed_head.clone()).ok(),
            owners,
            // In a new epoch records may have been put back from a copy.
            records: if same_epoch { records } else { BTreeMap::new() },
        }
    }

    /// The roots from the first on and the head, by their paths: all that is signed of the registry itself.
    pub fn signed(&self) -> impl Iterator<Item = (String, &[u8])> {
        let roots = (1..).zip(&self.believed.signed_roots).map(|(n, root)| (Paths::root(n), root.as_slice()));
        roots.chain([(Paths::HEAD.to_owned(), self.believed.signed_head.as_slice())])
    }

    /// What search and browse need: one entry a plugin, sorted by name.
    ///
    /// # Errors
    /// When an object of the catalog is missing, changed or malformed.
    pub fn catalog(&self) -> Result<Catalog, RegistryError> {
        let invalid = |source| RegistryError::Catalog { origin: self.origin().clone(), source };
        let head = &self.believed.head;
        let list = self.object(&head.catalog, MAX_CATALOG_BYTES)?;
        // Without names there is an empty directory; with names and no segment there are too many of them.
        if list.is_empty() && head.tree != Digest::of(b"") {
            return Err(RegistryError::NoCatalog(self.origin().clone()));
        }
        let list = catalog::read_list(&list).map_err(invalid)?;
        if list.iter().fold(0, |sum: u64, segment| sum.saturating_add(segment.size)) > MAX_SEGMENTS_BYTES {
            let (place, path) = (self.source.place(), Paths::object(&head.catalog));
            return Err(RegistryError::TooLarge { place, path, limit: MAX_SEGMENTS_BYTES });
        }
        let mut segments = Vec::new();
        for segment in list {
            let bytes = self.object(&segment.segment, segment.size.min(MAX_CATALOG_BYTES))?;
            segments.push(catalog::read_segment(&bytes).map_err(invalid)?);
        }
        Ok(catalog::merge(segments))
    }

    /// The bytes of an archive as the registry serves them, at most as many as its line says. Nothing is
    /// checked here; [`Verified`](crate::verify::Verified) is the only way on. `received` is told how many bytes have
    /// come over the network so far.
    ///
    /// # Errors
    /// When it is missing, larger than announced, or cannot be read.
    pub fn archive(
        &self,
        name: &PluginName,
        line: &VersionLine,
        received: &dyn Fn(u64),
    ) -> Result<Hashed, RegistryError> {
        let path = Paths::archive(name, &line.version);
        let wanted = Wanted { named: Named::Archive, path: &path, digest: &line.sha256, limit: line.size };
        self.source.named(&wanted, received)
    }

    /// The bytes of an archive where they can be had without the network. Nothing is checked here, as in
    /// [`Registry::archive`].
    ///
    /// # Errors
    /// When it is larger than announced, or cannot be read.
    pub fn archive_at_hand(
        &self,
        name: &PluginName,
        line: &VersionLine,
    ) -> Result<Option<Hashed>, RegistryError> {
        let path = Paths::archive(name, &line.version);
        let wanted = Wanted { named: Named::Archive, path: &path, digest: &line.sha256, limit: line.size };
        self.source.at_hand(&wanted)
    }

    /// How many bytes of what is read soon are worth having on their way at a time.
    #[must_use]
    pub fn bytes_ahead(&self) -> u64 {
        self.source.bytes_ahead()
    }

    /// Tells that an archive will be read soon, so that several can be on their way over the network at a time.
    pub fn begin_archive(&self, name: &PluginName, line: &VersionLine) {
        let path = Paths::archive(name, &line.version);
        let wanted = Wanted { named: Named::Archive, path: &path, digest: &line.sha256, limit: line.size };
        self.source.begin(&wanted);
    }

    /// The same of an object.
    fn begin(&self, digest: &Digest, limit: u64) {
        let path = Paths::object(digest);
        self.source.begin(&Wanted { named: Named::Object, path: &path, digest, limit });
    }

    fn object(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let path = Paths::object(digest);
        let found =
            self.source.named(&Wanted { named: Named::Object, path: &path, digest, limit }, &|_| ())?;
        if found.digest() == digest {
            return Ok(found.into_bytes());
        }
        Err(RegistryError::Object { origin: self.origin().clone(), path, found: *found.digest() })
    }
}
