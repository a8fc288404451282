//! A registry in a folder, read and verified from its root key down. Changes nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use leah_plugin::{
    catalog::{self, Catalog, CatalogError, Segment, SegmentRef},
    digest::Digest,
    head::{Head, HeadError, MAX_HEAD_BYTES},
    key::{KeyError, MAX_KEY_FILE_BYTES, PublicKey},
    name::{Origin, PluginName},
    record::{MAX_RECORD_BYTES, Record, RecordError},
    registry_layout::RegistryLayout,
    root::{MAX_ROOT_BYTES, MAX_ROOTS, Root, RootChain, RootError},
    signature::MAX_SIGNATURE_BYTES,
    tree::{self, INNER_BYTES, MAX_LEAF_BYTES, RecordRef, Step, TreeError},
};

use crate::fs::{self, FsError};

/// What keeps a registry, or a part of it, from being read.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The folder has no head.
    #[error("`{}` is not a registry: it has no `head`", fs::show(.0))]
    NotARegistry(PathBuf),
    /// A file that should be there cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file of the root key holds none.
    #[error("`{path}` is not the file of a public key")]
    RootKey {
        /// In the registry.
        path: &'static str,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The file of the root key is not as it was written.
    #[error("`{0}` is not in the form in which it was written")]
    RootKeyText(&'static str),
    /// Another registry, or another root key.
    #[error("none of the {roots} roots is signed by key {} (`{key}`)", key.id())]
    NotPinned {
        /// How many there are.
        roots: usize,
        /// The key that was pinned, or is shown in the folder.
        key: PublicKey,
    },
    /// A root that does not hold.
    #[error("`{path}` is refused")]
    Root {
        /// In the registry.
        path: String,
        /// Why.
        source: RootError,
    },
    /// The head does not hold.
    #[error("`head` is refused")]
    Head {
        /// Why.
        #[from]
        source: HeadError,
    },
    /// An object with other content than its name says.
    #[error("`{path}` has the hash `{found}`")]
    Object {
        /// In the registry; ends with the hash that it should have.
        path: String,
        /// Of its bytes.
        found: Digest,
    },
    /// An object with another length than the one that refers to it says.
    #[error("`{path}` has {found} bytes, expected {expected}")]
    Size {
        /// In the registry.
        path: String,
        /// As it was named.
        expected: u64,
        /// Of its bytes.
        found: u64,
    },
    /// A node of the directory that does not hold.
    #[error("`{path}` is refused")]
    Node {
        /// In the registry.
        path: String,
        /// Why.
        source: TreeError,
    },
    /// The directory cannot be changed.
    #[error("the directory of the registry does not hold")]
    Directory(#[from] TreeError),
    /// A name in a leaf in which no client would look for it.
    #[error("`{path}` lists `{name}`, which belongs into another leaf")]
    Misplaced {
        /// In the registry.
        path: String,
        /// The name.
        name: PluginName,
    },
    /// A node that is part of the directory twice.
    #[error("the directory has `{0}` in two places")]
    Repeated(String),
    /// A record that does not hold.
    #[error("`{path}` is refused")]
    Record {
        /// In the registry.
        path: String,
        /// Why.
        source: RecordError,
    },
    /// The catalog does not hold.
    #[error("`{path}` is refused")]
    Catalog {
        /// In the registry.
        path: String,
        /// Why.
        source: CatalogError,
    },
}

/// A registry whose roots and head were verified.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
    roots: RootChain,
    head: Head,
}

impl Registry {
    /// Reads roots and head. Without a `pinned` key the one in the folder is taken: right for the
    /// registry's own tool, and for nobody else.
    ///
    /// # Errors
    /// When the folder is no registry, or its roots or its head do not hold. `now` is in seconds since
    /// 1970; an expired head is none of the errors.
    pub fn open(folder: &Path, pinned: Option<&PublicKey>, now: u64) -> Result<Self, RegistryError> {
        let limit = (MAX_HEAD_BYTES + MAX_SIGNATURE_BYTES) as u64;
        let signed = fs::read_if_there(&folder.join(RegistryLayout::HEAD), limit)?
            .ok_or_else(|| RegistryError::NotARegistry(folder.to_owned()))?;
        let key = read_root_key(folder)?;
        let roots = walk_roots(folder, pinned.unwrap_or(&key))?;
        let head = Head::read(&signed, &roots.newest().index_key)?;
        head.check(roots.newest(), now)?;
        Ok(Self::of(folder, roots, head))
    }

    /// A state whose roots and head were verified elsewhere, over the objects in `folder`.
    pub(crate) fn of(folder: &Path, roots: RootChain, head: Head) -> Self {
        Self { folder: folder.to_owned(), roots, head }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.head.origin
    }

    /// Its newest root.
    #[must_use]
    pub fn root(&self) -> &Root {
        self.roots.newest()
    }

    /// All its roots.
    #[must_use]
    pub fn roots(&self) -> &RootChain {
        &self.roots
    }

    /// The root key in force: what a client pins, and what signs the next root.
    #[must_use]
    pub fn root_key(&self) -> &PublicKey {
        self.roots.root_key()
    }

    /// The same state under newer roots, which need not be written yet.
    #[must_use]
    pub(crate) fn under(self, roots: RootChain) -> Self {
        Self { roots, ..self }
    }

    /// Its head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The bytes of an object, compared with its hash.
    ///
    /// # Errors
    /// When it is missing, larger than `limit`, or has another hash.
    pub fn object(&self, digest: &Digest, limit: usize) -> Result<Vec<u8>, RegistryError> {
        let path = RegistryLayout::object(digest);
        let bytes = fs::read(&self.folder.join(&path), limit as u64)?;
        let found = Digest::of(&bytes);
        if found == *digest { Ok(bytes) } else { Err(RegistryError::Object { path, found }) }
    }

    /// All names with their records, and the hashes of the nodes that hold them.
    ///
    /// # Errors
    /// At the first node that does not hold.
    pub fn names(&self) -> Result<Names, RegistryError> {
        let mut names = Names::default();
        self.walk(&self.head.tree, &mut Vec::new(), &mut names)?;
        Ok(names)
    }

    /// Where the record of one name is, by the nodes on the way to it.
    ///
    /// # Errors
    /// At the first node that does not hold.
    pub fn find(&self, name: &PluginName) -> Result<Option<RecordRef>, RegistryError> {
        let mut digest = self.head.tree;
        for level in 0.. {
            let node = self.node(&digest)?;
            let path = || RegistryLayout::object(&digest);
            let step = tree::step(self.head.depth, level, &node, name)
                .map_err(|source| RegistryError::Node { path: path(), source })?;
            match step {
                Step::Descend(child) => digest = child,
                Step::Found(at) => return Ok(Some(at)),
                Step::Absent => break,
            }
        }
        Ok(None)
    }

    /// The bytes of a node of the directory, compared with its hash.
    ///
    /// # Errors
    /// As [`Registry::object`].
    pub fn node(&self, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
        self.object(digest, MAX_LEAF_BYTES.max(INNER_BYTES))
    }

    /// The record that the directory names.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn record(&self, name: &PluginName, at: &RecordRef) -> Result<Record, RegistryError> {
        let bytes = self.object(&at.record, MAX_RECORD_BYTES)?;
        let path = RegistryLayout::object(&at.record);
        let found = bytes.len() as u64;
        if found != at.size {
            return Err(RegistryError::Size { path, expected: at.size, found });
        }
        Record::read(&bytes, self.origin(), name, self.root_key())
            .map_err(|source| RegistryError::Record { path, source })
    }

    /// The segments of the catalog, the oldest first.
    ///
    /// # Errors
    /// When the list does not hold.
    pub fn segments(&self) -> Result<Vec<SegmentRef>, RegistryError> {
        let bytes = self.object(&self.head.catalog, catalog::MAX_LIST_BYTES)?;
        let path = RegistryLayout::object(&self.head.catalog);
        catalog::read_list(&bytes).map_err(|source| RegistryError::Catalog { path, source })
    }

    /// One segment of the catalog.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn segment(&self, at: &SegmentRef) -> Result<Segment, RegistryError> {
        let bytes = self.object(&at.segment, catalog::MAX_SEGMENT_BYTES)?;
        let path = RegistryLayout::object(&at.segment);
        let found = bytes.len() as u64;
        if found != at.size {
            return Err(RegistryError::Size { path, expected: at.size, found });
        }
        catalog::read_segment(&bytes).map_err(|source| RegistryError::Catalog { path, source })
    }

    /// True when the registry was too large for a catalog when its last new name came: then no segment is
    /// named although there are names.
    ///
    /// # Errors
    /// When the list does not hold.
    pub fn has_no_catalog(&self) -> Result<bool, RegistryError> {
        Ok(self.head.tree != Digest::of(b"") && self.segments()?.is_empty())
    }

    /// The whole catalog.
    ///
    /// # Errors
    /// When the list or a segment does not hold.
    pub fn catalog(&self) -> Result<Catalog, RegistryError> {
        let segments = self.segments()?.iter().map(|at| self.segment(at)).collect::<Result<Vec<_>, _>>()?;
        Ok(catalog::merge(segments))
    }

    fn walk(&self, digest: &Digest, slots: &mut Vec<u8>, names: &mut Names) -> Result<(), RegistryError> {
        let path = RegistryLayout::object(digest);
        let bytes = self.node(digest)?;
        let refused = |source| RegistryError::Node { path: path.clone(), source };
        names.nodes.push(*digest);
        if slots.len() < usize::from(self.head.depth) {
            for (slot, child) in tree::interior_children(&bytes).map_err(refused)? {
                slots.push(slot);
                self.walk(&child, slots, names)?;
                slots.pop();
            }
            return Ok(());
        }
        for (name, at) in tree::leaf_entries(&bytes).map_err(refused)? {
            if !tree::belongs(&name, slots) {
                return Err(RegistryError::Misplaced { path, name });
            }
            names.records.insert(name, at);
        }
        Ok(())
    }
}

/// The directory of a registry, read whole.
#[derive(Debug, Default)]
pub struct Names {
    /// Where the record of each name is.
    pub records: BTreeMap<PluginName, RecordRef>,
    /// The hashes of all nodes.
    pub nodes: Vec<Digest>,
}

/// The root key that the folder shows.
pub(crate) fn read_root_key(folder: &Path) -> Result<PublicKey, RegistryError> {
    let path = RegistryLayout::ROOT_KEY;
    let bytes = fs::read(&folder.join(path), MAX_KEY_FILE_BYTES as u64)?;
    let text = String::from_utf8_lossy(&bytes);
    let key = PublicKey::from_file_text(&text).map_err(|source| RegistryError::RootKey { path, source })?;
    if key.to_file_text() == text { Ok(key) } else { Err(RegistryError::RootKeyText(path)) }
}

/// Walks all roots, as [`chain_of`].
pub(crate) fn walk_roots(folder: &Path, pinned: &PublicKey) -> Result<RootChain, RegistryError> {
    let limit = (MAX_ROOT_BYTES + MAX_SIGNATURE_BYTES) as u64;
    let mut files = vec![fs::read(&folder.join(RegistryLayout::root(1)), limit)?];
    for serial in 2..=MAX_ROOTS {
        let Some(signed) = fs::read_if_there(&folder.join(RegistryLayout::root(serial)), limit)? else {
            break;
        };
        files.push(signed);
    }
    chain_of(&files, pinned)
}

/// The chain of all roots, of which there is at least one, whichever of the root keys is pinned: a client
/// begins at the first root that its key signed, but here the earlier ones are looked at too, for those who
/// pinned an earlier key.
pub(crate) fn chain_of(files: &[Vec<u8>], pinned: &PublicKey) -> Result<RootChain, RegistryError> {
    let path = |serial| RegistryLayout::root(serial);
    let refused = |serial| move |source| RegistryError::Root { path: path(serial), source };
    let (first, later) = files.split_first().expect("there is a root 1");
    let pinned_first = RootChain::start(first, pinned);
    let mut chain = match &pinned_first {
        Ok(chain) => chain.clone(),
        Err(_) => RootChain::start_unpinned(first).map_err(refused(1))?,
    };
    for (serial, signed) in (2..).zip(later) {
        chain.extend(signed).map_err(refused(serial))?;
    }
    match (chain.is_signed_by(pinned), chain.roots().len()) {
        (true, _) => Ok(chain),
        // With one root there is one story to tell: what is wrong with it.
        (false, 1) => Err(pinned_first.map_or_else(refused(1), |_| not_pinned(1, pinned))),
        (false, roots) => Err(not_pinned(roots, pinned)),
    }
}

fn not_pinned(roots: usize, pinned: &PublicKey) -> RegistryError {
    RegistryError::NotPinned { roots, key: *pinned }
}
